"""A lock that one process of a service holds at a time: a PostgreSQL advisory lock on a session.

It is free again as soon as the holder's connection ends, also when the process was killed.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from services.shared.connections import LOST
from services.shared.db import Database
from services.shared.outgoing import lock_number

CLOSE_TIMEOUT_S = 2


class LockLost(ConnectionError):
    """The connection that held the lock is gone; someone else may hold it now."""


class HeldLock:
    """A lock in hand; ``connection`` holds it and may LISTEN, nothing else."""

    def __init__(self, connection: "asyncpg.Connection[Any]") -> None:
        self.connection = connection

    async def check(self) -> None:
        """Raise ``LockLost`` unless the session that holds the lock still lives."""
        try:
            await self.connection.execute("SELECT 1", timeout=5)
        except LOST as error:
            raise LockLost("the session of the lock ended") from error


@asynccontextmanager
async def try_lock(db: Database, name: str) -> AsyncIterator[HeldLock | None]:
    """Give the lock, or None when another session holds it."""
    connection = await db.connect()
    try:
        number = lock_number(name, db.schema)
        held = await connection.fetchval("SELECT pg_try_advisory_lock($1)", number)
        yield HeldLock(connection) if held else None
    finally:
        await _close(connection)


async def _close(connection: "asyncpg.Connection[Any]") -> None:
    """End the session, and with it the lock, also when the server does not answer."""
    try:
        await asyncio.shield(connection.close(timeout=CLOSE_TIMEOUT_S))
    except LOST:
        connection.terminate()
