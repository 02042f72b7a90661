"""The relay: brings committed events from the outbox table to JetStream.

One per service, by an advisory lock. It takes rows that are not published (never "after the last
number seen": numbers are not commit order), those that a person waits for first. Of a state only
the highest version known is sent, so that an older one never lands after a newer one. PostgreSQL
is the truth: when a stream lost messages, everything is told again.

A little longer than others here: one class, read from top to bottom.
"""

import asyncio
from collections.abc import Sequence
from itertools import count
from typing import Any

import asyncpg
import structlog
from nats.aio.client import Client
from nats.js import JetStreamContext
from sqlalchemy import text

from services.shared.broker import Backoff, client_of, is_passing, pause
from services.shared.db import Database, Lane
from services.shared.locks import HeldLock, LockLost, try_lock
from services.shared.outgoing import channel, lock_number
from services.shared.publishing import (
    ACK_TIMEOUT_S,
    Message,
    PublishRefused,
    StreamMissing,
    message,
    publish_batches,
    publish_singly,
)
from services.shared.republishing import Republisher, republish, tell_again
from services.shared.streams import StreamState, ensure_streams, purge_streams

BATCH_MAX = {Lane.INTERACTIVE: 200, Lane.BULK: 500}
BATCH_BYTES_MAX = 8_000_000
POLL_S = 1.0
STREAM_CHECK_S = 30.0

log = structlog.get_logger(__name__)

__all__ = ["Relay", "Republisher", "ensure_streams"]

_SELECT = """
WITH waiting AS (
    SELECT sequence, sum(pg_column_size(payload)) OVER (ORDER BY sequence) AS bytes
    FROM (SELECT sequence, payload FROM outbox
          WHERE lane = $1 AND published_at IS NULL AND NOT superseded
          ORDER BY sequence LIMIT $2) AS next
)
SELECT o.id, o.sequence, o.type, o.kind, o.stream, o.source, o.aggregateid, o.epoch, o.version,
       o.traceparent, o.occurred_at, o.payload::text AS payload,
       o.kind = 'state' AND EXISTS (
           SELECT 1 FROM outbox AS newer
           WHERE newer.type = o.type AND newer.aggregateid = o.aggregateid
             AND (newer.epoch, newer.version) > (o.epoch, o.version)) AS superseded
FROM outbox AS o JOIN waiting ON waiting.sequence = o.sequence
WHERE waiting.bytes <= $3 OR o.sequence = (SELECT min(sequence) FROM waiting)
ORDER BY o.sequence
"""
_PUBLISHED = """
UPDATE outbox SET published_at = now(), published_seq = sent.stream_sequence,
                  feed_position = coalesce(outbox.feed_position, sent.feed_position)
FROM (SELECT *, nextval('outbox_feed_position') AS feed_position
      FROM (SELECT * FROM unnest($1::bigint[], $2::bigint[]) AS u (place, stream_sequence)
            ORDER BY place) AS ordered) AS sent
WHERE outbox.sequence = sent.place
"""
_MARK = """
INSERT INTO stream_marks (stream, created, last_sequence) VALUES ($1, $2, $3)
ON CONFLICT (stream) DO UPDATE SET created = excluded.created, last_sequence =
    CASE WHEN stream_marks.created = excluded.created
         THEN greatest(stream_marks.last_sequence, excluded.last_sequence)
         ELSE excluded.last_sequence END
"""


class Relay:
    """Publishes one service's outbox; ``republishers`` tell the current rows again when asked."""

    def __init__(
        self,
        db: Database,
        nats: Client | JetStreamContext,
        service: str,
        republishers: Sequence[Republisher] = (),
        *,
        replicas: int = 1,
    ) -> None:
        self._db = db
        self._client = client_of(nats)
        self._service = service
        self._republishers = republishers
        self._replicas = replicas
        self._created: dict[str, str] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Publish until ``stop``; waits out every fault of PostgreSQL and NATS."""
        backoff = Backoff()
        contended = False
        while not stop.is_set():
            try:
                async with try_lock(self._db, "relay") as lock:
                    if lock is None:
                        contended = True
                    else:
                        if contended:
                            # The former holder may have lost its session in the middle of a
                            # batch: let its last messages land before newer ones are sent.
                            await pause(stop, ACK_TIMEOUT_S)
                            contended = False
                        await self._hold(lock, stop, backoff)
                        continue
                await pause(stop, POLL_S)
            except Exception as error:
                if not _is_retried(error):
                    raise
                log.warning("relay_waits", error=type(error).__name__, detail=str(error)[:200])
                await pause(stop, backoff.next())

    async def drain_once(self) -> int:
        """Publish everything that waits, in this call. Return how many rows were settled.

        Return 0 when another relay holds the lock. Raise what stopped it.
        """
        async with try_lock(self._db, "relay") as lock:
            if lock is None:
                return 0
            await self.check_streams()
            settled = 0
            while n := await self._step(lock):
                settled += n
            return settled

    async def republish(self, streams: frozenset[str] | None = None) -> int:
        """Tell the current rows again; see ``republishing.republish``."""
        return await republish(self._db, self._republishers, streams)

    async def start_over(self) -> int:
        """Empty the own streams and tell the current rows, after a restore from backup.

        Otherwise what the backup does not know would stay in the streams for ever. The epoch was
        raised before.
        """
        await self.check_streams()
        await purge_streams(self._client, self._service)
        return await self.republish()

    async def check_streams(self) -> None:
        """Make missing streams; when one lost messages, tell everything of it again."""
        states = await ensure_streams(self._client, self._service, self._replicas)
        marks = {
            row["stream"]: row for row in await self._db.pool.fetch("SELECT * FROM stream_marks")
        }
        lost = frozenset(
            state.name
            for state in states
            if (mark := marks.get(state.name)) is not None
            and (state.created != mark["created"] or state.last_sequence < mark["last_sequence"])
        )
        self._created = {state.name: state.created for state in states}
        if lost:
            log.error("streams_lost_messages", streams=sorted(lost))
            await tell_again(self._db, self._republishers, lost)
        await self._remember(states, reset=lost)

    async def _hold(self, lock: HeldLock, stop: asyncio.Event, backoff: Backoff) -> None:
        wake = asyncio.Event()
        await lock.connection.add_listener(channel(self._db.schema), lambda *_: wake.set())
        lock.connection.add_termination_listener(lambda *_: wake.set())
        for turn in count():
            if turn % int(STREAM_CHECK_S / POLL_S) == 0:
                await self.check_streams()
            wake.clear()
            while not stop.is_set() and await self._step(lock):
                backoff.reset()
            if stop.is_set():
                return
            backoff.reset()
            await _first_of(wake, stop, POLL_S)

    async def _step(self, lock: HeldLock) -> int:
        """Settle one batch of the first lane that has any. Return its number of rows."""
        for lane in (Lane.INTERACTIVE, Lane.BULK):
            rows = await self._db.pool.fetch(_SELECT, lane.value, BATCH_MAX[lane], BATCH_BYTES_MAX)
            if rows:
                return await self._settle(lock, lane, rows)
        return 0

    async def _settle(self, lock: HeldLock, lane: Lane, rows: "list[asyncpg.Record]") -> int:
        superseded = [row["sequence"] for row in rows if row["superseded"]]
        messages = [message(row) for row in rows if not row["superseded"]]
        await lock.check()
        try:
            arrived = await self._send(lane, messages)
        except BaseException:
            await self._count_attempt([each.place for each in messages])
            raise
        await self._mark(messages, arrived, superseded)
        if len(arrived) < len(messages):
            raise PublishRefused(f"{len(messages) - len(arrived)} of {len(messages)} not stored")
        return len(rows)

    async def _send(self, lane: Lane, messages: list[Message]) -> dict[int, int]:
        if not messages:
            return {}
        send = publish_singly if lane is Lane.INTERACTIVE else publish_batches
        try:
            return await send(self._client, messages)
        except StreamMissing:
            await self.check_streams()
            return await send(self._client, messages)

    async def _mark(
        self, messages: list[Message], arrived: dict[int, int], superseded: list[int]
    ) -> None:
        async with self._db.transaction() as tx:
            # Serial, so that the feed's positions appear in their order.
            await tx.execute(
                text("SELECT pg_advisory_xact_lock(:feed)"),
                {"feed": lock_number("feed", self._db.schema)},
            )
            connection = await tx.raw()
            if arrived:
                await connection.execute(_PUBLISHED, list(arrived), list(arrived.values()))
            if superseded:
                await connection.execute(
                    "UPDATE outbox SET superseded = true WHERE sequence = ANY($1)", superseded
                )
            last: dict[str, int] = {}
            for each in messages:
                if each.place in arrived:
                    last[each.stream] = max(last.get(each.stream, 0), arrived[each.place])
            for stream, sequence in last.items():
                await connection.execute(_MARK, stream, self._created.get(stream, ""), sequence)

    async def _count_attempt(self, places: list[int]) -> None:
        try:
            async with self._db.transaction() as tx:
                await tx.execute(
                    text("UPDATE outbox SET attempts = attempts + 1 WHERE sequence = ANY(:places)"),
                    {"places": places},
                )
        except Exception as error:
            # The count is for operators; the fault that is under way matters more.
            if not is_passing(error):
                raise

    async def _remember(self, states: list[StreamState], reset: frozenset[str]) -> None:
        async with self._db.transaction() as tx:
            connection = await tx.raw()
            await connection.execute(
                "DELETE FROM stream_marks WHERE stream = ANY($1)", sorted(reset)
            )
            for state in states:
                await connection.execute(_MARK, state.name, state.created, state.last_sequence)


def _is_retried(error: Exception) -> bool:
    return isinstance(error, StreamMissing | PublishRefused | LockLost) or is_passing(error)


async def _first_of(wake: asyncio.Event, stop: asyncio.Event, seconds: float) -> None:
    waiting: list[asyncio.Task[Any]] = [
        asyncio.ensure_future(wake.wait()),
        asyncio.ensure_future(stop.wait()),
    ]
    try:
        await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()
