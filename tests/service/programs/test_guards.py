"""Guards that no other test would miss if they were gone; ``tests/mutants`` takes them out."""

from tests.service.programs.builders import VILLAGE, a_family
from tests.service.programs.world import ADMIN, OFFICER, VERIFIER, World

HERE = {"roles": ("operator_desa",), "regions": (VILLAGE,)}
ELSEWHERE = {"roles": ("operator_desa",), "regions": ("62.02.06.2006",)}


async def test_enrolments_of_another_region_are_neither_listed_nor_read(world: World) -> None:
    program = await world.active_program("WILAYAH")
    family = a_family()
    await world.hear(family)
    made = await world.propose(program, family.family_id)
    path = f"/v1/enrolments/{made['enrolment_id']}"
    assert (await world.ok("GET", path, HERE))["family_id"] == str(family.family_id)
    assert len((await world.ok("GET", "/v1/enrolments", HERE))["data"]) == 1
    assert await world.refused("GET", path, ELSEWHERE) == (404, "enrolment_not_found")
    assert (await world.ok("GET", "/v1/enrolments", ELSEWHERE))["data"] == []


async def test_overlaps_of_another_region_are_not_listed(world: World) -> None:
    one, two = await world.active_program("LAPIS-A"), await world.active_program("LAPIS-B")
    family = a_family()
    await world.hear(family)
    for each in (one, two):
        await world.approve(await world.propose(each, family.family_id))
    stacking = {
        "program_a": one["program_id"],
        "program_b": two["program_id"],
        "legal_reference": "PMK 7/2026",
        "valid_from": "2026-01-01",
    }
    await world.ok("POST", "/v1/rules/stacking", ADMIN, stacking)
    path = "/v1/enrolments/overlaps"
    here = VERIFIER | {"regions": (VILLAGE,)}
    elsewhere = VERIFIER | {"regions": ("62.02.06.2006",)}
    assert len((await world.ok("GET", path, here))["data"]) == 1
    assert (await world.ok("GET", path, elsewhere))["data"] == []


async def test_a_preview_counts_and_samples_the_callers_regions_only(world: World) -> None:
    await world.hear(a_family(desil=2), a_family(desil=2, region="62.02.07.2001"))
    body = {"tree": {"desil": {"maks": 4}}, "unit": "family"}

    async def preview(*regions: str) -> tuple[int, set[str]]:
        officer = OFFICER | {"regions": regions}
        found = await world.ok("POST", "/v1/rules/preview", officer, body)
        assert len(found["sample"]) <= found["count"]
        return found["count"], {village["region_code"] for village in found["villages"]}

    assert await preview("62.02.07") == (1, {"62.02.07.2001"})
    assert await preview("62.02.08") == (0, set())
    everywhere, places = await preview("62.02")
    assert everywhere > 1
    assert {VILLAGE, "62.02.07.2001"} <= places
