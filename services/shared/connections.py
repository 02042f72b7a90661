"""Connections to PostgreSQL that notice when nobody is at the other end.

A line may break without a word: a partition, a host that lost its power. Then the operating system
hopes on for a quarter of an hour, and the pools would fill with callers who wait. Here every wait
has an end, and the server drops the sessions, and with them the locks, of clients that are gone.
"""

import asyncio
import os
import socket
from collections.abc import Mapping
from typing import Any

import asyncpg
from sqlalchemy import event
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

CONNECT_S = 5
"""A server in reach takes milliseconds; whoever called for us waits meanwhile."""
PING_S = 2
STATEMENT_TIMEOUT_MS = 60_000
COMMAND_S = 65
"""A little longer than the server allows: its own word is the better answer."""
HOT_READ_S = 20
"""One statement by index; what has not come by now does not come. Callers wait 30 s."""
IDLE_IN_TRANSACTION_TIMEOUT_MS = 120_000
SILENT_AFTER_S, SILENT_EVERY_S, SILENT_TIMES = 5, 2, 3
"""After 11 s without a sign of life a connection is dead, for both ends."""
SILENT_S = SILENT_AFTER_S + SILENT_EVERY_S * SILENT_TIMES

LOST = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
"""What a connection raises whose server does not answer any more."""


def server_settings(schema: str, service: str) -> dict[str, str]:
    """Return what each session of a service asks of the server."""
    return {
        "search_path": f'"{schema}", public',
        "application_name": f"betang {service}",
        "statement_timeout": str(STATEMENT_TIMEOUT_MS),
        "idle_in_transaction_session_timeout": str(IDLE_IN_TRANSACTION_TIMEOUT_MS),
        "tcp_keepalives_idle": str(SILENT_AFTER_S),
        "tcp_keepalives_interval": str(SILENT_EVERY_S),
        "tcp_keepalives_count": str(SILENT_TIMES),
        "tcp_user_timeout": str(SILENT_S * 1000),
    }


def make_engine(url: str, settings: Mapping[str, str], *, size: int) -> AsyncEngine:
    """Return SQLAlchemy's engine; a connection is tried before it is given out."""
    engine = create_async_engine(
        url.replace("postgresql://", "postgresql+asyncpg://"),
        pool_size=size,
        max_overflow=0,
        pool_timeout=5,
        connect_args={
            "server_settings": dict(settings),
            "timeout": CONNECT_S,
            "command_timeout": COMMAND_S,
        },
    )

    def opened(connection: Any, record: Any) -> None:
        connection.run_async(watch)
        record.info["new"] = True

    def given_out(connection: Any, record: Any, _proxy: Any) -> None:
        # In place of SQLAlchemy's pool_pre_ping, which waits without an end, three times.
        if record.info.pop("new", False):
            return
        try:
            connection.run_async(_ping)
        except LOST as error:
            raise InvalidatePoolError from error

    event.listen(engine.sync_engine, "connect", opened)
    event.listen(engine.sync_engine, "checkout", given_out)
    return engine


async def open_connection(url: str, settings: Mapping[str, str]) -> "asyncpg.Connection[Any]":
    """Open a connection of its own, for locks and LISTEN. The caller closes it."""
    connection = await asyncpg.connect(
        url, server_settings=dict(settings), timeout=CONNECT_S, command_timeout=HOT_READ_S
    )
    await watch(connection)
    return connection


async def watch(connection: "asyncpg.Connection[Any]") -> None:
    """Let the operating system give a silent connection up after ``SILENT_S``."""
    transport = connection._transport  # type: ignore[attr-defined]  # noqa: SLF001 - no public way
    # A copy of the descriptor: uvloop's own socket objects take no options.
    with socket.socket(fileno=os.dup(transport.get_extra_info("socket").fileno())) as copy:
        if copy.family not in (socket.AF_INET, socket.AF_INET6):
            return
        copy.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in (
            ("TCP_KEEPIDLE", SILENT_AFTER_S),
            ("TCP_KEEPINTVL", SILENT_EVERY_S),
            ("TCP_KEEPCNT", SILENT_TIMES),
            ("TCP_USER_TIMEOUT", SILENT_S * 1000),
        ):
            if option := getattr(socket, name, None):
                copy.setsockopt(socket.IPPROTO_TCP, option, value)


async def _ping(connection: "asyncpg.Connection[Any]") -> None:
    await connection.execute("SELECT 1", timeout=PING_S)


class Pool:
    """asyncpg connections for the hottest reads, opened at first use. No transaction, no write.

    Only single statements run here, so nothing of a session needs to be reset between them.
    """

    def __init__(self, url: str, *, server_settings: dict[str, str], size: int) -> None:
        self._url = url
        self._server_settings = server_settings
        self._size = size
        self._opening = asyncio.Lock()
        self._pool: asyncpg.Pool[Any] | None = None

    async def fetch(self, sql: str, *args: Any) -> "list[asyncpg.Record]":
        """Return all rows."""
        # The time limit is also that of giving the connection back, when the line is dead.
        async with (await self._ready()).acquire(timeout=CONNECT_S) as connection:
            return list(await connection.fetch(sql, *args))

    async def fetchrow(self, sql: str, *args: Any) -> "asyncpg.Record | None":
        """Return the first row."""
        async with (await self._ready()).acquire(timeout=CONNECT_S) as connection:
            return await connection.fetchrow(sql, *args)

    async def fetchval(self, sql: str, *args: Any) -> Any:
        """Return the first column of the first row."""
        async with (await self._ready()).acquire(timeout=CONNECT_S) as connection:
            return await connection.fetchval(sql, *args)

    async def ping(self) -> None:
        """Raise, soon, when the database does not answer."""
        async with (await self._ready()).acquire(timeout=PING_S) as connection:
            await connection.execute("SELECT 1", timeout=PING_S)

    async def close(self) -> None:
        """Close the connections at once."""
        if self._pool is not None:
            self._pool.terminate()
            self._pool = None

    async def _ready(self) -> "asyncpg.Pool[Any]":
        if self._pool is None:
            async with self._opening:
                if self._pool is None:
                    self._pool = await asyncpg.create_pool(
                        self._url,
                        min_size=0,
                        max_size=self._size,
                        server_settings=self._server_settings,
                        command_timeout=HOT_READ_S,
                        timeout=CONNECT_S,
                        init=watch,
                        reset=_leave_as_is,
                    )
        return self._pool


async def _leave_as_is(connection: "asyncpg.Connection[Any]") -> None:
    """Spare the round trip of asyncpg's reset; what it ends, one statement cannot begin."""
