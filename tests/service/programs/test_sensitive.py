"""A sensitive program shows to nobody outside its owner: endpoint by endpoint."""

from typing import Any

import pytest

from tests.service.programs.builders import a_family, a_program
from tests.service.programs.world import ADMIN, ANYONE_MATCHES, VERIFIER, World

OWNER = {"roles": ("petugas_skpd",), "agency": "DP3AP2KB"}
OWNER_COLLEAGUE = OWNER | {"subject": "rekan-DP3AP2KB"}
OUTSIDERS: dict[str, dict[str, Any]] = {
    "admin": ADMIN,
    "verifier": VERIFIER,
    "officer": {"roles": ("petugas_skpd",), "agency": "DINSOS"},
    "village": {"roles": ("operator_desa",)},
    "leader": {"roles": ("pimpinan",)},
    "auditor": {"roles": ("auditor",)},
    "analyst": {"roles": ("analis_tkpkd",)},
    "integrator": {"roles": ("integrator",)},
}
NAME = "Program RUMAH-AMAN"


@pytest.fixture(scope="module")
async def hidden(world: World) -> dict[str, Any]:
    """A granted enrolment of a sensitive program that excludes an open one of Dinsos."""
    secret = await world.active_program("RUMAH-AMAN", "DP3AP2KB", sensitive=True)
    neighbour = await world.active_program("TERBUKA", rule=ANYONE_MATCHES)
    family = a_family()
    await world.hear(family)
    made = await world.propose(secret, family.family_id, who=OWNER)
    granted = await world.approve(made, OWNER_COLLEAGUE)
    # Only who knows both programs can say that they exclude each other.
    chief = ADMIN | {"agency": "DP3AP2KB", "subject": "kepala"}
    stacking = {
        "program_a": secret["program_id"],
        "program_b": neighbour["program_id"],
        "legal_reference": "rahasia",
        "valid_from": "2026-01-01",
    }
    rule = await world.ok("POST", "/v1/rules/stacking", chief, stacking)
    return {
        "program_id": secret["program_id"],
        "enrolment_id": granted["enrolment_id"],
        "family_id": str(family.family_id),
        "neighbour": neighbour,
        "stacking_rule_id": rule["stacking_rule_id"],
    }


def _single(hidden: dict[str, Any]) -> list[tuple[str, str, Any]]:
    program, enrolment = hidden["program_id"], hidden["enrolment_id"]
    path, one = f"/v1/programs/{program}", f"/v1/enrolments/{enrolment}"
    rule = {"tree": ANYONE_MATCHES, "legal_reference": "Perbup", "valid_from": "2026-01-01"}
    proposal = {"program_id": program, "year": 2026, "family_id": hidden["family_id"]}
    asks = {"menerima": {"program_id": program}}
    stacking = {
        "program_a": program,
        "program_b": hidden["neighbour"]["program_id"],
        "legal_reference": "Perbup",
        "valid_from": "2027-01-01",
    }
    reason = {"reason": "coba-coba saja"}
    return [
        ("GET", path, None),
        ("GET", f"{path}/usage", None),
        ("GET", f"{path}/rules", None),
        ("GET", f"{path}/candidates", None),
        ("PATCH", path, {"name": "Nama lain"}),
        *(("POST", f"{path}/{step}", {}) for step in (
            "submit", "return", "approve", "activate", "close",
        )),
        ("POST", f"{path}/rules", rule),
        ("POST", "/v1/rules/preview", {"tree": asks, "unit": "family"}),
        ("POST", "/v1/rules/stacking", stacking),
        ("POST", "/v1/enrolments", proposal),
        ("POST", "/v1/enrolments/batch", {
            "program_id": program, "year": 2026, "rows": [{"family_id": hidden["family_id"]}],
        }),
        ("GET", one, None),
        ("POST", f"{one}/approve", {}),
        *(("POST", f"{one}/{step}", reason) for step in ("refuse", "suspend", "resume", "end")),
    ]  # fmt: skip


@pytest.mark.parametrize("who", OUTSIDERS)
async def test_no_endpoint_tells_an_outsider_that_it_exists(
    world: World, hidden: dict[str, Any], who: str
) -> None:
    for method, path, body in _single(hidden):
        answer = await world.call(method, path, OUTSIDERS[who], body)
        assert answer.status_code in {403, 404, 422}, (method, path, answer.text)
        code = answer.json()["code"]
        # The role decides before the program is looked for, so 403 says nothing of it.
        expected = {403: "role_missing", 422: "invalid_rule"}.get(answer.status_code, code)
        assert code == expected, (method, path)
        assert "RUMAH-AMAN" not in answer.text
        assert "DP3AP2KB" not in answer.text


@pytest.mark.parametrize("who", OUTSIDERS)
async def test_no_list_or_count_holds_it_for_an_outsider(
    world: World, hidden: dict[str, Any], who: str
) -> None:
    paths = (
        "/v1/programs",
        "/v1/programs?owner_code=DP3AP2KB",
        "/v1/rules/stacking",
        "/v1/enrolments",
        f"/v1/enrolments?family_id={hidden['family_id']}",
        f"/v1/enrolments?program_id={hidden['program_id']}",
        "/v1/enrolments/overlaps",
    )
    for path in paths:
        answer = await world.call("GET", path, OUTSIDERS[who])
        assert answer.status_code in {200, 403}
        for trace in (hidden["program_id"], hidden["enrolment_id"], "RUMAH-AMAN"):
            assert trace not in answer.text, path


async def test_an_approved_batch_does_not_know_it_for_an_outsider(
    world: World, hidden: dict[str, Any]
) -> None:
    body = {"enrolment_ids": [hidden["enrolment_id"]]}
    answer = await world.ok("POST", "/v1/enrolments/approve-batch", VERIFIER, body)
    assert [row["problem"] for row in answer["rows"]] == ["enrolment_not_found"]


async def test_an_overlap_with_it_says_only_to_ask_dinsos(
    world: World, hidden: dict[str, Any]
) -> None:
    officer = OUTSIDERS["officer"]
    made = await world.call(
        "POST",
        "/v1/enrolments",
        officer,
        {
            "program_id": hidden["neighbour"]["program_id"],
            "year": 2026,
            "family_id": hidden["family_id"],
        },
    )
    assert made.json()["eligible"] is False
    reason = made.json()["reasons"][-1]
    assert reason["text_id"] == "✗ Ada konflik dengan bantuan lain, hubungi Dinsos"
    for trace in (hidden["program_id"], "RUMAH-AMAN", "rahasia"):
        assert trace not in made.text


async def test_its_owner_works_with_it_as_with_any_other(
    world: World, hidden: dict[str, Any]
) -> None:
    programs = await world.ok("GET", "/v1/programs?owner_code=DP3AP2KB", OWNER)
    assert [each["name"] for each in programs["data"]] == [NAME]
    listed = await world.ok("GET", "/v1/enrolments", OWNER)
    assert [each["enrolment_id"] for each in listed["data"]] == [hidden["enrolment_id"]]
    page = await world.ok("GET", f"/v1/programs/{hidden['program_id']}/candidates", OWNER)
    assert page["data"] == []


async def test_what_is_told_of_it_is_marked_sensitive(world: World, hidden: dict[str, Any]) -> None:
    rows = await world.service.db.pool.fetch(
        "SELECT sensitive FROM outbox WHERE aggregateid = ANY($1)",
        [hidden["program_id"], hidden["enrolment_id"]],
    )
    assert [row["sensitive"] for row in rows] == [True] * len(rows) != []


async def test_a_draft_may_be_made_sensitive_and_is_hidden_at_once(world: World) -> None:
    await world.organisation("DINKES")
    officer = {"roles": ("petugas_skpd",), "agency": "DINKES"}
    made = await world.ok("POST", "/v1/programs", officer, a_program("ODHA", "DINKES"))
    path = f"/v1/programs/{made['program_id']}"
    await world.ok("GET", path, VERIFIER)
    await world.ok("PATCH", path, officer, {"sensitive": True}, **{"If-Match": '"1"'})
    assert await world.refused("GET", path, VERIFIER) == (404, "program_not_found")


async def test_an_open_program_of_the_same_agency_does_not_name_it(
    world: World, hidden: dict[str, Any]
) -> None:
    sibling = await world.active_program("TERBUKA-SENDIRI", "DP3AP2KB")
    chief = ADMIN | {"agency": "DP3AP2KB", "subject": "kepala"}
    stacking = {
        "program_a": hidden["program_id"],
        "program_b": sibling["program_id"],
        "legal_reference": "rahasia",
        "valid_from": "2026-01-01",
    }
    await world.ok("POST", "/v1/rules/stacking", chief, stacking)
    proposal = {
        "program_id": sibling["program_id"],
        "year": 2026,
        "family_id": hidden["family_id"],
    }
    made = await world.ok("POST", "/v1/enrolments", OWNER, proposal)
    # The village reads this enrolment, and every consumer of the event.
    seen = await world.call("GET", f"/v1/enrolments/{made['enrolment_id']}", OUTSIDERS["village"])
    told = await world.service.db.pool.fetchval(
        "SELECT payload::text FROM outbox WHERE aggregateid = $1", made["enrolment_id"]
    )
    assert seen.status_code == 200
    for text in (seen.text, told):
        assert "hubungi Dinsos" in text
        assert "RUMAH-AMAN" not in text
        assert "rahasia" not in text


async def test_the_rule_of_an_open_program_cannot_ask_about_it(
    world: World, hidden: dict[str, Any]
) -> None:
    sibling = await world.active_program("TERBUKA-LAIN", "DP3AP2KB")
    rule = {
        "tree": {"menerima": {"program_id": hidden["program_id"]}},
        "legal_reference": "Perbup",
        "valid_from": "2026-01-01",
    }
    path = f"/v1/programs/{sibling['program_id']}/rules"
    assert await world.refused("POST", path, OWNER, rule) == (422, "invalid_rule")
    secret = await world.active_program("RUMAH-AMAN-2", "DP3AP2KB", sensitive=True)
    await world.ok("POST", f"/v1/programs/{secret['program_id']}/rules", OWNER, rule)


async def test_the_feed_tells_its_enrolments_to_its_owner_only(
    world: World, hidden: dict[str, Any]
) -> None:
    await world.drain()
    path = "/v1/changes/programs?types=programs.enrolment.state.v1&limit=200"
    for who, seen in ((OWNER, True), (OUTSIDERS["officer"], False), (ADMIN, False)):
        page = await world.ok("GET", path, who)
        keys = {event["subject"] for event in page["data"]}
        assert (hidden["enrolment_id"] in keys) is seen
