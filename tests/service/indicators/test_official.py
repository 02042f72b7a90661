"""Official figures as published, targets of a document, and the way between them."""

from pathlib import Path

import pytest

from tests.service.indicators.world import ADMIN, ANALYST, AUDITOR, LEADER, OFFICER, World

FIGURES = Path(__file__).parents[3] / "deploy" / "demo" / "data" / "kotim_indicators.csv"
HEADER = "wilayah,kode_kemendagri,periode,indikator,nilai,satuan,sumber,catatan\n"
RPJMD = {
    "indicator": "P0", "region": "62.02", "document": "RPJMD 2025-2029",
    "document_source": "handbook 4.1, dikutip pers", "unit": "persen",
    "years": [{"year": 2025, "value": "4.84"}, {"year": 2029, "value": "1"}],
}  # fmt: skip


@pytest.fixture(scope="module")
async def figures(world: World) -> None:
    answer = await world.import_csv(FIGURES.read_text())
    assert answer.status_code == 201, answer.text
    assert answer.json() == {"recorded": 98, "corrected": 0, "unchanged": 0}


@pytest.mark.usefixtures("figures")
async def test_importing_the_same_file_again_changes_nothing(world: World):
    again = await world.import_csv(FIGURES.read_text())
    assert again.json() == {"recorded": 0, "corrected": 0, "unchanged": 98}


@pytest.mark.usefixtures("figures")
async def test_figures_are_listed_as_printed_with_their_source(world: World):
    found = await world.get("/v1/official-statistics", ANALYST, indicator="P0", region="62.02")
    series = {row["period"]: row["value"] for row in found["data"]}
    assert series == {
        "2020": "5.62", "2021": "5.91", "2022": "5.95", "2023": "5.69", "2024": "5.66",
        "2025": "5.83",
    }  # fmt: skip
    assert {row["source"] for row in found["data"]} == {"pers mengutip BPS"}
    assert "tidak dihitung ulang" in found["label"]["id"]
    pages = await world.get("/v1/official-statistics", limit=200)
    assert len(pages["data"]) == 98


@pytest.mark.usefixtures("figures")
async def test_the_progress_says_target_realised_and_gap_neutrally(world: World):
    assert await world.post("/v1/targets", RPJMD) == {"recorded": 2}
    assert await world.post("/v1/targets", RPJMD) == {"recorded": 0}
    found = await world.get("/v1/indicators/P0/progress", LEADER, region="62.02")
    assert found["status"] == "di_luar_jalur"
    assert found["latest"]["realised"] == "5.83"
    assert found["latest"]["target"] == "4.84"
    assert found["gap"] == "0.99"
    assert found["latest"]["achievement_percent"] == "79.55"
    assert found["document"]["document_source"] == "handbook 4.1, dikutip pers"
    assert [year["target"] for year in found["years"]][-4:] == ["3.88", "2.92", "1.96", "1"]
    assert "realisasi 5,83, target 4,84, selisih 0,99" in found["wording"]["id"]
    assert "bukan angka resmi BPS" in found["registry_note"]["id"]


@pytest.mark.usefixtures("figures")
async def test_a_changed_target_needs_a_reason(world: World):
    changed = RPJMD | {"document": "RPJMD lain"}
    await world.post("/v1/targets", changed)
    changed = changed | {"years": [{"year": 2025, "value": "4.90"}]}
    assert await world.refused("POST", "/v1/targets", ADMIN, changed) == (422, "reason_missing")
    reasoned = changed | {"reason": "perubahan RPJMD"}
    assert await world.post("/v1/targets", reasoned) == {"recorded": 1}
    listed = await world.get("/v1/targets", document="RPJMD lain")
    assert [(row["year"], row["value"], row["revision"]) for row in listed["data"]] == [
        (2025, "4.90", 2),
        (2029, "1", 1),
    ]


@pytest.mark.usefixtures("figures")
async def test_a_correction_is_a_new_entry_with_a_reason(world: World):
    row = "Kalimantan Tengah,62,2025-09,P0,4.95,persen,BPS/pers,\n"
    refused = await world.import_csv(HEADER + row)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "#/lines/2/nilai"
    corrected = await world.import_csv(HEADER + row, reason="salah kutip")
    assert corrected.json() == {"recorded": 0, "corrected": 1, "unchanged": 0}
    path = "/v1/official-statistics"
    now = await world.get(path, indicator="P0", region="62", limit=200)
    assert [r["value"] for r in now["data"] if r["period"] == "2025-09"] == ["4.95"]
    every = await world.get(path, indicator="P0", region="62", history=True, limit=200)
    assert [r["value"] for r in every["data"] if r["period"] == "2025-09"] == ["4.94", "4.95"]


async def test_a_file_without_a_source_is_refused_whole(world: World):
    good = "Kotim,62.02,2019,P0,6.0,persen,BPS,\n"
    bad = "Kotim,62.02,2018,P0,6.1,persen,,\n"
    answer = await world.import_csv(HEADER + good + bad)
    assert answer.status_code == 422
    assert answer.json()["code"] == "rows_refused"
    assert answer.json()["errors"] == [
        {"pointer": "#/lines/3/sumber", "code": "empty", "detail": "Kolom sumber wajib diisi"}
    ]
    found = await world.get("/v1/official-statistics", indicator="P0", region="62.02", limit=200)
    assert "2019" not in {row["period"] for row in found["data"]}


async def test_bytes_that_are_no_text_are_refused(world: World):
    headers = {"Content-Type": "text/csv"}
    path = "/v1/official-statistics/import"
    refused = await world.refused("POST", path, ADMIN, content=b"\xff\xfe\x00x", headers=headers)
    assert refused == (422, "not_utf8")
    wrong = {"Content-Type": "application/pdf"}
    assert await world.refused("POST", path, ADMIN, content=b"%PDF", headers=wrong) == (
        415,
        "media_type_unsupported",
    )


async def test_only_dinsos_admins_enter_figures_and_targets(world: World):
    for who in (LEADER, ANALYST, AUDITOR, OFFICER):
        answer = await world.import_csv(HEADER, who)
        assert answer.status_code == 403
        assert await world.refused("POST", "/v1/targets", who, RPJMD) == (403, "role_missing")


async def test_the_catalog_tells_formula_unit_and_source(world: World):
    found = await world.get("/v1/indicators", ANALYST)
    assert {"P0", "CAKUPAN_SASARAN", "BELUM_TERSENTUH"} <= {row["code"] for row in found["data"]}
    for row in found["data"]:
        assert all(row[name] for name in ("definition", "formula", "unit", "source", "version"))
    one = await world.get("/v1/indicators/CAKUPAN_SASARAN", ANALYST)
    assert "bukan angka resmi BPS" in one["label"]["id"]
    assert await world.refused("GET", "/v1/indicators/TIDAK_ADA", ANALYST) == (
        404,
        "indicator_unknown",
    )
    assert await world.refused(
        "GET", "/v1/indicators/P0/values?region=62.02&period=2025-Q1", ANALYST
    ) == (422, "period_invalid")


async def test_citizens_and_strangers_read_nothing(world: World):
    client = world.service.client
    for path in ("/v1/contributions/matrix", "/v1/unreached", "/v1/indicators/stream"):
        assert (await client.get(path)).status_code == 401
        assert await world.refused("GET", path, {"roles": ("warga",)}) == (403, "role_missing")
