"""The inbox table: each fact has its effect once, whatever its number of deliveries."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import delete

from services.shared import clock
from services.shared.db import Database, Transaction
from services.shared.events import Unreadable
from services.shared.parking import Item
from services.shared.streams import FACTS_KEPT
from services.shared.tables import TABLES

KEPT = FACTS_KEPT + timedelta(days=30)
"""Longer than the streams keep facts: none can come again after its row is gone."""

_INSERT = """
INSERT INTO inbox (consumer, source, event_id, payload_hash, received_at)
SELECT $1, source, event_id, payload_hash, $5
FROM unnest($2::text[], $3::text[], $4::bytea[]) AS rows (source, event_id, payload_hash)
ORDER BY source, event_id
ON CONFLICT DO NOTHING
RETURNING source, event_id
"""
_KNOWN = """
SELECT inbox.source, inbox.event_id, inbox.payload_hash
FROM inbox JOIN unnest($2::text[], $3::text[]) AS asked (source, event_id)
    ON inbox.source = asked.source AND inbox.event_id = asked.event_id
WHERE inbox.consumer = $1
"""


async def keep_fresh(
    tx: Transaction, consumer: str, facts: Sequence[Item]
) -> tuple[list[Item], list[tuple[Item, Unreadable]]]:
    """Note the facts and return (those seen for the first time, those that reuse an id).

    The same id with the same content is a repetition, and in neither list.
    """
    first: dict[tuple[str, str], Item] = {}
    repeated: list[Item] = []
    for item in facts:
        if (key := _key(item)) in first:
            repeated.append(item)
        else:
            first[key] = item
    if not first:
        return [], []
    connection = await tx.raw()
    sources, ids = [key[0] for key in first], [key[1] for key in first]
    hashes = [item.payload_hash for item in first.values()]
    inserted = {
        (row["source"], row["event_id"])
        for row in await connection.fetch(_INSERT, consumer, sources, ids, hashes, tx.now)
    }
    fresh = [item for key, item in first.items() if key in inserted]
    known = {key: item.payload_hash for key, item in first.items() if key in inserted}
    old = [key for key in first if key not in inserted]
    if old:
        found = await connection.fetch(
            _KNOWN, consumer, [key[0] for key in old], [key[1] for key in old]
        )
        known |= {(row["source"], row["event_id"]): row["payload_hash"] for row in found}
    again = [*(first[key] for key in old), *repeated]
    fault = Unreadable("id_reused", "this id was used for another content")
    return fresh, [(i, fault) for i in again if known.get(_key(i)) != i.payload_hash]


async def purge(db: Database) -> None:
    """Delete rows of facts that no stream keeps any more; a periodic job of the worker."""
    table = TABLES.inbox
    async with db.transaction() as tx:
        await tx.execute(delete(table).where(table.c.received_at < clock.now() - KEPT))


def _key(item: Item) -> tuple[str, str]:
    if item.event is None:
        raise TypeError("a fact was read")
    return item.event.source, item.event.id
