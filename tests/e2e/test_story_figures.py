"""The story's second half: what the figures say of it, and who may see what.

It goes on where ``test_story.py`` ended; ``tests/support/story.py`` shows the ten families.
"""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.support.callers import Caller
from tests.support.story import BAAMANG, BY_NAME, HEAD, KETAPANG, PELANGSIAN, PURPOSE, TINDUK

OFFICIAL = Path(__file__).resolve().parents[2] / "deploy/demo/data/kotim_indicators.csv"


@pytest.fixture(autouse=True)
def after_the_first_half(told: SimpleNamespace) -> None:
    """Without its first half the story has nothing to count."""
    if not hasattr(told, "first"):
        pytest.fail("the first half, tests/e2e/test_story.py, must run before it and pass")


async def test_17_four_fields_times_three_groups(told):
    of_ketapang = {
        ("KESEHATAN", "I"): (3, 2, 25_000_000),
        ("EKONOMI", "III"): (2, 2, 4_800_000),
    }
    found = await told.leader.until(
        "/v1/contributions/matrix", of_ketapang, _cells, region=KETAPANG, year=told.year
    )
    # A1 has both programs and is one family in the total.
    assert _figures(found["total"]) == (4, 3, 29_800_000)
    assert len({cell["bidang"] for cell in found["cells"]}) == 4
    of_baamang = {("KESEHATAN", "I"): (1, 0, 0), ("EKONOMI", "III"): (1, 1, 2_400_000)}
    await told.leader.until(
        "/v1/contributions/matrix", of_baamang, _cells, region=BAAMANG, year=told.year
    )


def _cells(found: dict[str, Any]) -> dict[tuple[str, str], tuple[int, int, int]]:
    figures = {(cell["bidang"], cell["kelompok"]): _figures(cell) for cell in found["cells"]}
    return {place: three for place, three in figures.items() if any(three)}


def _figures(cell: dict[str, Any]) -> tuple[int, int, int]:
    return cell["families_entitled"], cell["families_reached"], cell["delivered_idr"]


async def test_18_coverage_and_leakage_by_kecamatan_and_desil(told):
    found = await told.leader.get("/v1/coverage", year=told.year, by="kecamatan")
    rows = {row["key"]: row for row in found["data"]}
    ketapang, baamang = rows[KETAPANG], rows[BAAMANG]
    assert (ketapang["families"], ketapang["target_families"]) == (6, 4)
    assert (ketapang["target_reached"], ketapang["delivered_idr"]) == (3, 29_800_000)
    assert float(ketapang["coverage"]) == 0.75
    assert float(ketapang["inclusion_error"]) == 0
    assert (baamang["families"], baamang["target_families"]) == (4, 2)
    assert (baamang["unknown_desil_families"], baamang["non_target_reached"]) == (1, 1)
    assert (float(baamang["coverage"]), float(baamang["inclusion_error"])) == (0, 1)
    by_desil = await told.leader.get("/v1/coverage", year=told.year, by="desil", region=KETAPANG)
    assert {row["key"]: (row["families"], row["beneficiaries"]) for row in by_desil["data"]} == {
        "1": (1, 1), "2": (1, 1), "3": (1, 1), "4": (1, 0), "5": (1, 0), "8": (1, 0),
    }  # fmt: skip


async def test_19_who_is_reached_by_nobody(told):
    pelangsian = await told.operator.get("/v1/unreached/summary", region=PELANGSIAN)
    assert _unreached(pelangsian["total"]) == (4, 1, 0)
    assert float(pelangsian["total"]["rate"]) == 0.25
    (family,) = (await told.operator.get("/v1/unreached"))["data"]
    assert (family["family_id"], family["has_pending"]) == (told.ids["A3"], True)
    assert family["status"] == "belum_tersentuh"
    tinduk = await told.leader.get("/v1/unreached/summary", region=TINDUK)
    assert _unreached(tinduk["total"]) == (2, 2, 0)


def _unreached(counts: dict[str, Any]) -> tuple[int, int, int]:
    return counts["target_families"], counts["belum_tersentuh"], counts["belum_diketahui"]


async def test_20_where_a_source_is_missing_nobody_is_called_unreached(told):
    await told.admin.post(
        "/v1/indicators/expected-sources",
        {"year": told.year, "code": "BLT-TINDUK", "name": "Penyaluran BLT desa Tinduk",
         "reporter_code": "DPMD", "region_code": TINDUK, "max_age_days": 90},
    )  # fmt: skip
    tinduk = await told.leader.get("/v1/unreached/summary", region=TINDUK)
    assert _unreached(tinduk["total"]) == (2, 0, 2)
    listed = await told.leader.get("/v1/unreached", region=TINDUK)
    assert {row["family_id"]: row["status"] for row in listed["data"]} == {
        told.ids["B1"]: "belum_diketahui",
        told.ids["B2"]: "belum_diketahui",
    }
    pelangsian = await told.leader.get("/v1/unreached/summary", region=PELANGSIAN)
    assert _unreached(pelangsian["total"]) == (4, 1, 0)


async def test_21_value_handed_over_stands_against_the_ceiling_of_each_agency(told):
    budgets = await told.leader.get("/v1/budgets", year=told.year)
    rows = {row["owner_code"]: row for row in budgets["data"]}
    dinsos, diskop = rows["DINSOS"], rows["DISKOP"]
    assert (dinsos["ceiling_idr"], dinsos["delivered_idr"]) == (1_000_000_000, 25_000_000)
    assert float(dinsos["realisation_ratio"]) == 0.025
    assert (diskop["ceiling_idr"], diskop["delivered_idr"]) == (100_000_000, 7_200_000)
    assert float(diskop["realisation_ratio"]) == 0.072
    agencies = await told.leader.get("/v1/contributions", year=told.year, region=KETAPANG)
    (legs,) = [row for row in agencies["data"] if row["owner_code"] == "DINSOS"]
    assert (legs["families_reached"], legs["persons_reached"]) == (2, 2)


async def test_22_the_official_poverty_rate_against_the_target_of_the_rpjmd(told):
    text = await asyncio.to_thread(OFFICIAL.read_text)
    await _post_csv(told.admin, text)
    await told.admin.post(
        "/v1/targets",
        {"indicator": "P0", "region": "62.02", "document": "RPJMD 2025-2029",
         "document_source": "dikutip pers", "unit": "persen",
         "years": [{"year": 2025, "value": "4.84"}, {"year": 2029, "value": "1.00"}]},
    )  # fmt: skip
    found = await told.leader.get("/v1/indicators/P0/progress", region="62.02")
    realised = {y["year"]: float(y["realised"]) for y in found["years"] if y["realised"]}
    assert realised == {2020: 5.62, 2021: 5.91, 2022: 5.95, 2023: 5.69, 2024: 5.66, 2025: 5.83}
    assert found["latest"]["year"] == 2025
    assert float(found["gap"]) == pytest.approx(5.83 - 4.84)
    assert float(found["gap_to_end"]) == pytest.approx(5.83 - 1.00)


async def _post_csv(caller: Caller, text: str) -> None:
    answer = await caller.send(
        "POST",
        "/v1/official-statistics/import",
        content=text.encode(),
        headers={"Content-Type": "text/csv"},
    )
    assert answer.status_code == 201, answer.text


async def test_23_a_family_is_told_what_it_receives_and_what_is_pending(told):
    body = {"kk_number": BY_NAME["A1"].kk, "purpose": PURPOSE}
    found = await told.operator.post("/v1/enrolments/search", body)
    received = {
        row["program_name"]: (row["status"], row["delivered"]["delivered_value_idr"])
        for row in found["data"]
    }
    assert received == {
        "Alat bantu: kaki palsu": ("granted", 12_500_000),
        "Modal alat usaha mikro": ("granted", 2_400_000),
    }


async def test_24_a_foreign_village_sees_nothing(told):
    foreign = Caller(told.system, "operator_desa", regions=["62.02.06.2006"])
    ids = (told.ids["A1"], told.ids["B1"])
    for path in (
        *(f"/v1/families/{i}" for i in ids),
        told.path,
        f"/v1/persons/{told.persons['A1']}",
    ):
        assert (await foreign.send("GET", path)).status_code == 404, path
    for path in ("/v1/families", "/v1/imports", "/v1/enrolments", "/v1/entitlements",
                 "/v1/deliveries", "/v1/unreached"):  # fmt: skip
        assert (await foreign.get(path))["data"] == [], path
    body = {"nik": BY_NAME["A1"].nik(HEAD), "purpose": PURPOSE}
    assert (await foreign.post("/v1/persons/search", body))["data"] == []
    asked = await foreign.send("GET", "/v1/unreached/summary", params={"region": PELANGSIAN})
    assert asked.status_code == 403


async def test_25_an_analyst_sees_no_people_and_no_small_cells(told):
    for path in ("/v1/families", "/v1/enrolments", "/v1/entitlements", "/v1/unreached",
                 f"/v1/families/{told.ids['A1']}"):  # fmt: skip
        assert (await told.analyst.send("GET", path)).status_code == 403, path
    matrix = await told.analyst.get("/v1/contributions/matrix", region=KETAPANG, year=told.year)
    cells = {(cell["bidang"], cell["kelompok"]): cell for cell in matrix["cells"]}
    for place in (("KESEHATAN", "I"), ("EKONOMI", "III")):
        assert cells[place]["suppressed"]
        assert _figures(cells[place]) == (None, None, None)
    assert matrix["total"]["suppressed"]


async def test_26_who_hands_over_sees_recipients_and_agencies_see_their_own(told):
    for path in ("/v1/families", "/v1/enrolments", "/v1/budgets", f"/v1/families/{told.ids['A1']}"):
        assert (await told.penyalur.send("GET", path)).status_code == 403, path
    tools = f"/v1/sessions/{told.sessions[told.tools]}/recipients"
    assert (await told.penyalur.send("GET", tools)).status_code == 404, "another agency's session"
    enrolled = await told.diskop.get("/v1/enrolments", program_id=told.leg)
    assert enrolled["data"] == []
    citizen = Caller(told.system, "warga")
    assert (await citizen.get("/v1/me"))["roles"] == ["warga"]
    assert (await citizen.send("GET", "/v1/programs")).status_code == 403
