"""Reads other producers' events: a transaction per batch, acknowledged after its commit.

States are guarded by the handler, in SQL, with (epoch, version); facts by the ``inbox`` table.
A batch that fails is halved until the event that is to blame stands alone; it is parked with its
reason, the others are applied. Faults of PostgreSQL or NATS that pass are waited out and never
park anything.

Rebuild: the durable consumer's name carries a generation. ``rebuild`` empties the projection (the
subscription's ``reset``), forgets the inbox and raises the generation in one transaction; the next
consumer reads the stream from its beginning. A batch of the older generation cannot commit any
more. Until the stream is read through, ``as_of`` is empty, which readers show as unknown.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext

from services.shared import parking, pulling
from services.shared.broker import NOT_FOUND, ApiError, Backoff, client_of, is_passing, pause
from services.shared.db import Database, Transaction, where
from services.shared.events import EventData, Received, Unreadable
from services.shared.inbox_table import keep_fresh
from services.shared.observability import CONSUMER_LAG, EVENTS_HANDLED, PARKED, continued
from services.shared.parking import Delivery, Item
from services.shared.pulling import ConsumerGone, Puller

Handler = Callable[[Transaction, Sequence[Received[Any]]], Awaitable[None]]
Reset = Callable[[Transaction], Awaitable[None]]

IDLE_CHECK_S = 10.0
NEW_AGENCY_CHECK_S = 15.0
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """What to read, and the function that handles it.

    Either ``stream`` or ``stream_prefix`` (``IN_``: every agency's stream). ``leaves`` names the
    agencies' event types that other services read; who gives it also takes, and parks, agencies'
    events that nobody knows. ``reset`` empties the projection for ``rebuild``.
    """

    name: str
    types: tuple[type[EventData], ...]
    handle: Handler
    stream: str = ""
    stream_prefix: str = ""
    batch_max: int = 500
    reset: Reset | None = None
    leaves: tuple[type[EventData], ...] | None = None

    def __post_init__(self) -> None:
        if bool(self.stream) == bool(self.stream_prefix):
            raise ValueError(f"{self.name}: give stream or stream_prefix")

    @property
    def producer(self) -> str:
        """Whose events these are, for ``as_of``."""
        return self.types[0].TYPE.split(".", 1)[0]

    def subjects(self) -> list[str]:
        """Return the consumer's filters; none means the whole stream."""
        names = tuple(event_class.TYPE for event_class in self.types)
        if self.stream:
            return sorted(f"{name}.*" for name in names)
        return [] if self.leaves is not None else pulling.agency_subjects(names)


class _OldGeneration(Exception):
    """The projection is being rebuilt: this consumer's batch must not commit."""


class _Stopped(Exception):
    """The process ends while a batch waits for PostgreSQL; it will be delivered again."""


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

    async def run(self, stop: asyncio.Event) -> None:
        """Handle events until ``stop``."""
        self._stop = stop
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
        generation = await self._generation(subscription)
        faults = await self._settle(subscription, generation, [self._read(subscription, delivery)])
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
        await self._generation(subscription)
        async with self._db.transaction() as tx:
            connection = await tx.raw()
            # Waits for batches that are under way (they hold the row FOR SHARE).
            generation = await connection.fetchval(
                "UPDATE consumer_progress SET generation = generation + 1, as_of = NULL"
                " WHERE consumer = $1 RETURNING generation",
                name,
            )
            await subscription.reset(tx)
            await connection.execute("DELETE FROM inbox WHERE consumer = $1", name)
        log.info("rebuild_begun", consumer=name, generation=generation)
        return int(generation)

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
            except (_OldGeneration, ConsumerGone):
                continue
            except _Stopped:
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
        generation = await self._generation(subscription)
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
            if not _left_to_others(subscription, delivery)
        ]
        faults = await self._settle(subscription, generation, items)
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

    async def _settle(
        self, subscription: Subscription, generation: int, items: list[Item]
    ) -> list[tuple[Item, Unreadable]]:
        """Apply ``items``, halving them around a poison event. Return what was parked."""
        if not items:
            return []
        backoff = Backoff()
        while True:
            try:
                async with self._db.transaction() as tx:
                    return await self._apply(tx, subscription, generation, items)
            except _OldGeneration:
                raise
            except Exception as error:
                if is_passing(error):
                    log.warning(
                        "batch_waits", consumer=subscription.name, error=type(error).__name__
                    )
                    if await pause(self._stop, backoff.next()):
                        raise _Stopped from error
                    continue
                if len(items) == 1:
                    fault = parking.fault_of(error)
                    items = [Item(items[0].delivery, items[0].event, fault)]
                    log.error(  # noqa: TRY400 - the error's text may quote personal data
                        "handler_failed",
                        consumer=subscription.name,
                        fault=str(fault),
                        where=where(error),
                    )
                    continue
            half = len(items) // 2
            return [
                *await self._settle(subscription, generation, items[:half]),
                *await self._settle(subscription, generation, items[half:]),
            ]

    async def _apply(
        self, tx: Transaction, subscription: Subscription, generation: int, items: list[Item]
    ) -> list[tuple[Item, Unreadable]]:
        connection = await tx.raw()
        present = await connection.fetchval(
            "SELECT generation FROM consumer_progress WHERE consumer = $1 FOR SHARE",
            subscription.name,
        )
        if present != generation:
            raise _OldGeneration
        faults = [(item, item.fault) for item in items if item.fault is not None]
        readable = [item for item in items if item.fault is None]
        facts, reused = await keep_fresh(
            tx, subscription.name, [item for item in readable if item.is_fact]
        )
        faults += reused
        for item, fault in faults:
            await parking.park(tx, subscription.name, item, fault)
        states = [item.event for item in readable if item.event and not item.is_fact]
        events = [*parking.newest_states(states), *(item.event for item in facts if item.event)]
        if events:
            # One trace cannot have many parents: the batch continues that of its first event.
            with continued(events[0].traceparent, f"handle {subscription.name}"):
                await subscription.handle(tx, events)
        return faults

    # Where it stands.

    async def _generation(self, subscription: Subscription) -> int:
        async with self._db.transaction() as tx:
            connection = await tx.raw()
            await connection.execute(
                "INSERT INTO consumer_progress (consumer, producer) VALUES ($1, $2)"
                " ON CONFLICT DO NOTHING",
                subscription.name,
                subscription.producer,
            )
            return int(
                await connection.fetchval(
                    "SELECT generation FROM consumer_progress WHERE consumer = $1",
                    subscription.name,
                )
            )

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
            present = await connection.fetchval(
                "UPDATE consumer_progress SET as_of = CASE WHEN $2 THEN $3 ELSE as_of END"
                " WHERE consumer = $1 RETURNING generation",
                subscription.name, lag == 0, tx.now,
            )  # fmt: skip
            waiting = await connection.fetchval(
                "SELECT count(*) FROM parked_events WHERE consumer = $1 AND replayed_at IS NULL",
                subscription.name,
            )
        PARKED.labels(self._service, subscription.name).set(waiting)
        if present != generation:
            raise _OldGeneration

    def _named(self, name: str) -> Subscription:
        for subscription in self._subscriptions:
            if subscription.name == name:
                return subscription
        raise ValueError(f"no subscription {name!r}")


def _left_to_others(subscription: Subscription, delivery: Delivery) -> bool:
    """Say whether another service reads this agency's event."""
    inner = ".".join(delivery.subject.split(".")[2:])
    families = (".".join(other.TYPE.split(".")[:2]) for other in subscription.leaves or ())
    return any(inner.startswith(f"{family}.") for family in families)
