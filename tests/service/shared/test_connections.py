"""A line to PostgreSQL that is cut without a word: every wait ends, and the pools recover."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import asyncpg
import pytest
from sqlalchemy import text

from services.shared import connections
from services.shared.broker import is_passing
from services.shared.db import Database
from tests.conftest import MakeService
from tests.support.faults.parts import address_of, moved
from tests.support.faults.proxy import Proxy, proxied
from tests.support.waiting import wait_until

ENDS_S = 60
"""Far more than the waits add up to; the operating system would hope on for 15 minutes."""
ALL = 3


@dataclass
class Far:
    """A database at the other end of a proxy."""

    db: Database
    line: Proxy


@pytest.fixture
async def far(make_service: MakeService) -> AsyncIterator[Far]:
    service = await make_service("indicators")
    async with proxied(address_of(service.urls.app)) as line:
        url = moved(service.urls.app, (line.host, line.port))
        db = Database(url, schema="indicators", service="indicators", pool_size=ALL)
        yield Far(db, line)
        line.heal()
        await db.close()


async def one(db: Database) -> int:
    async with db.transaction() as tx:
        return int(await tx.scalar(text("SELECT 1")))


async def test_connections_that_waited_in_the_pool_hold_nobody_when_their_line_is_dead(far):
    await asyncio.gather(*(one(far.db) for _ in range(ALL)))
    far.line.swallow()
    async with asyncio.timeout(ENDS_S):
        ends = await asyncio.gather(*(one(far.db) for _ in range(2 * ALL)), return_exceptions=True)
    assert all(isinstance(end, Exception) and is_passing(end) for end in ends), ends
    far.line.heal()
    await wait_until(lambda: one(far.db), ENDS_S)


async def test_a_ping_of_a_dead_line_ends_and_later_ones_succeed(far):
    await far.db.ping()
    far.line.swallow()
    async with asyncio.timeout(ENDS_S):
        for _ in range(2):
            with pytest.raises(connections.LOST):
                await far.db.ping()
    far.line.heal()

    async def answers() -> bool:
        try:
            await far.db.ping()
        except connections.LOST:
            return False
        return True

    await wait_until(answers, ENDS_S)


async def test_both_ends_of_a_session_look_whether_the_other_is_still_there(far):
    asked = await far.db.pool.fetchrow(
        "SELECT current_setting('tcp_keepalives_idle') AS idle,"
        " current_setting('tcp_user_timeout') AS unheard"
    )
    assert asked["idle"] == str(connections.SILENT_AFTER_S)
    assert asked["unheard"] in {f"{connections.SILENT_S}s", str(connections.SILENT_S * 1000)}


def test_a_session_that_ended_with_an_error_is_a_fault_that_passes():
    assert is_passing(asyncpg.InternalClientError("cannot switch to state 12"))
