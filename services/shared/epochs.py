"""The producer's epoch: raised after a restore from backup, so that what is told then counts.

Consumers compare (epoch, version): the versions that the restore took back are higher, but their
epoch is lower.
"""

from sqlalchemy import text

from services.shared import clock
from services.shared.db import Database
from services.shared.outgoing import epoch_lock

FEED_ROOM = 10**8
"""Positions of the change feed that an epoch has for itself; the product stays below 2**53."""

_JUMP = """
WITH place AS (
    SELECT coalesce((SELECT max(feed_position) FROM outbox), last_value) AS last,
           greatest(last_value + 1, :start) AS start
    FROM outbox_feed_position
), noted AS (
    UPDATE epoch SET feed_gaps = feed_gaps || jsonb_build_array(jsonb_build_array(last, start))
    FROM place
)
SELECT setval('outbox_feed_position', start) FROM place
"""


async def raise_epoch(db: Database) -> int:
    """Raise the epoch and return it. Republish everything afterwards.

    The number follows the clock (minutes since 1970): two restores of one backup, which holds the
    same old epoch, come to different numbers. The positions of the change feed jump with it: what
    a client heard in the lost time is remembered as a gap, see ``feed``.
    """
    async with db.transaction() as tx:
        # Alone: who emits now is done first, who emits later reads the new number.
        await tx.execute(
            text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": epoch_lock(db.schema)}
        )
        value = await tx.scalar(
            text(
                "UPDATE epoch SET value = greatest(value + 1, :minutes), raised_at = :now"
                " RETURNING value"
            ),
            {"minutes": int(clock.now().timestamp() // 60), "now": clock.now()},
        )
        await tx.execute(text(_JUMP), {"start": int(value) * FEED_ROOM})
        return int(value)
