"""A family that moves at the very moment when its entitlement is made, or while it is closed."""

import asyncio
from typing import Any
from uuid import uuid4

from services.contracts.registry import FamilyStateV1
from services.distribution.subscriptions.registry import handle_families
from services.shared.parking import Delivery, read
from tests.service.distribution.conftest import OTHER_VILLAGE, VILLAGE, Program, Recipient, World


async def settle_move(world: World, one: Recipient, *, while_open: Any) -> None:
    """Handle the state of a family that moved; ``while_open`` happens before its commit."""
    version = 7
    subject = f"{FamilyStateV1.TYPE}.{one.family_id}"
    await world.tell_family(
        one.family_id, {one.person_id: 1}, region=OTHER_VILLAGE, version=version
    )
    admin = await world.service.broker.admin()
    message = await admin.get_last_msg(FamilyStateV1.STREAM, subject)
    told = Delivery(message.data, subject, FamilyStateV1.STREAM, message.seq, 1)
    event = read(told, {FamilyStateV1.TYPE: FamilyStateV1}).event
    assert event is not None
    async with world.service.db.transaction() as tx:
        await handle_families(tx, [event])
        await while_open()


async def test_a_family_that_moves_while_it_is_entitled_is_entitled_where_it_lives(world: World):
    program = await world.tell_program(Program(kind="service"))
    [one] = await world.recipients(program, 1)
    await world.hear()
    cycle = await world.cycle(program)
    path = f"/v1/cycles/{cycle['id']}/entitlements/generate"
    generating: list[asyncio.Task[Any]] = []

    async def generate() -> None:
        generating.append(asyncio.create_task(world.post(path, None)))
        await asyncio.sleep(0.3)

    await settle_move(world, one, while_open=generate)
    assert (await generating[0]).json()["created"] == 1
    [entitlement] = await world.entitlements(cycle["id"])
    assert entitlement["region_code"] == OTHER_VILLAGE


async def test_what_comes_back_is_reserved_again_where_the_family_lives_now(world: World):
    program = await world.tell_program(Program(kind="service"))
    cycle, [entitlement] = await world.entitled(program)
    session = await world.session(cycle["id"])
    delivery = (await world.deliver(session, entitlement["id"])).json()["id"]
    await world.tell_family(
        entitlement["family_id"], {entitlement["person_id"]: 1}, region=OTHER_VILLAGE, version=2
    )
    await world.hear()
    # What was handed over was handed over there.
    assert (await world.entitlements(cycle["id"]))[0]["region_code"] == VILLAGE
    body = {"id": str(uuid4()), "quantity": 1, "reason": "rusak", "returned_on": "2026-03-11"}
    back = await world.post(f"/v1/deliveries/{delivery}/return", body)
    assert (back.status_code, back.json()["remaining"]) == (201, 1)
    [after] = await world.entitlements(cycle["id"])
    assert after["region_code"] == OTHER_VILLAGE
    told = (await world.outbox("distribution.entitlement.state.v1"))[-1]
    assert (told["version"], OTHER_VILLAGE in told["payload"]) == (after["version"], True)
