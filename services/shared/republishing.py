"""Telling everything again from the tables, and forgetting what was told long ago.

PostgreSQL is the truth: a stream that lost messages, a consumer that starts anew elsewhere, or a
producer restored from backup (which raises its epoch first) gets the current rows, never old
outbox rows of states.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import timedelta

import structlog
from sqlalchemy import text

from services.shared import clock
from services.shared.db import Database, Transaction
from services.shared.events import EventData
from services.shared.outgoing import epoch_lock, fact_id

Republisher = Callable[[Transaction], AsyncIterator[tuple[EventData, int]]]
"""Yields (event, version) of every current row of a kind."""

KEPT = timedelta(days=30)
REPUBLISH_CHUNK = 2_000
log = structlog.get_logger(__name__)


async def republish(
    db: Database, republishers: Sequence[Republisher], streams: frozenset[str] | None = None
) -> int:
    """Tell the current rows again by the bulk lane, states with fresh ids. Return how many.

    Who emits now is waited for first, so that no row of an older epoch is told afterwards.
    """
    total = 0
    for republisher in republishers:
        async with db.transaction() as tx:
            lock = {"lock": epoch_lock(db.schema)}
            await tx.execute(text("SELECT pg_advisory_xact_lock(:lock)"), lock)
        async with db.transaction() as tx:
            chunk: list[tuple[EventData, int]] = []
            async for event, version in republisher(tx):
                if streams is None or event.STREAM in streams:
                    chunk.append((event, version))
                if len(chunk) == REPUBLISH_CHUNK:
                    total += await _emit_again(tx, chunk)
                    chunk = []
            total += await _emit_again(tx, chunk)
    log.info("republished", events=total)
    return total


async def _emit_again(tx: Transaction, chunk: list[tuple[EventData, int]]) -> int:
    """Emit by the bulk lane; a fact keeps its id, so its former row makes room."""
    facts = [known for event, _ in chunk if (known := fact_id(event)) is not None]
    if facts:
        await tx.execute(text("DELETE FROM outbox WHERE id = ANY(:ids)"), {"ids": facts})
    return await tx.emit_many(chunk)


async def tell_again(
    db: Database, republishers: Sequence[Republisher], streams: frozenset[str]
) -> None:
    """Fill streams that lost messages: states from the tables, facts from 30 days of outbox.

    A service without republishers has only its outbox to tell from.
    """
    await republish(db, republishers, streams)
    async with db.transaction() as tx:
        await tx.execute(
            text(
                "UPDATE outbox SET published_at = NULL, published_seq = NULL"
                " WHERE stream = ANY(:streams) AND published_at IS NOT NULL"
                " AND NOT superseded AND (kind = 'fact' OR :states)"
            ),
            {"streams": sorted(streams), "states": not republishers},
        )


async def purge(db: Database) -> int:
    """Delete settled rows older than 30 days; a periodic job of the worker. Return how many."""
    async with db.transaction() as tx:
        found = await tx.execute(
            text(
                "DELETE FROM outbox WHERE occurred_at < :before"
                " AND (superseded OR published_at < :before)"
            ),
            {"before": clock.now() - KEPT},
        )
        return int(found.rowcount)  # type: ignore[attr-defined]  # SQLAlchemy types Result without
