"""Reads other producers' events: a transaction per batch, acknowledged after its commit.

States are guarded by the handler, in SQL, with (epoch, version); facts by the ``inbox`` table.
A batch that fails is halved until the event that is to blame stands alone; it is parked with its
reason, the others are applied. Faults of PostgreSQL or NATS that pass are waited out and never
park anything.

Rebuild: the durable consumer's name carries a generation. ``rebuild`` empties the projection (the
subscription's ``reset``), forgets the inbox and raises the generation in one transaction; the next
consumer reads the stream from its beginning. A batch of the older generation cannot commit any
more. Until the stream is read through, ``as_of`` is empty, which readers show as unknown.

A little longer than others here: one class, read from top to bottom.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from uuid import UUID

import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext

from services.shared import parking, pulling
from services.shared.broker import NOT_FOUND, ApiError, Backoff, client_of, is_passing, pause
from services.shared.db import Database
from services.shared.observability import CONSUMER_LAG, EVENTS_HANDLED, PARKED
from services.shared.parking import Delivery, Item
from services.shared.pulling import ConsumerGone, Puller
from services.shared.settling import OldGeneration, Settler, Stopped
from services.shared.subscription import Subscription

IDLE_CHECK_S = 10.0
NEW_AGENCY_CHECK_S = 15.0
log = structlog.get_logger(__name__)

__all__ = ["Inbox", "Subscription"]


class Inbox:
    """Runs the subscriptions of one service."""

    def __init__(
        self,
        db: Database,
        nats: Client | JetStreamContext,
        service: str,
        subscriptions: Sequence[Subscription],
    ) -> None:
        self._db = db
        self._client = client_of(nats)
        self._service = service
        self._subscriptions = tuple(subscriptions)
        self._stop = asyncio.Event()
        self._settler = Settler(db)

    async def run(self, stop: asyncio.Event) -> None:
        """Handle events until ``stop``."""
        self._stop = self._settler.stop = stop
        async with asyncio.TaskGroup() as tasks:
            for subscription in self._subscriptions:
                if subscription.stream:
                    tasks.create_task(self._consume(subscription, subscription.stream))
                else:
                    tasks.create_task(self._follow_agencies(subscription, tasks))

    async def drain(self) -> int:
        """Handle everything that waits now, and return how many messages that were."""
        handled = 0
        for subscription in self._subscriptions:
            for stream in await self._streams(subscription):
                try:
                    handled += await self._drain(subscription, stream)
                except ApiError as error:
                    if error.code != NOT_FOUND:
                        raise
        return handled

    async def replay(self, parked_id: UUID) -> str:
        """Handle a parked event again. Return ``replayed`` or the code of the new reason."""
        async with self._db.reading() as reader:
            connection = await reader.raw()
            row = await connection.fetchrow("SELECT * FROM parked_events WHERE id = $1", parked_id)
        if row is None:
            return "unknown"
        subscription = self._named(row["consumer"])
        delivery = Delivery(
            row["raw"], row["subject"], row["stream"], row["stream_sequence"], row["deliveries"]
        )
        generation = await self._settler.generation(subscription)
        faults = await self._settler.settle(
            subscription, generation, [self._read(subscription, delivery)]
        )
        if faults:
            return faults[0][1].code
        async with self._db.transaction() as tx:
            await (await tx.raw()).execute(
                "UPDATE parked_events SET replayed_at = $2 WHERE id = $1", parked_id, tx.now
            )
        return "replayed"

    async def rebuild(self, name: str) -> int:
        """Empty the projection of a subscription and read its stream anew. Return the generation.

        Raise ``ValueError`` when it has no ``reset``: its effects cannot be taken back.
        """
        subscription = self._named(name)
        if subscription.reset is None:
            raise ValueError(f"{name} cannot be rebuilt: it has no reset")
        return await self._read_anew(subscription)

    async def rebuild_all(self) -> int:
        """Read every stream anew, after a restore. Return how many subscriptions there are.

        Without a ``reset`` nothing is taken back: of an agency's events only those have an effect
        that the inbox does not know.
        """
        for subscription in self._subscriptions:
            await self._read_anew(subscription)
        return len(self._subscriptions)

    async def _read_anew(self, subscription: Subscription) -> int:
        name = subscription.name
        await self._forget_consumers(subscription, await self._settler.generation(subscription) + 1)
        async with self._db.transaction() as tx:
            connection = await tx.raw()
            # Waits for batches that are under way (they hold the row FOR SHARE).
            generation = await connection.fetchval(
                "UPDATE consumer_progress SET generation = generation + 1, as_of = NULL"
                " WHERE consumer = $1 RETURNING generation",
                name,
            )
            if subscription.reset is not None:
                await subscription.reset(tx)
                await connection.execute("DELETE FROM inbox WHERE consumer = $1", name)
        # Who waits for messages of the older generation is told at once that it is over.
        await self._forget_consumers(subscription, generation - 1)
        log.info("rebuild_begun", consumer=name, generation=generation)
        return int(generation)

    async def _forget_consumers(self, subscription: Subscription, generation: int) -> None:
        """Delete the consumers of a generation: one that is over, or one of a lost time.

        A restored database does not know of the latter; they stand where that time left them, and
        would pass over what was told before.
        """
        name = f"{self._service}-{subscription.name}-g{generation}"
        for stream in await self._streams(subscription):
            await pulling.delete_consumer(self._client, stream, name)

    # How messages come in.

    async def _follow_agencies(self, subscription: Subscription, tasks: asyncio.TaskGroup) -> None:
        followed: set[str] = set()
        while not self._stop.is_set():
            try:
                for stream in await self._streams(subscription):
                    if stream not in followed:
                        followed.add(stream)
                        tasks.create_task(self._consume(subscription, stream))
            except Exception as error:
                if not is_passing(error):
                    raise
            await pause(self._stop, NEW_AGENCY_CHECK_S)

    async def _consume(self, subscription: Subscription, stream: str) -> None:
        backoff = Backoff()
        while not self._stop.is_set():
            try:
                await self._pull(subscription, stream, backoff)
            except (OldGeneration, ConsumerGone):
                continue
            except Stopped:
                return
            except Exception as error:
                if not is_passing(error):
                    raise
                log.warning(
                    "consumer_waits", consumer=subscription.name, stream=stream,
                    error=type(error).__name__,
                )  # fmt: skip
                await pause(self._stop, backoff.next())

    async def _pull(self, subscription: Subscription, stream: str, backoff: Backoff) -> None:
        generation, name = await self._consumer(subscription, stream)
        puller = Puller(self._client, stream, name, subscription.batch_max)
        await puller.open()
        loop = asyncio.get_running_loop()
        next_check = loop.time()
        try:
            while not self._stop.is_set():
                messages = await puller.batch()
                if messages:
                    await self._handle(subscription, generation, messages)
                    next_check = min(next_check, loop.time() + 1)
                if loop.time() >= next_check:
                    await self._note_idle(subscription, stream, generation, name)
                    next_check = loop.time() + IDLE_CHECK_S
                backoff.reset()
        finally:
            with contextlib.suppress(ConnectionError):
                await puller.close()

    async def _drain(self, subscription: Subscription, stream: str) -> int:
        generation, name = await self._consumer(subscription, stream)
        puller = Puller(self._client, stream, name, subscription.batch_max)
        await puller.open()
        handled = 0
        try:
            while messages := await puller.batch(wait=False):
                await self._handle(subscription, generation, messages)
                handled += len(messages)
        finally:
            await puller.close()
        await self._client.flush()
        await self._note_idle(subscription, stream, generation, name)
        return handled

    async def _consumer(self, subscription: Subscription, stream: str) -> tuple[int, str]:
        """Make the consumer of the present generation; return generation and name."""
        generation = await self._settler.generation(subscription)
        base = f"{self._service}-{subscription.name}"
        name = f"{base}-g{generation}"
        await pulling.ensure_consumer(self._client, stream, name, subscription.subjects())
        if generation > 1:
            await pulling.delete_consumer(self._client, stream, f"{base}-g{generation - 1}")
        return generation, name

    async def _streams(self, subscription: Subscription) -> list[str]:
        if subscription.stream:
            return [subscription.stream]
        return await pulling.stream_names(self._client, subscription.stream_prefix)

    # What is done with them.

    async def _handle(
        self, subscription: Subscription, generation: int, messages: list[Msg]
    ) -> None:
        items = [
            self._read(subscription, delivery)
            for delivery in map(Delivery.of, messages)
            if not subscription.leaves_to_others(delivery)
        ]
        faults = await self._settler.settle(subscription, generation, items)
        for item, fault in faults:
            log.warning(
                "event_parked", consumer=subscription.name, stream=item.delivery.stream,
                stream_sequence=item.delivery.stream_sequence, code=fault.code,
            )  # fmt: skip
            if told := parking.rejection(item, fault):
                await self._client.publish(*told)
        for message in messages:
            await message.ack()
        EVENTS_HANDLED.labels(self._service, subscription.name).inc(len(items))

    def _read(self, subscription: Subscription, delivery: Delivery) -> Item:
        return parking.read(delivery, {known.TYPE: known for known in subscription.types})

    # Where it stands.

    async def _note_idle(
        self, subscription: Subscription, stream: str, generation: int, name: str
    ) -> None:
        """Once everything is handled, the projection is as of now."""
        try:
            lag = await pulling.unhandled(self._client, stream, name)
        except ApiError as error:
            raise ConsumerGone(str(error)) from error
        CONSUMER_LAG.labels(self._service, subscription.name).set(lag)
        async with self._db.transaction() as tx:
            connection = await tx.raw()
            # Skips a row that a batch holds: a worker that stopped in the middle of one would make
            # all others wait here.
            await connection.execute(
                "UPDATE consumer_progress SET as_of = CASE WHEN $2 THEN $3 ELSE as_of END"
                " WHERE consumer = (SELECT consumer FROM consumer_progress WHERE consumer = $1"
                " FOR NO KEY UPDATE SKIP LOCKED)",
                subscription.name, lag == 0, tx.now,
            )  # fmt: skip
            present = await connection.fetchval(
                "SELECT generation FROM consumer_progress WHERE consumer = $1", subscription.name
            )
            waiting = await connection.fetchval(
                "SELECT count(*) FROM parked_events WHERE consumer = $1 AND replayed_at IS NULL",
                subscription.name,
            )
        PARKED.labels(self._service, subscription.name).set(waiting)
        if present != generation:
            raise OldGeneration

    def _named(self, name: str) -> Subscription:
        for subscription in self._subscriptions:
            if subscription.name == name:
                return subscription
        raise ValueError(f"no subscription {name!r}")
