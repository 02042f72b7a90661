"""A small regency worked out by hand, told by events, read over HTTP.

Two villages of two kecamatan. Lampuyang (62.02.06.2005): families A desil 1, B desil 2, C desil 5,
D unknown. Telaga (62.02.07.2001): families E desil 4, F desil 3, G desil 6-10.

KAKI (Dinas Sosial, kesehatan, klaster I, ceiling 100 million): A and B are entitled to 10 million
each; A received, B received and returned. ALAT (Dinas Koperasi, ekonomi, klaster III, ceiling
unknown): A, C and E are entitled to 2 million each; A and C received all, E nothing yet. PREMI
(health premiums, does not count as reaching): F received 0.5 million. RAHASIA is sensitive, owned
by Dinas Sosial: B received 1 million.
"""

from dataclasses import dataclass
from datetime import timedelta

import pytest

from services.contracts.programs import ProgramStateV1
from services.contracts.registry import FamilyStateV1
from tests.service.indicators.builders import (
    TODAY,
    YEAR,
    a_cycle,
    a_delivery,
    a_family,
    a_program,
    a_rank,
    a_region,
    a_return,
    a_year,
    an_enrolment,
    an_entitlement,
    an_organisation,
)
from tests.service.indicators.world import (
    ADMIN,
    ANALYST,
    LEADER,
    OFFICER,
    OPERATOR,
    OTHER_OFFICER,
    World,
)

LAMPUYANG, TELAGA = "62.02.06.2005", "62.02.07.2001"


@dataclass
class Regency:
    families: dict[str, FamilyStateV1]
    kaki: ProgramStateV1
    alat: ProgramStateV1
    rahasia: ProgramStateV1


@pytest.fixture(scope="module")
async def regency(world: World) -> Regency:
    families = {
        "A": a_family(1, LAMPUYANG),
        "B": a_family(2, LAMPUYANG),
        "C": a_family(5, LAMPUYANG),
        "D": a_family(None, LAMPUYANG),
        "E": a_family(4, TELAGA),
        "F": a_family(3, TELAGA),
        "G": a_family(region=TELAGA, ranks=(a_rank(6, 10),)),
    }
    kaki = a_program(code="KAKI", name="Kaki palsu")
    alat = a_program(
        code="ALAT", owner_code="DISKOP", reporter_code="DISKOP", bidang="EKONOMI", klaster="III",
        unit="family", years=(a_year(None),),
    )  # fmt: skip
    premi = a_program(code="PREMI", owner_code="DINKES", counts_as_reached=False, years=())
    rahasia = a_program(code="RAHASIA", sensitive=True, years=(a_year(7_000_000),))
    await world.hear(
        a_region("62.02.06", "Kecamatan Enam", "kecamatan"),
        a_region("62.02.07", "Kecamatan Tujuh", "kecamatan"),
        a_region(LAMPUYANG, "Lampuyang"),
        a_region(TELAGA, "Telaga"),
        an_organisation(),
        an_organisation("DISKOP", "Dinas Koperasi"),
        *families.values(),
        kaki, alat, premi, rahasia,
    )  # fmt: skip
    kaki_cycle, alat_cycle = a_cycle(kaki), a_cycle(alat)
    premi_cycle, rahasia_cycle = a_cycle(premi), a_cycle(rahasia)
    ten = {"value_idr": 10_000_000}
    two = {"value_idr": 2_000_000}
    fitted_a = a_delivery(
        kaki_cycle, families["A"], person_id=families["A"].members[0].person_id, **ten
    )
    fitted_b = a_delivery(kaki_cycle, families["B"], **ten)
    await world.hear(
        kaki_cycle, alat_cycle, premi_cycle, rahasia_cycle,
        an_enrolment(kaki, families["A"]),
        an_enrolment(kaki, families["B"]),
        an_enrolment(kaki, families["E"], status="waiting"),
        an_entitlement(
            kaki_cycle, families["A"], person_id=families["A"].members[0].person_id,
            delivered_quantity=1, delivered_value_idr=10_000_000, status="delivered", **ten,
        ),
        an_entitlement(kaki_cycle, families["B"], **ten),
        an_entitlement(
            alat_cycle, families["A"], delivered_value_idr=2_000_000, status="delivered", **two
        ),
        an_entitlement(
            alat_cycle, families["C"], delivered_value_idr=2_000_000, status="delivered", **two
        ),
        an_entitlement(alat_cycle, families["E"], **two),
        an_entitlement(alat_cycle, families["F"], status="void", **two),
        fitted_a, fitted_b, a_return(fitted_b),
        a_delivery(alat_cycle, families["A"], **two),
        a_delivery(alat_cycle, families["C"], **two),
        a_delivery(premi_cycle, families["F"], value_idr=500_000),
        a_delivery(rahasia_cycle, families["B"], sensitive=True),
    )  # fmt: skip
    return Regency(families, kaki, alat, rahasia)


@pytest.mark.usefixtures("regency")
async def test_the_matrix_counts_distinct_families_and_net_rupiah(world: World):
    found = await world.get("/v1/contributions/matrix", year=YEAR)
    cells = {(cell["bidang"], cell["kelompok"]): cell for cell in found["cells"]}
    assert len(cells) == 16
    health = cells["KESEHATAN", "I"]
    # B's leg came back; F's premium is health too; the sensitive program is in nothing.
    assert (health["families_entitled"], health["families_reached"]) == (2, 2)
    assert health["delivered_idr"] == 10_500_000
    economy = cells["EKONOMI", "III"]
    assert (economy["families_entitled"], economy["families_reached"]) == (3, 2)
    assert economy["delivered_idr"] == 4_000_000
    # A stands in both cells and is one family of the total: entitled A B C E, reached A C F.
    assert found["total"] == {
        "families_entitled": 4,
        "families_reached": 3,
        "delivered_idr": 14_500_000,
        "suppressed": False,
    }
    assert found["as_of"]["distribution"] is not None
    assert found["last_data_at"]["registry"] is not None
    assert found["stale"] is False


@pytest.mark.usefixtures("regency")
async def test_a_matrix_of_one_kecamatan_and_of_another_year(world: World):
    found = await world.get("/v1/contributions/matrix", year=YEAR, region="62.02.07")
    assert found["total"]["families_entitled"] == 1  # E
    assert found["total"]["families_reached"] == 1  # F, by the premium
    empty = await world.get("/v1/contributions/matrix", year=YEAR - 1)
    assert empty["total"]["families_reached"] == 0


@pytest.mark.usefixtures("regency")
async def test_contributions_name_each_owner_and_show_the_sensitive_to_its_owner_only(
    world: World,
):
    found = await world.get("/v1/contributions", LEADER, year=YEAR)
    rows = {row["owner_code"]: row for row in found["data"]}
    assert rows["DINSOS"]["delivered_idr"] == 10_000_000
    assert rows["DINSOS"]["persons_reached"] == 1
    assert rows["DISKOP"]["owner_name"] == "Dinas Koperasi"
    assert rows["DISKOP"]["families_reached"] == 2
    assert found["total"]["families_reached"] == 3
    own = await world.get("/v1/contributions", OFFICER, year=YEAR)
    own_row = next(row for row in own["data"] if row["owner_code"] == "DINSOS")
    assert own_row["delivered_idr"] == 11_000_000
    assert own_row["families_reached"] == 2


@pytest.mark.usefixtures("regency")
async def test_an_analyst_gets_no_cell_under_ten(world: World):
    found = await world.get("/v1/contributions", ANALYST, year=YEAR)
    assert all(row["suppressed"] and row["delivered_idr"] is None for row in found["data"])
    assert found["total"]["suppressed"]
    table = await world.get("/v1/contributions/matrix", ANALYST, year=YEAR)
    assert table["total"]["families_reached"] is None
    coverage = await world.get("/v1/coverage", ANALYST, year=YEAR)
    assert coverage["total"]["coverage"] is None
    summary = await world.get("/v1/unreached/summary", ANALYST)
    assert summary["total"]["suppressed"]


async def test_coverage_and_leakage_by_hand(world: World, regency: Regency):
    found = await world.get(
        "/v1/coverage", year=YEAR, program_id=regency.alat.program_id, by="kecamatan"
    )
    total = found["total"]
    # Target: A B E F; reached A. Beneficiaries of known desil: A and C.
    assert (total["target_families"], total["target_reached"]) == (4, 1)
    assert total["coverage"] == "0.2500"
    assert total["exclusion_error"] == "0.7500"
    assert total["inclusion_error"] == "0.5000"
    assert total["inclusion_error_by_value"] == "0.5000"
    assert total["inclusion_error_of_non_target"] == "0.5000"  # C of C and G
    assert total["unknown_desil_families"] == 1
    assert found["target"] == {"desil_max": 4, "source": "default"}
    assert [row["name"] for row in found["data"]] == ["Kecamatan Enam", "Kecamatan Tujuh"]
    assert found["data"][1]["inclusion_error"] is None  # nobody in Telaga received
    assert found["denominators"]["inclusion_error"] == "beneficiaries_of_known_desil"


@pytest.mark.usefixtures("regency")
async def test_coverage_by_desil_keeps_ranges_and_unknown_apart(world: World):
    found = await world.get("/v1/coverage", year=YEAR, by="desil")
    assert [row["key"] for row in found["data"]] == [
        "1", "2", "3", "4", "5", "6-10", "belum_diketahui",
    ]  # fmt: skip
    rows = {row["key"]: row for row in found["data"]}
    assert rows["1"]["coverage"] == "1.0000"
    assert rows["3"]["beneficiaries"] == 0  # a premium does not reach
    assert rows["5"]["inclusion_error"] == "1.0000"
    assert rows["6-10"]["coverage"] is None


@pytest.mark.usefixtures("regency")
async def test_unreached_families_are_ranked_by_village(world: World):
    found = await world.get("/v1/unreached/summary", LEADER)
    rows = [
        (row["region_name"], row["target_families"], row["unreached_families"], row["rate"])
        for row in found["data"]
    ]
    # B's leg came back and the sensitive aid is nobody's business; E waits; F has a premium only.
    assert rows == [("Telaga", 2, 2, "1.0000"), ("Lampuyang", 2, 1, "0.5000")]
    assert found["total"]["belum_tersentuh"] == 3
    assert found["total"]["belum_diketahui"] == 0
    assert found["data"][0]["rank_by_number"] == found["data"][0]["rank_by_rate"] == 1


async def test_the_list_of_unreached_is_paged_and_bound_to_the_caller_s_village(
    world: World, regency: Regency
):
    first = await world.get("/v1/unreached", LEADER, limit=2)
    assert [row["region_code"] for row in first["data"]] == [LAMPUYANG, TELAGA]
    assert first["data"][0]["family_id"] == str(regency.families["B"].family_id)
    assert first["data"][0]["status"] == "belum_tersentuh"
    assert first["data"][0]["has_pending"] is True
    second = await world.get("/v1/unreached", LEADER, limit=2, cursor=first["next"])
    assert len(second["data"]) == 1
    assert second["next"] is None
    listed = {row["family_id"] for row in first["data"] + second["data"]}
    assert listed == {str(regency.families[name].family_id) for name in "BEF"}
    own = await world.get("/v1/unreached", OPERATOR)
    assert [row["family_id"] for row in own["data"]] == [str(regency.families["B"].family_id)]
    assert await world.refused("GET", f"/v1/unreached?region={TELAGA}", OPERATOR) == (
        403,
        "region_foreign",
    )


@pytest.mark.usefixtures("regency")
async def test_analysts_and_agencies_get_no_list_of_families(world: World):
    for who in (ANALYST, OFFICER):
        assert await world.refused("GET", "/v1/unreached", who) == (403, "role_missing")


@pytest.mark.usefixtures("regency")
async def test_budgets_keep_unknown_ceilings_unknown(world: World):
    found = await world.get("/v1/budgets", LEADER, year=YEAR)
    rows = {row["owner_code"]: row for row in found["data"]}
    social = rows["DINSOS"]
    assert social["ceiling_idr"] == 100_000_000
    assert social["reserved_idr"] == 10_000_000  # B's entitlement stands again
    assert social["delivered_idr"] == 10_000_000
    assert social["realisation_ratio"] == "0.1000"
    unknown = rows["DISKOP"]
    assert unknown["ceiling_idr"] is None
    assert unknown["realisation_ratio"] is None
    assert unknown["programs_without_ceiling"] == 1
    assert found["total"]["ceiling_idr"] is None
    assert found["total"]["known_ceiling_idr"] == 100_000_000
    own = await world.get("/v1/budgets", OFFICER, year=YEAR)
    own_row = next(row for row in own["data"] if row["owner_code"] == "DINSOS")
    assert own_row["ceiling_idr"] == 107_000_000


async def test_a_program_s_year_answers_question_five(world: World, regency: Regency):
    path = f"/v1/indicators/programs/{regency.kaki.program_id}/summary"
    found = await world.get(path, LEADER, year=YEAR)
    assert (found["ceiling_idr"], found["quota"]) == (100_000_000, 100)
    enrolled = {row["status"]: row["enrolments"] for row in found["enrolled"]}
    assert enrolled == {"granted": 2, "waiting": 1}
    assert found["aid"]["families_entitled"] == 2
    assert found["aid"]["families_reached"] == 1
    assert found["aid"]["delivered_idr"] == 10_000_000
    assert found["realisation_ratio"] == "0.1000"
    assert found["quota_filled_ratio"] == "0.0200"
    assert [row["region_name"] for row in found["by_kecamatan"]] == ["Kecamatan Enam"]
    assert found["share_to_target"] == "1.0000"


async def test_a_sensitive_program_exists_for_its_owner_only(world: World, regency: Regency):
    path = f"/v1/indicators/programs/{regency.rahasia.program_id}/summary"
    for who in (LEADER, ANALYST, OTHER_OFFICER):
        assert await world.refused("GET", path, who) == (404, "program_unknown")
        coverage = f"/v1/coverage?program_id={regency.rahasia.program_id}"
        assert await world.refused("GET", coverage, who) == (404, "program_unknown")
    own = await world.get(path, OFFICER, year=YEAR)
    assert own["aid"]["delivered_idr"] == 1_000_000


async def test_a_delivery_of_long_ago_reaches_nobody_now(world: World, regency: Regency):
    cycle = a_cycle(regency.kaki, year=YEAR - 2)
    long_ago = TODAY - timedelta(days=400)
    await world.hear(cycle, a_delivery(cycle, regency.families["E"], delivered_on=long_ago))
    found = await world.get("/v1/unreached/summary", LEADER, region=TELAGA)
    assert found["total"]["belum_tersentuh"] == 2


async def test_the_aid_of_a_merged_family_counts_for_its_survivor(world: World, regency: Regency):
    gone = a_family(2, TELAGA)
    cycle = a_cycle(regency.kaki)
    await world.hear(gone, cycle, a_delivery(cycle, gone))
    merged = gone.model_copy(
        update={"status": "merged", "survivor_id": regency.families["F"].family_id}
    )
    await world.hear((merged, 2))
    found = await world.get("/v1/unreached/summary", LEADER, region=TELAGA)
    assert (found["total"]["target_families"], found["total"]["belum_tersentuh"]) == (2, 1)
    listed = await world.get("/v1/unreached", LEADER, region=TELAGA)
    assert [row["family_id"] for row in listed["data"]] == [str(regency.families["E"].family_id)]


@pytest.mark.usefixtures("regency")
async def test_a_silent_source_makes_its_places_unknown_until_it_speaks(world: World):
    village = {
        "year": YEAR, "code": "BLT-DD", "name": "BLT Dana Desa", "reporter_code": "DPMD",
        "region_code": LAMPUYANG, "max_age_days": 30,
    }  # fmt: skip
    await world.post("/v1/indicators/expected-sources", village)
    found = await world.get("/v1/unreached/summary", LEADER)
    assert found["sources"][0]["status"] == "missing"
    rows = {row["region_name"]: row for row in found["data"]}
    assert (rows["Lampuyang"]["belum_diketahui"], rows["Lampuyang"]["belum_tersentuh"]) == (1, 0)
    assert rows["Telaga"]["belum_diketahui"] == 0
    assert await world.refused(
        "POST", "/v1/indicators/expected-sources", ADMIN, village | {"max_age_days": 60}
    ) == (422, "reason_missing")
    blt = a_program(code="BLT", owner_code="DPMD", reporter_code="DPMD")
    cycle = a_cycle(blt)
    await world.hear(blt, cycle, a_delivery(cycle, a_family(9, "62.02.08.2001")))
    spoken = await world.get("/v1/unreached/summary", LEADER)
    assert spoken["sources"][0]["status"] == "current"
    assert spoken["sources"][0]["last_data_at"] is not None
    assert spoken["total"]["belum_diketahui"] == 0


@pytest.mark.usefixtures("regency")
async def test_a_published_value_is_frozen_and_told(world: World):
    body = {"region": "62.02", "period": str(YEAR)}
    made = await world.post("/v1/indicators/NILAI_DISERAHKAN/publish", body, LEADER)
    # Few families stand behind the sum: it is told as suppressed.
    assert made["suppressed"] is True
    assert made["value"] is None
    await world.service.drain()
    feed = await world.get("/v1/changes/indicators", {"roles": ("integrator",)})
    assert feed["data"][0]["type"] == "indicators.indicator.published.v1"
    assert feed["data"][0]["data"]["value"] is None
    values = await world.get(
        "/v1/indicators/NILAI_DISERAHKAN/values", LEADER, region="62.02", period=str(YEAR)
    )
    assert [row["kind"] for row in values["data"]] == ["published", "live"]
    assert int(values["data"][1]["value"]) > 0
    assert await world.refused("POST", "/v1/indicators/P0/publish", LEADER, body) == (
        409,
        "official_figure_not_ours",
    )


@pytest.mark.usefixtures("regency")
async def test_the_tallies_equal_a_recomputation(world: World):
    assert await world.differences() == 0
