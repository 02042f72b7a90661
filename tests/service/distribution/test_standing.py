"""Suspended, died, moved, erased: what registry and programs tell decides who may be served."""

from uuid import uuid4

from services.contracts.distribution import EntitlementStateV1
from services.contracts.registry import PersonIdentityV1
from tests.service.distribution.conftest import (
    OTHER_VILLAGE,
    VILLAGE,
    Program,
    Recipient,
    World,
)


async def one_entitled(world: World, **program):
    """Return program, recipient, session and entitlement of one granted person."""
    told = await world.tell_program(Program(kind="service", **program))
    [recipient] = await world.recipients(told, 1)
    await world.hear()
    cycle = await world.cycle(told)
    await world.post(f"/v1/cycles/{cycle['id']}/entitlements/generate", None)
    [entitlement] = await world.entitlements(cycle["id"])
    return told, recipient, await world.session(cycle["id"]), entitlement


async def test_a_suspended_enrolment_blocks_until_it_is_granted_again(world: World):
    program, recipient, session, entitlement = await one_entitled(world)
    await world.tell_enrolment(program, recipient, "suspended")
    await world.hear()
    seen = (await world.get(f"/v1/entitlements/{entitlement['id']}")).json()
    assert seen["blocked_by"] == ["enrolment_suspended"]
    assert seen["allowed_actions"] == ["void"]
    refused = await world.deliver(session, entitlement["id"])
    assert (refused.status_code, refused.json()["code"]) == (409, "entitlement_blocked")
    assert refused.json()["detail"] == "Alasan: enrolment_suspended."
    await world.tell_enrolment(program, recipient, "granted")
    await world.hear()
    assert (await world.deliver(session, entitlement["id"])).status_code == 201


async def test_nothing_is_handed_over_for_somebody_who_died(world: World):
    _, recipient, session, entitlement = await one_entitled(world)
    await world.tell_family(recipient.family_id, {recipient.person_id: 2}, version=2)
    await world.hear()
    refused = await world.deliver(session, entitlement["id"])
    assert (refused.status_code, refused.json()["code"]) == (409, "entitlement_blocked")
    assert "person_died" in refused.json()["detail"]


async def test_an_older_family_state_changes_nothing(world: World):
    _, recipient, session, entitlement = await one_entitled(world)
    await world.tell_family(recipient.family_id, {recipient.person_id: 2}, version=5)
    await world.hear()
    await world.tell_family(recipient.family_id, {recipient.person_id: 1}, version=4)
    await world.hear()
    assert (await world.deliver(session, entitlement["id"])).status_code == 409


async def test_a_persons_entitlement_goes_with_the_person_into_another_family(world: World):
    _, recipient, _, entitlement = await one_entitled(world)
    new_family = uuid4()
    await world.tell_family(new_family, {uuid4(): 1, recipient.person_id: 1}, region=OTHER_VILLAGE)
    await world.tell_family(recipient.family_id, {}, status="dissolved", version=2)
    await world.hear()
    seen = (await world.get(f"/v1/entitlements/{entitlement['id']}")).json()
    assert (seen["family_id"], seen["region_code"]) == (str(new_family), OTHER_VILLAGE)
    assert seen["blocked_by"] == []
    states = [
        row for row in await world.outbox(EntitlementStateV1.TYPE)
        if row["aggregateid"] == entitlement["id"]
    ]  # fmt: skip
    assert [row["version"] for row in states] == [1, 2]
    assert states[1]["lane"] == "bulk"


async def test_a_family_that_moves_takes_its_entitlement_to_its_new_village(world: World):
    _, recipient, _, entitlement = await one_entitled(world)
    before = await world.get(
        f"/v1/entitlements/{entitlement['id']}", "operator_desa", regions=[OTHER_VILLAGE]
    )
    assert before.status_code == 404
    await world.tell_family(
        recipient.family_id, {recipient.person_id: 1}, region=OTHER_VILLAGE, version=2
    )
    await world.hear()
    after = await world.get(
        f"/v1/entitlements/{entitlement['id']}", "operator_desa", regions=[OTHER_VILLAGE]
    )
    assert after.status_code == 200


async def test_who_died_before_the_cycle_is_left_out_of_it(world: World):
    program = await world.tell_program(Program())
    [alive, dead] = await world.recipients(program, 2)
    await world.tell_family(dead.family_id, {dead.person_id: 2}, version=2)
    await world.hear()
    cycle = await world.cycle(program)
    made = (await world.post(f"/v1/cycles/{cycle['id']}/entitlements/generate", None)).json()
    assert (made["created"], made["blocked"]) == (1, 1)
    [row] = await world.entitlements(cycle["id"])
    assert row["person_id"] == str(alive.person_id)


async def test_a_handover_list_shows_name_and_masked_number_and_an_auditor_sees_neither(
    world: World,
):
    _, recipient, session, entitlement = await one_entitled(world)
    await world.tell_region(VILLAGE, "Bapanggang Raya")
    await world.tell_identity(recipient, "CONTOH SINTETIS")
    await world.hear()
    [listed] = (await world.get(f"/v1/sessions/{session}/recipients", "penyalur")).json()["data"]
    assert listed["name"] == "CONTOH SINTETIS"
    assert listed["nik_masked"].startswith("6202********")
    assert listed["region_name"] == "Bapanggang Raya"
    assert listed["allowed_actions"] == ["deliver"]
    audited = await world.get(f"/v1/entitlements/{entitlement['id']}", "auditor")
    assert (audited.json()["name"], audited.json()["nik_masked"]) == (None, None)


async def test_a_family_entitlement_is_listed_under_the_head_of_the_family(world: World):
    program = await world.tell_program(Program())
    recipient = Recipient()
    await world.tell_family(recipient.family_id, {recipient.person_id: 1, uuid4(): 1})
    await world.tell_identity(recipient, "KEPALA SINTETIS")
    await world.tell_enrolment(program, recipient, person_id=None)
    await world.hear()
    cycle = await world.cycle(program)
    await world.post(f"/v1/cycles/{cycle['id']}/entitlements/generate", None)
    [row] = await world.entitlements(cycle["id"])
    assert (row["person_id"], row["name"]) == (None, "KEPALA SINTETIS")


async def test_an_erased_person_leaves_no_name_and_is_not_found(world: World):
    _, recipient, _, entitlement = await one_entitled(world)
    await world.tell_identity(recipient, "CONTOH SINTETIS")
    await world.hear()
    search = {"nik": recipient.nik, "purpose": "cek penerimaan di meja layanan"}
    found = await world.post("/v1/deliveries/search", search)
    assert [one["id"] for one in found.json()["entitlements"]] == [entitlement["id"]]
    await world.service.publish(
        PersonIdentityV1(person_id=recipient.person_id, erased=True), version=2
    )
    await world.hear()
    assert (await world.post("/v1/deliveries/search", search)).json() == {
        "family_ids": [],
        "entitlements": [],
        "deliveries": [],
    }
    seen = await world.get(f"/v1/entitlements/{entitlement['id']}")
    assert seen.json()["name"] is None


async def test_a_search_by_number_leaves_who_and_what_for_in_the_audit(world: World):
    _, recipient, session, entitlement = await one_entitled(world)
    await world.tell_identity(recipient, "CONTOH SINTETIS")
    await world.hear()
    await world.deliver(session, entitlement["id"])
    found = await world.post(
        "/v1/deliveries/search",
        {"nik": recipient.nik, "purpose": "pengaduan warga"},
        "operator_desa",
        regions=[VILLAGE],
    )
    assert [one["entitlement_id"] for one in found.json()["deliveries"]] == [entitlement["id"]]
    row = await world.service.db.pool.fetchrow(
        "SELECT e.actor, p.payload::text AS payload FROM audit_entries AS e"
        " JOIN audit_payloads AS p ON p.entry_id = e.id"
        " WHERE e.action = 'deliveries.searched' ORDER BY e.occurred_at DESC LIMIT 1"
    )
    assert "operator_desa" in row["actor"]
    assert "pengaduan warga" in row["payload"]
    assert recipient.nik not in row["payload"]
    elsewhere = await world.post(
        "/v1/deliveries/search",
        {"nik": recipient.nik, "purpose": "pengaduan warga"},
        "operator_desa",
        regions=[OTHER_VILLAGE],
    )
    assert elsewhere.json()["deliveries"] == []


async def test_a_search_takes_exactly_one_number(world: World):
    for body in ({}, {"nik": "6202060107909001", "kk_number": "6202060107909001"}):
        refused = await world.post("/v1/deliveries/search", {**body, "purpose": "uji coba"})
        assert (refused.status_code, refused.json()["code"]) == (422, "validation_failed")


async def test_a_list_says_how_fresh_it_is_and_waits_for_what_the_reader_knows(world: World):
    program, recipient, _, _ = await one_entitled(world)
    path = f"/v1/entitlements?program_id={program.id}"
    listed = (await world.get(path)).json()
    assert listed["stale"] is False
    assert listed["as_of"]["registry"] is not None
    assert listed["as_of"]["programs"] is not None
    known = f"programs.enrolment.state.v1/{recipient.enrolment_id}/1"
    here = await world.get(f"{path}&min_position={known}/1")
    assert here.json()["stale"] is False
    later = await world.get(f"{path}&min_position={known}/2")
    assert later.json()["stale"] is True
    wrong = await world.get(f"{path}&min_position=nonsense")
    assert (wrong.status_code, wrong.json()["code"]) == (400, "position_invalid")
