"""What systems without NATS may read, and projections read anew from their streams."""

from uuid import uuid4

from services.contracts.distribution import (
    CycleStateV1,
    DeliveryCompletedV1,
    DeliveryReturnedV1,
    EntitlementStateV1,
)
from tests.service.distribution.conftest import OTHER_VILLAGE, VILLAGE, Program, World

ALL_TYPES = {
    event.TYPE
    for event in (CycleStateV1, EntitlementStateV1, DeliveryCompletedV1, DeliveryReturnedV1)
}


async def feed(world: World, *types: str, **token) -> list[dict]:
    query = "&".join(f"types={type_}" for type_ in types)
    answer = await world.get(f"/v1/changes/distribution?limit=200&{query}", "petugas_skpd", **token)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


async def test_the_feed_tells_the_own_regions_and_nothing_sensitive(world: World):
    await world.hear()
    plain = await world.tell_program(Program())
    secret = await world.tell_program(Program(owner="DINKES", sensitive=True))
    await world.recipients(plain, 1, region=OTHER_VILLAGE)
    await world.recipients(secret, 1)
    cycle, _ = await world.entitled(plain)
    hidden = await world.post(
        "/v1/cycles",
        {
            "program_id": str(secret.id),
            "name": "Tahap I",
            "year": 2026,
            "opens_on": "2026-01-01",
            "closes_on": "2026-12-31",
        },
        "petugas_skpd",
        agency="DINKES",
    )
    await world.post(
        f"/v1/cycles/{hidden.json()['id']}/entitlements/generate",
        None,
        "petugas_skpd",
        agency="DINKES",
    )
    await world.service.drain()
    cycles = await feed(world, CycleStateV1.TYPE, agency="DISDIK")
    assert [one["data"]["cycle_id"] for one in cycles] == [cycle["id"]]
    for regions, villages in (
        (["62.02"], {VILLAGE, OTHER_VILLAGE}),
        ([VILLAGE], {VILLAGE}),
        ([], set()),
    ):
        told = await feed(world, EntitlementStateV1.TYPE, agency="DISDIK", regions=regions)
        assert {one["data"]["region_code"] for one in told} == villages
        assert {one["data"]["program_id"] for one in told} <= {str(plain.id)}


async def test_the_feed_tells_a_sensitive_programs_owner_everything_of_it(world: World):
    secret = await world.tell_program(Program(owner="DINKES", sensitive=True, kind="service"))
    await world.recipients(secret, 1)
    await world.hear()
    owner = {"agency": "DINKES"}
    year = {"name": "Tahap I", "year": 2026, "opens_on": "2026-01-01", "closes_on": "2026-12-31"}
    cycle = await world.post(
        "/v1/cycles", {"program_id": str(secret.id), **year}, "petugas_skpd", **owner
    )
    door = f"/v1/cycles/{cycle.json()['id']}/entitlements/generate"
    await world.post(door, None, "petugas_skpd", **owner)
    listed = await world.get(
        f"/v1/entitlements?cycle_id={cycle.json()['id']}", "petugas_skpd", **owner
    )
    [entitlement] = listed.json()["data"]
    session = await world.post(
        "/v1/sessions",
        {
            "cycle_id": cycle.json()["id"],
            "place": "Aula",
            "held_on": "2026-03-10",
            "officer": "Petugas Contoh",
        },
        "petugas_skpd",
        **owner,
    )
    handed = world.handed(entitlement["id"]) | {"session_id": session.json()["id"]}
    assert (await world.post("/v1/deliveries", handed, "petugas_skpd", **owner)).status_code == 201
    back = {
        "id": str(uuid4()),
        "quantity": 1,
        "reason": "Salah ukuran",
        "returned_on": "2026-03-11",
    }
    returned = await world.post(
        f"/v1/deliveries/{handed['id']}/return", back, "petugas_skpd", **owner
    )
    assert returned.status_code == 201, returned.text
    await world.service.drain()
    for agency, seen in (("DINKES", ALL_TYPES), ("dinkes", set()), ("DINSOS", set()), ("", set())):
        told = await feed(world, agency=agency)
        mine = [one for one in told if one["data"]["program_id"] == str(secret.id)]
        assert {one["type"] for one in mine} == seen
        assert all(one["data"]["owner_code"] == "DINKES" for one in mine)


async def test_what_is_told_again_names_the_owner_too(world: World):
    pool = world.service.db.pool
    before = await pool.fetchval("SELECT max(sequence) FROM outbox")
    await (await world.service.relay()).republish()
    rows = await pool.fetch(
        "SELECT DISTINCT type, owner_code IS NULL AS lost FROM outbox WHERE sequence > $1", before
    )
    assert {(row["type"], row["lost"]) for row in rows} == {(type_, False) for type_ in ALL_TYPES}


async def test_rebuilt_enrolments_block_until_they_are_told_again(world: World):
    program = await world.tell_program(Program(kind="service"))
    cycle, [entitlement] = await world.entitled(program)
    session = await world.session(cycle["id"])
    await (await world.service.inbox()).rebuild("programs-enrolments")
    refused = await world.deliver(session, entitlement["id"])
    assert (refused.status_code, refused.json()["code"]) == (409, "entitlement_blocked")
    await world.hear()
    assert (await world.deliver(session, entitlement["id"])).status_code == 201


async def test_rebuilt_programs_leave_the_books_as_they_are(world: World):
    program = await world.tell_program(Program(kind="service"))
    await world.entitled(program)
    before = await world.accounts(program)
    entries = "SELECT count(*) FROM ledger_entries"
    count = await world.service.db.pool.fetchval(entries)
    await (await world.service.inbox()).rebuild("programs-programs")
    await world.hear()
    assert await world.accounts(program) == before
    assert await world.service.db.pool.fetchval(entries) == count


async def test_rebuilt_families_bring_names_and_villages_back(world: World):
    program = await world.tell_program(Program())
    _, [entitlement] = await world.entitled(program)
    for consumer in ("registry-families", "registry-identities", "registry-regions"):
        await (await world.service.inbox()).rebuild(consumer)
    seen = await world.get(f"/v1/entitlements/{entitlement['id']}")
    assert seen.json()["flags"] == ["family_unknown"]
    await world.hear()
    seen = await world.get(f"/v1/entitlements/{entitlement['id']}")
    assert (seen.json()["flags"], seen.json()["region_code"]) == ([], VILLAGE)
    assert seen.json()["version"] == 1
