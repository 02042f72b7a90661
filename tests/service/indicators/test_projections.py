"""Events in any order, twice, late: the projections end the same."""

import asyncio
import random
from collections import defaultdict
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.contracts.distribution import (
    CycleStateV1,
    DeliveryCompletedV1,
    DeliveryReturnedV1,
    EntitlementStateV1,
)
from services.indicators.subscriptions.distribution import handle_facts, handle_states
from services.shared import clock
from services.shared.events import Received
from tests.service.indicators.builders import (
    YEAR,
    a_cycle,
    a_delivery,
    a_family,
    a_program,
    a_rank,
    a_return,
    an_entitlement,
)
from tests.service.indicators.world import World

SEEDS = (1, 2, 3)


async def family_row(world: World, family_id: UUID) -> Any:
    return await world.service.db.pool.fetchrow(
        "SELECT * FROM families WHERE family_id = $1", family_id
    )


async def tally_of(world: World, family_id: UUID) -> list[dict[str, Any]]:
    rows = await world.service.db.pool.fetch(
        "SELECT * FROM aid_tallies WHERE family_id = $1 ORDER BY year", family_id
    )
    return [dict(row) for row in rows]


async def test_an_older_state_after_a_newer_one_changes_nothing(world: World):
    family = a_family(3)
    await world.hear((family, 5))
    await world.hear((family.model_copy(update={"ranks": (a_rank(9),)}), 4))
    assert (await family_row(world, family.family_id))["desil_low"] == 3
    restored = family.model_copy(update={"ranks": (a_rank(7),)})
    await world.service.publish(restored, version=1, epoch=2)
    await world.service.drain()
    assert (await family_row(world, family.family_id))["desil_low"] == 7


async def test_the_newest_dtsen_rank_counts_and_no_local_one(world: World):
    ranks = (
        a_rank(2, as_of="2026-06-30"),
        a_rank(4, as_of="2026-09-30"),
        a_rank(1, as_of="2026-10-31", source="LOKAL"),
    )
    family = a_family(ranks=ranks)
    await world.hear(family)
    assert (await family_row(world, family.family_id))["desil_low"] == 4


async def test_a_return_told_before_its_delivery_is_not_lost(world: World):
    family, cycle = a_family(), a_cycle(a_program())
    delivery = a_delivery(cycle, family, quantity=3, value_idr=3_000_000)
    await world.hear(a_return(delivery, quantity=1, value_idr=1_000_000))
    await world.hear(cycle, delivery)
    (row,) = await tally_of(world, family.family_id)
    assert (row["delivered_quantity"], row["delivered_idr"]) == (2, 2_000_000)


async def test_the_same_delivery_told_twice_counts_once(world: World):
    family, cycle = a_family(), a_cycle(a_program())
    delivery = a_delivery(cycle, family)
    await world.hear(cycle, delivery)
    await world.hear(delivery)  # another event id, the same delivery
    (row,) = await tally_of(world, family.family_id)
    assert row["delivered_quantity"] == 1


async def test_aid_moves_to_the_budget_year_of_its_cycle_when_that_is_told(world: World):
    family, program = a_family(), a_program()
    cycle = a_cycle(program, year=YEAR - 1)
    await world.hear(a_delivery(cycle, family), an_entitlement(cycle, family))
    # The entitlement names 31 December of the cycle's year; the delivery came first, today.
    await world.hear(cycle)
    rows = await tally_of(world, family.family_id)
    assert [(row["year"], row["entitlements"], row["delivered_quantity"]) for row in rows] == [
        (YEAR - 1, 1, 1)
    ]
    assert await world.differences() == 0


async def test_a_rebuild_gives_the_same_projection(world: World):
    family, cycle = a_family(), a_cycle(a_program())
    delivery = a_delivery(cycle, family, quantity=2, value_idr=2_000_000)
    await world.hear(
        family, cycle, an_entitlement(cycle, family), delivery,
        a_return(delivery, quantity=1, value_idr=1_000_000),
    )  # fmt: skip
    before = await tally_of(world, family.family_id)
    inbox = await world.service.inbox()
    for name in ("registry", "distribution_states", "distribution_facts"):
        await inbox.rebuild(name)
    summary = await world.get("/v1/unreached/summary")
    assert summary["as_of"]["distribution"] is None
    assert summary["total"]["belum_tersentuh"] == 0  # while rebuilding nobody can know
    await world.service.drain()
    assert await tally_of(world, family.family_id) == before
    assert await family_row(world, family.family_id) is not None
    assert await world.differences() == 0


def oracle(
    cycles: dict[UUID, int],
    entitlements: dict[UUID, EntitlementStateV1],
    deliveries: list[DeliveryCompletedV1],
    returns: list[DeliveryReturnedV1],
) -> dict[tuple[Any, ...], list[int]]:
    """Count by hand, from nothing: [entitlements, entitled, reserved, quantity, rupiah]."""
    sums: dict[tuple[Any, ...], list[int]] = defaultdict(lambda: [0, 0, 0, 0, 0])
    for e in entitlements.values():
        if e.status != "void":
            key = (e.family_id, e.program_id, cycles[e.cycle_id], e.region_code)
            row = sums[(*key, e.person_id or e.family_id)]
            row[0] += 1
            row[1] += e.value_idr
            row[2] += e.value_idr - e.delivered_value_idr
    for d in deliveries:
        key = (d.family_id, d.program_id, cycles[d.cycle_id], d.region_code)
        row = sums[(*key, d.person_id or d.family_id)]
        row[3] += d.quantity - sum(r.quantity for r in returns if r.delivery_id == d.delivery_id)
        row[4] += d.value_idr - sum(r.value_idr for r in returns if r.delivery_id == d.delivery_id)
    return dict(sums)


@pytest.mark.parametrize("seed", SEEDS)
async def test_live_tallies_equal_a_count_from_nothing_whatever_the_order(world: World, seed: int):
    draw = random.Random(seed)
    families = [a_family(region=f"62.02.09.{2001 + n}") for n in range(4)]
    cycles = [
        a_cycle(program, year) for program in (a_program(), a_program()) for year in (2024, 2025)
    ]
    entitlements: dict[UUID, EntitlementStateV1] = {}
    deliveries: list[DeliveryCompletedV1] = []
    returns: list[DeliveryReturnedV1] = []
    told: list[tuple[Any, int]] = [(cycle, 1) for cycle in cycles]
    for _ in range(40):
        cycle: CycleStateV1 = draw.choice(cycles)
        family = draw.choice(families)
        person = draw.choice([None, family.members[0].person_id])
        value = draw.randrange(1, 9) * 1_000
        first = an_entitlement(cycle, family, person_id=person, value_idr=value)
        paid = draw.choice([0, value])
        last = first.model_copy(
            update={
                "delivered_value_idr": paid,
                "status": draw.choice(["reserved", "delivered", "void"]),
                "family_id": draw.choice(families).family_id,
            }
        )
        entitlements[first.entitlement_id] = last
        told += [(first, 1), (last, 2)]
        delivery = a_delivery(cycle, family, person_id=person, quantity=3, value_idr=value)
        deliveries.append(delivery)
        told.append((delivery, 1))
        for _ in range(draw.randrange(3)):
            back = a_return(delivery, quantity=1, value_idr=draw.randrange(value))
            returns.append(back)
            told.append((back, 1))
    draw.shuffle(told)
    third = len(told) // 3
    for part in (told[:third], told[third : 2 * third], told[2 * third :]):
        # A stream keeps the last state of a key, and a producer never tells an older one after a
        # newer one: what is read late comes from an earlier part.
        await world.hear(*sorted(part, key=lambda each: each[1]))
    rows = await world.service.db.pool.fetch(
        "SELECT * FROM aid_tallies WHERE family_id = ANY($1::uuid[])",
        [family.family_id for family in families],
    )
    live = {
        (row["family_id"], row["program_id"], row["year"], row["region_code"], row["recipient_id"]):
        [row["entitlements"], row["entitled_idr"], row["reserved_idr"],
         row["delivered_quantity"], row["delivered_idr"]]
        for row in rows
    }  # fmt: skip
    years = {cycle.cycle_id: cycle.year for cycle in cycles}
    assert live == oracle(years, entitlements, deliveries, returns)
    assert await world.differences() == 0


def received(event: Any, version: int = 1) -> Received[Any]:
    """Return an event as a handler gets it."""
    return Received(
        id=str(uuid4()), source="distribution", type=event.TYPE, time=clock.now(), subject="",
        data=event, epoch=1, version=version, stream=event.STREAM, stream_sequence=1,
    )  # fmt: skip


async def test_a_cycle_told_while_its_first_delivery_is_counted_gives_it_its_year(world: World):
    """Facts and states come by two consumers: neither may see half of what the other does."""
    cycle = a_cycle(a_program(), year=YEAR - 1)
    facts_written, db = asyncio.Event(), world.service.db

    async def told_of_the_cycle() -> None:
        await facts_written.wait()
        async with db.transaction() as tx:
            await handle_states(tx, [received(cycle)])

    telling = asyncio.create_task(told_of_the_cycle())
    async with db.transaction() as tx:
        await handle_facts(tx, [received(a_delivery(cycle, a_family()))])
        facts_written.set()
        await asyncio.sleep(0.3)
    await telling
    assert await world.differences() == 0
