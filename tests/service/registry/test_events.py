"""The registry on the broker: what it tells, what it hears, telling everything again."""

from datetime import date
from uuid import uuid4

import pytest

from services.contracts.distribution import EntitlementStateV1
from services.contracts.programs import EnrolmentStateV1
from tests.service.registry.conftest import numbers_of
from tests.support.residents import PELANGSIAN, a_resident


@pytest.fixture
async def family(registry, merge):
    await merge(a_resident(1, 1, name="Bawi Ngandi"))
    (row,) = await registry.db.pool.fetch("SELECT id FROM families WHERE head_name = 'Bawi Ngandi'")
    return row["id"]


def an_enrolment(family_id, **changes) -> EnrolmentStateV1:
    values = {
        "enrolment_id": uuid4(),
        "program_id": uuid4(),
        "year": 2026,
        "family_id": family_id,
        "person_id": None,
        "region_code": PELANGSIAN,
        "status": "granted",
        "valid_from": date(2026, 1, 1),
    }
    return EnrolmentStateV1(**values | changes)


def an_entitlement(enrolment: EnrolmentStateV1, **changes) -> EntitlementStateV1:
    values = {
        "entitlement_id": uuid4(),
        "cycle_id": uuid4(),
        "program_id": enrolment.program_id,
        "enrolment_id": enrolment.enrolment_id,
        "family_id": enrolment.family_id,
        "person_id": None,
        "region_code": PELANGSIAN,
        "quantity": 1,
        "value_idr": 7_500_000,
        "delivered_quantity": 1,
        "delivered_value_idr": 7_500_000,
        "due_on": date(2026, 12, 1),
        "status": "delivered",
    }
    return EntitlementStateV1(**values | changes)


async def aid_of(registry, family_id):
    headers = registry.auth("admin_dinsos", key=False)
    answer = await registry.client.get(f"/v1/families/{family_id}/aid", headers=headers)
    assert answer.status_code == 200
    assert answer.json()["stale"] is False
    return {(one["kind"], one["status"]): one["value_idr"] for one in answer.json()["data"]}


async def test_families_and_identities_reach_their_streams_with_the_last_state(
    registry, family, broker
):
    await registry.drain()
    state = await broker.last("REGISTRY_STATE", f"registry.family.state.v1.{family}")
    assert state["data"]["region_code"] == PELANGSIAN
    assert (state["source"], state["version"]) == ("registry", 1)
    member = state["data"]["members"][0]["person_id"]
    assert "Bawi" not in str(state)
    identity = await broker.last("REGISTRY_IDENTITY", f"registry.person.identity.v1.{member}")
    assert identity["data"]["name"] == "Bawi Ngandi"
    assert numbers_of(registry).open("nik", bytes.fromhex(identity["data"]["nik_sealed"]))


async def test_aid_states_are_kept_and_an_older_one_changes_nothing(registry, family):
    enrolment = an_enrolment(family)
    await registry.publish(enrolment, version=3)
    await registry.publish(an_entitlement(enrolment), version=2)
    await registry.drain()
    assert await aid_of(registry, family) == {
        ("enrolment", "granted"): 0,
        ("entitlement", "delivered"): 7_500_000,
    }
    await registry.publish(enrolment.model_copy(update={"status": "refused"}), version=2)
    await registry.drain()
    assert ("enrolment", "granted") in await aid_of(registry, family)
    later = f"programs.enrolment.state.v1/{enrolment.enrolment_id}/1/4"
    headers = registry.auth("admin_dinsos", key=False)
    path = f"/v1/families/{family}/aid?min_position={later}"
    assert (await registry.client.get(path, headers=headers)).json()["stale"] is True
    restored = enrolment.model_copy(update={"status": "ended"})
    await registry.publish(restored, version=1, epoch=2)
    await registry.drain()
    assert ("enrolment", "ended") in await aid_of(registry, family)


async def test_of_a_sensitive_program_only_the_guard_is_kept(registry, merge):
    await merge(a_resident(2, 2))
    (row,) = await registry.db.pool.fetch(
        "SELECT family_id FROM memberships ORDER BY recorded_at DESC LIMIT 1"
    )
    secret = an_enrolment(row["family_id"], sensitive=True)
    await registry.publish(secret)
    await registry.drain()
    assert await aid_of(registry, row["family_id"]) == {}
    (kept,) = await registry.db.pool.fetch(
        "SELECT family_id, program_id, status, version FROM family_aid WHERE subject_id = $1",
        secret.enrolment_id,
    )
    assert tuple(kept) == (None, None, None, 1)


async def test_everything_is_told_again_from_the_tables(registry, family, broker):
    await registry.drain()
    await (await broker.admin()).purge_stream("REGISTRY_STATE")
    relay = await registry.relay()
    told = await relay.republish()
    counts = [await registry.db.pool.fetchval(f"SELECT count(*) FROM {t}")
              for t in ("regions", "families", "persons")]  # fmt: skip
    assert told == sum(counts)
    await registry.drain()
    state = await broker.last("REGISTRY_STATE", f"registry.family.state.v1.{family}")
    assert state["data"]["family_id"] == str(family)


async def test_a_rebuild_reads_the_aid_states_again(registry, family):
    enrolment = an_enrolment(family, status="suspended")
    await registry.publish(enrolment)
    await registry.drain()
    async with registry.db.transaction() as tx:
        await (await tx.raw()).execute("DELETE FROM family_aid")
    inbox = await registry.inbox()
    await inbox.rebuild("registry_enrolments")
    await registry.drain()
    assert ("enrolment", "suspended") in await aid_of(registry, family)
