"""F8: a consumer is stopped for longer than ``ack_wait``; another did its work when it goes on."""

import asyncio
import os
from contextlib import AsyncExitStack
from typing import Any

from tests.fault.conftest import SHORT_ROUNDS, Run
from tests.support.faults.checker import check_at_the_end, check_now
from tests.support.faults.journey import Journey
from tests.support.faults.mortal import kill
from tests.support.faults.strained import StrainedHouse
from tests.support.waiting import wait_until

Connection = Any
"""An asyncpg connection."""

FULL_ROUNDS = 20
STREAM, CONSUMER = "DISTRIBUTION_FACT", "distribution_facts"
ACK_WAIT_S = 0.25
PAUSE_S = 45
"""Of one round of the full form: longer than ``ack_wait`` in production would be 61 s."""
WITHIN_S = 90
WAITING = (
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
    " AND wait_event_type = 'Lock' AND query LIKE '%consumer_progress%FOR SHARE%'"
)
OTHERS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    " AND application_name LIKE 'betang%' AND xact_start IS NOT NULL AND pid <> $1"
)


async def test_f8_a_consumer_that_was_stopped_finishes_late_and_without_effect(
    longhouse: StrainedHouse, journey: Journey, run: Run
) -> None:
    databases = await longhouse.databases()
    await check_at_the_end(journey.history, databases)
    admin = await longhouse.as_admin("indicators")
    for number in run.rounds(FULL_ROUNDS):
        longer = number == 0 and os.environ.get("FAULT_ROUNDS", SHORT_ROUNDS) != SHORT_ROUNDS
        await work_with_a_zombie(longhouse, journey, admin, PAUSE_S if longer else 0)
        await check_now(journey.history, databases)
    await check_at_the_end(journey.history, databases)
    await admin.close()
    longhouse.all_live()


async def work_with_a_zombie(
    longhouse: StrainedHouse, journey: Journey, admin: Connection, pause_s: float
) -> None:
    """Let another worker do what a stopped one has in hand; then let that one go on."""
    async with AsyncExitStack() as held:
        # The zombie has the events in hand and stands before its first statement.
        holder = await longhouse.as_admin("indicators")
        held.push_async_callback(holder.close)
        await held.enter_async_context(holder.transaction())
        await holder.execute(
            "SELECT 1 FROM consumer_progress WHERE consumer = $1 FOR UPDATE", CONSUMER
        )
        await journey.deliver()
        delivery = journey.deliveries[-1]
        session = await wait_until(lambda: admin.fetchval(WAITING), WITHIN_S)
        await wait_until(lambda: at_rest(admin, session), WITHIN_S, what="the rest is at rest")
        with longhouse.frozen("indicators-worker"):
            await held.aclose()
            other = longhouse.run_beside("indicators")
            await wait_until(lambda: taken_over(longhouse, admin, delivery), WITHIN_S)
            assert await state_of(admin, session) == "idle in transaction", "it is still at work"
            await asyncio.sleep(pause_s)
        await wait_until(lambda: is_over(admin, session), WITHIN_S, what="the zombie finished")
    kill(other)
    assert await effects(admin, delivery) == 1


async def taken_over(longhouse: StrainedHouse, admin: Connection, delivery: str) -> bool:
    """Say whether the other worker counted the delivery; until then let ``ack_wait`` be short."""
    streams = await longhouse.broker.admin()
    for info in await streams.consumers_info(STREAM):
        if CONSUMER in info.name and info.config.ack_wait != ACK_WAIT_S:
            info.config.ack_wait = ACK_WAIT_S
            await streams.add_consumer(STREAM, info.config)
    return await effects(admin, delivery) == 1


async def effects(admin: Connection, delivery: str) -> int:
    return int(
        await admin.fetchval("SELECT count(*) FROM deliveries WHERE delivery_id = $1", delivery)
    )


async def at_rest(admin: Connection, session: int) -> bool:
    """Say whether no other transaction is open: its locks would be the zombie's too."""
    return not await admin.fetchval(OTHERS, session)


async def state_of(admin: Connection, session: int) -> str:
    return str(await admin.fetchval("SELECT state FROM pg_stat_activity WHERE pid = $1", session))


async def is_over(admin: Connection, session: int) -> bool:
    return await state_of(admin, session) != "idle in transaction"
