"""Work in a thread: beside the caller's loop, over connections of its own, cancelled with it."""

import asyncio
import threading
import time
from typing import Any

import pytest

from services.shared.apart import apart
from services.shared.db import Database
from tests.service.shared.conftest import Side


async def test_the_loop_goes_on_while_work_computes(consumer: Side) -> None:
    free = threading.Event()

    async def blocking(_own: Database) -> bool:
        # The caller's loop must turn for this to become true.
        return free.wait(timeout=60)

    working = asyncio.create_task(apart(consumer.db, blocking))
    await asyncio.sleep(0)
    free.set()
    assert await working


async def test_work_commits_and_answers_over_connections_of_its_own(consumer: Side) -> None:
    async def write(own: Database) -> int:
        assert own is not consumer.db
        async with own.transaction() as tx:
            return int(await (await tx.raw()).fetchval("SELECT 40 + 2"))

    assert await apart(consumer.db, write) == 42


async def test_a_fault_of_the_work_reaches_the_caller(consumer: Side) -> None:
    async def broken(_own: Database) -> None:
        raise LookupError("a bug")

    with pytest.raises(LookupError):
        await apart(consumer.db, broken)


async def test_cancelling_the_caller_rolls_the_work_back_before_it_returns(
    consumer: Side,
) -> None:
    begun, ended = threading.Event(), []

    async def endless(own: Database) -> None:
        try:
            async with own.transaction() as tx:
                connection = await tx.raw()
                await connection.execute("SELECT pg_advisory_xact_lock(77)")
                begun.set()
                await asyncio.sleep(3600)
        finally:
            ended.append(time.monotonic())

    working = asyncio.create_task(apart(consumer.db, endless))
    assert await asyncio.to_thread(begun.wait, 60)
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert ended
    assert await _is_free(consumer.db)


async def _is_free(db: Database) -> Any:
    return await db.pool.fetchval("SELECT pg_try_advisory_lock(77)")
