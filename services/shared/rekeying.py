"""Renewing what older keys wrote, while the service runs.

A service names its ``KeyedRows``: rows that hold sealed text or keyed indexes. The worker walks
over them in batches, a transaction each, and begins again until a walk finds nothing to renew:
rows may have been written meanwhile by work that had begun with the former keyring. Cut off, it
starts anew and passes over what is done.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from services.shared import commands, idempotency
from services.shared.db import Database, Transaction
from services.shared.key_files import KeyFile
from services.shared.sealing import Keyring, Purpose, Sealer, SealError

BATCH_ROWS = 1_000
BUSY_PAUSE_S = 0.2

Counts = Sequence[tuple[Purpose, str]]
"""For each purpose the SQL that counts the values which each key wrote: (key id, number)."""


@dataclass(frozen=True, slots=True)
class Step:
    """One batch: how many rows it renewed, and where the next begins (None: this was the last)."""

    renewed: int
    place: Any


Renewer = Callable[[Transaction, Keyring, Any], Awaitable[Step | None]]
"""Renews the batch after a place (None: the first). None: what it needs is held, try again."""


@dataclass(frozen=True, slots=True)
class KeyedRows:
    """One kind of rows. Without ``renew`` somebody else renews them: a producer's event, or age."""

    name: str
    counts: Counts
    renew: Renewer | None = None


async def renew(db: Database, keys: KeyFile, kinds: Sequence[KeyedRows]) -> int:
    """Renew until nothing is left to renew. Return how many rows were."""
    total = 0
    while renewed := sum([await _walk(db, keys, each.renew) for each in kinds if each.renew]):
        total += renewed
    return total


async def count(db: Database, kinds: Sequence[KeyedRows]) -> str:
    """Return JSON of ``{kind: {purpose: {key id: values}}}``."""
    found: dict[str, dict[str, dict[str, int]]] = {}
    for kind in kinds:
        for purpose, sql in kind.counts:
            rows = [row for row in await db.pool.fetch(sql) if row[0] is not None]
            found.setdefault(kind.name, {})[purpose] = {str(row[0]): row[1] for row in rows}
    return orjson.dumps(found).decode()


def handlers(
    db: Database, keys: KeyFile, kinds: Sequence[KeyedRows]
) -> dict[str, commands.Handler]:
    """Return what the orders of a key rotation do."""
    kinds = (*kinds, ANSWERS)

    async def renew_all(_: str | None) -> str:
        try:
            return f"{await renew(db, keys, kinds)} renewed"
        except SealError as error:
            # An order that cannot be done is answered; the worker goes on.
            raise ValueError(str(error)) from error

    async def count_all(_: str | None) -> str:
        return await count(db, kinds)

    return {commands.RENEW_KEYS: renew_all, commands.COUNT_KEYS: count_all}


async def _walk(db: Database, keys: KeyFile, renewer: Renewer) -> int:
    total, place = 0, None
    while True:
        async with db.transaction() as tx:
            step = await renewer(tx, keys.current(), place)
        if step is None:
            await asyncio.sleep(BUSY_PAUSE_S)
            continue
        total += step.renewed
        if step.place is None:
            return total
        place = step.place


async def _renew_answers(tx: Transaction, keyring: Keyring, after: Any) -> Step:
    sealer, connection = Sealer(keyring), await tx.raw()
    rows = await connection.fetch(
        "SELECT caller, route, key, body FROM idempotency WHERE (caller, route, key) > ($1, $2, $3)"
        " ORDER BY caller, route, key LIMIT $4 FOR UPDATE SKIP LOCKED",
        *(after or ("", "", "")),
        BATCH_ROWS,
    )
    old = [row for row in rows if row["body"][0] != sealer.active_key_id]
    await connection.executemany(
        "UPDATE idempotency SET body = $4 WHERE (caller, route, key) = ($1, $2, $3)",
        [(*row[:3], _resealed(sealer, row["body"], idempotency.context(*row[:3]))) for row in old],
    )
    return Step(len(old), tuple(rows[-1][:3]) if len(rows) == BATCH_ROWS else None)


def _resealed(sealer: Sealer, sealed: bytes, context: str) -> bytes:
    return sealer.seal(sealer.open(sealed, context), context)


ANSWERS = KeyedRows(
    "answers",
    (("seal", "SELECT get_byte(body, 0), count(*) FROM idempotency GROUP BY 1"),),
    _renew_answers,
)
"""Remembered answers of requests, which every service has."""
