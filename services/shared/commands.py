"""Orders to a service's worker, left in its database: republish, rebuild, renew keys.

The command line and the HTTP routes only write a row; the worker, which has the handlers and the
NATS user, does it. So an operator needs no more than the database's URL.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import insert, select, update

from services.shared import clock
from services.shared.broker import Backoff, is_passing, pause
from services.shared.db import Database, Transaction
from services.shared.ids import new_id
from services.shared.locks import try_lock
from services.shared.tables import TABLES

POLL_S = 1.0
REPUBLISH, START_OVER, REBUILD, REPLAY = "republish", "start-over", "rebuild", "replay"
RENEW_KEYS, COUNT_KEYS = "renew-keys", "count-keys"
EVERY = "*"
"""The argument of a rebuild of all subscriptions."""
OUTCOME_LENGTH_MAX = 4_000

Handler = Callable[[str | None], Awaitable[object]]
log = structlog.get_logger(__name__)
_table = TABLES.commands


async def order(tx: Transaction, name: str, argument: str | None, actor: str) -> UUID:
    """Leave an order for the worker, and an audit entry of who gave it. Return its id."""
    command_id = new_id()
    await tx.execute(
        insert(_table).values(
            id=command_id, name=name, argument=argument, actor=actor, requested_at=tx.now
        )
    )
    tx.audit(f"command.{name}", f"command/{command_id}", {"argument": argument}, actor)
    return command_id


async def outcome(db: Database, command_id: UUID) -> str | None:
    """Return what became of an order: None while it waits, then ``ok ...`` or ``failed ...``."""
    async with db.reading() as reader:
        return str(found) if (found := await reader.scalar(
            select(_table.c.outcome).where(_table.c.id == command_id)
        )) is not None else None  # fmt: skip


class Commander:
    """Carries out the orders of one service, one after the other, in one process at a time."""

    def __init__(self, db: Database, handlers: Mapping[str, Handler]) -> None:
        self._db = db
        self._handlers = handlers

    async def run(self, stop: asyncio.Event) -> None:
        """Carry out orders until ``stop``."""
        backoff = Backoff()
        while not stop.is_set():
            try:
                if await self.run_waiting():
                    backoff.reset()
                    continue
                await pause(stop, POLL_S)
            except Exception as error:
                if not is_passing(error):
                    raise
                await pause(stop, backoff.next())

    async def run_waiting(self) -> int:
        """Carry out the orders that wait now. Return how many."""
        waiting = await self._db.pool.fetch(
            "SELECT id, name, argument, requested_at FROM commands WHERE done_at IS NULL"
            " ORDER BY requested_at, id LIMIT 100"
        )
        if not waiting:
            return 0
        async with try_lock(self._db, "commands") as lock:
            if lock is None:
                return 0
            for row in waiting:
                await self._carry_out(row["id"], row["name"], row["argument"], row["requested_at"])
        return len(waiting)

    async def _carry_out(
        self, command_id: UUID, name: str, argument: str | None, requested_at: datetime
    ) -> None:
        handler = self._handlers.get(name)
        result: Any
        if handler is None:
            result = "failed unknown command"
        else:
            try:
                result = f"ok {await handler(argument)}"
            except ValueError as error:
                result = f"failed {error}"
        log.info("command_done", name=name, waited_s=(clock.now() - requested_at).total_seconds())
        async with self._db.transaction() as tx:
            await tx.execute(
                update(_table)
                .where(_table.c.id == command_id)
                .values(done_at=tx.now, outcome=str(result)[:OUTCOME_LENGTH_MAX])
            )
