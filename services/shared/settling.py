"""Applies a batch of events in one transaction, and finds the one that makes it fail."""

import asyncio

import structlog
from sqlalchemy import text

from services.shared import parking
from services.shared.broker import Backoff, is_passing, pause
from services.shared.db import Database, Transaction, where
from services.shared.events import Unreadable
from services.shared.inbox_table import keep_fresh
from services.shared.observability import continued
from services.shared.parking import Item
from services.shared.subscription import Subscription

log = structlog.get_logger(__name__)


class OldGeneration(Exception):
    """The projection is being rebuilt: this consumer's batch must not commit."""


class Stopped(Exception):
    """The process ends while a batch waits for PostgreSQL; it will be delivered again."""


class Settler:
    """Settles deliveries: applied once or parked. ``stop`` ends the waiting for a database."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.stop = asyncio.Event()

    async def settle(
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
            except OldGeneration:
                raise
            except Exception as error:
                if is_passing(error):
                    log.warning(
                        "batch_waits", consumer=subscription.name, error=type(error).__name__
                    )
                    if await pause(self.stop, backoff.next()):
                        raise Stopped from error
                    continue
                if len(items) == 1 and items[0].fault is not None:
                    # Not even the parking works: a fault of ours, not of the event.
                    raise
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
                *await self.settle(subscription, generation, items[:half]),
                *await self.settle(subscription, generation, items[half:]),
            ]

    async def _apply(
        self, tx: Transaction, subscription: Subscription, generation: int, items: list[Item]
    ) -> list[tuple[Item, Unreadable]]:
        present = await tx.scalar(
            text("SELECT generation FROM consumer_progress WHERE consumer = :name FOR SHARE"),
            {"name": subscription.name},
        )
        if present != generation:
            raise OldGeneration
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

    async def generation(self, subscription: Subscription) -> int:
        """Return the present generation of the subscription's consumers."""
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
