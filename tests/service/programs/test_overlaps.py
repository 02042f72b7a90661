"""Programs that exclude each other do not meet in one family, save by a decision with a reason."""

import asyncio

from tests.service.programs.builders import a_family
from tests.service.programs.world import ADMIN, VERIFIER, World


async def test_programs_that_exclude_each_other_do_not_meet_in_one_family(world: World) -> None:
    pkh, blt = await world.active_program("PKH"), await world.active_program("BLT")
    stacking = {
        "program_a": pkh["program_id"],
        "program_b": blt["program_id"],
        "legal_reference": "PMK 7/2026",
        "valid_from": "2026-01-01",
    }
    await world.ok("POST", "/v1/rules/stacking", ADMIN, stacking)
    family, other = a_family(), a_family()
    await world.hear(family, other)
    await world.approve(await world.propose(pkh, family.family_id))
    made = await world.propose(blt, family.family_id)
    assert made["eligible"] is False
    assert made["reasons"][-1]["text_id"] == "✗ Keluarga sudah menerima Program PKH (PMK 7/2026)"
    path = f"/v1/enrolments/{made['enrolment_id']}/approve"
    assert await world.refused("POST", path, VERIFIER, {}) == (409, "not_eligible")
    pair = [await world.propose(each, other.family_id) for each in (pkh, blt)]
    assert [each["eligible"] for each in pair] == [True, True]
    ids = {"enrolment_ids": [each["enrolment_id"] for each in pair]}
    answer = await world.ok("POST", "/v1/enrolments/approve-batch", VERIFIER, ids)
    assert sorted(row["status"] for row in answer["rows"]) == ["granted", "not_granted"]
    empty = await world.ok("GET", "/v1/enrolments/overlaps", VERIFIER)
    assert empty["data"] == []
    await world.ok("POST", path, VERIFIER, {"override_reason": "diputuskan musyawarah desa"})
    (overlap,) = (await world.ok("GET", "/v1/enrolments/overlaps", VERIFIER))["data"]
    assert overlap["family_id"] == str(family.family_id)
    assert overlap["legal_reference"] == "PMK 7/2026"


async def test_approvals_at_once_of_excluding_programs_grant_one(world: World) -> None:
    one, two = await world.active_program("TUMPANG-A"), await world.active_program("TUMPANG-B")
    stacking = {
        "program_a": one["program_id"],
        "program_b": two["program_id"],
        "legal_reference": "PMK 7/2026",
        "valid_from": "2026-01-01",
    }
    await world.ok("POST", "/v1/rules/stacking", ADMIN, stacking)
    family = a_family()
    await world.hear(family)
    pair = [await world.propose(each, family.family_id) for each in (one, two)]
    answers = await asyncio.gather(
        *(
            world.call("POST", f"/v1/enrolments/{each['enrolment_id']}/approve", VERIFIER, {})
            for each in pair
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]
