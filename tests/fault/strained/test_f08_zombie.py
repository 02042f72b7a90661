"""F8: a consumer is stopped for longer than ``ack_wait``; another did its work when it goes on."""

import asyncio
import os
from typing import Any

import asyncpg

from tests.fault.conftest import SHORT_ROUNDS, Run
from tests.support.faults.checker import check_at_the_end, check_now
from tests.support.faults.journey import Journey
from tests.support.faults.mortal import kill
from tests.support.faults.strained import StrainedHouse
from tests.support.waiting import wait_until

FULL_ROUNDS = 20
STREAM, CONSUMER = "DISTRIBUTION_FACT", "distribution_facts"
ACK_WAIT_S = 1
PAUSE_S = 45
"""Of one round of the full form: longer than ``ack_wait`` in production would be 61 s."""
WITHIN_S = 90
WAITING = (
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
    " AND wait_event_type = 'Lock' AND query LIKE '%consumer_progress%FOR SHARE%'"
)


async def test_f8_a_consumer_that_was_stopped_finishes_late_and_without_effect(
    longhouse: StrainedHouse, journey: Journey, run: Run
) -> None:
    databases = await longhouse.databases()
    await check_at_the_end(journey.history, databases)
    owner = await longhouse.as_owner("indicators")
    for number in run.rounds(FULL_ROUNDS):
        async with owner.transaction():
            # The zombie has the events in hand and stands before its first statement.
            await owner.execute(
                "SELECT 1 FROM consumer_progress WHERE consumer = $1 FOR UPDATE", CONSUMER
            )
            await journey.deliver()
            delivery = journey.deliveries[-1]
            session = await wait_until(lambda: owner.fetchval(WAITING), WITHIN_S)
            stopped = longhouse.frozen("indicators-worker")
            stopped.__enter__()
        other = longhouse.run_beside("indicators")
        try:
            await wait_until(lambda: taken_over(longhouse, owner, delivery), WITHIN_S)
            assert await state_of(owner, session) == "idle in transaction", "the zombie still works"
            if number == 0 and os.environ.get("FAULT_ROUNDS", SHORT_ROUNDS) != SHORT_ROUNDS:
                await asyncio.sleep(PAUSE_S)
        finally:
            stopped.__exit__(None, None, None)
        await wait_until(lambda: is_over(owner, session), WITHIN_S, what="the zombie finished")
        kill(other)
        assert await effects(owner, delivery) == 1
        await check_now(journey.history, databases)
    await check_at_the_end(journey.history, databases)
    await owner.close()
    longhouse.all_live()


async def taken_over(longhouse: StrainedHouse, owner: Any, delivery: str) -> bool:
    """Say whether the other worker counted the delivery; until then let ``ack_wait`` be short."""
    streams = await longhouse.broker.admin()
    for info in await streams.consumers_info(STREAM):
        if CONSUMER in info.name and info.config.ack_wait != ACK_WAIT_S:
            info.config.ack_wait = ACK_WAIT_S
            await streams.add_consumer(STREAM, info.config)
    return await effects(owner, delivery) == 1


async def effects(owner: "asyncpg.Connection[Any]", delivery: str) -> int:
    return int(
        await owner.fetchval("SELECT count(*) FROM deliveries WHERE delivery_id = $1", delivery)
    )


async def state_of(owner: "asyncpg.Connection[Any]", session: int) -> str:
    return str(await owner.fetchval("SELECT state FROM pg_stat_activity WHERE pid = $1", session))


async def is_over(owner: "asyncpg.Connection[Any]", session: int) -> bool:
    return await state_of(owner, session) != "idle in transaction"
