"""Everything at once: emitters, two relays, two inboxes, killed servers; then the truth."""

import asyncio
import os
import random
import signal
from collections import defaultdict
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from deploy.local import nats, process
from services.shared.db import Lane
from services.shared.ids import new_id
from services.shared.inbox import Inbox
from services.shared.outbox import Relay
from tests.service.shared.conftest import Side, ThingSoldV1, ThingStateV1, sales, things
from tests.support.service import Broker
from tests.support.waiting import wait_until

THINGS, EMITTERS, STORM_S, HUGE = 25, 6, 5.0, 3_000
POISON_IDR = -1
THING = """
INSERT INTO things VALUES (:id, :label, 1, :version)
ON CONFLICT (id) DO UPDATE SET label = excluded.label, version = excluded.version
"""
STATES = "SELECT id, label, version FROM things ORDER BY id"
FACTS = "SELECT id, amount_idr FROM sales ORDER BY id"
PARKED = "SELECT event_id::uuid AS id FROM parked_events WHERE replayed_at IS NULL ORDER BY 1"


class Shop:
    """Changes things and sells them: each in one transaction with what is told of it."""

    def __init__(self, side: Side, draw: random.Random) -> None:
        self.side, self.draw = side, draw
        self.things = [new_id() for _ in range(THINGS)]
        self.locks: dict[UUID, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.poison: set[UUID] = set()

    async def work_until(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                await self.draw.choice((self.change, self.change, self.sell))()
            except (OSError, SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await asyncio.sleep(0.05)

    async def change(self) -> None:
        thing = self.draw.choice(self.things)
        async with self.locks[thing], self.side.db.transaction() as tx:
            known = await tx.scalar(
                text("SELECT version FROM things WHERE id = :id"), {"id": thing}
            )
            version = (known or 0) + 1
            event = ThingStateV1(thing_id=thing, label=f"as of {version}")
            await tx.execute(text(THING), {"id": thing, "label": event.label, "version": version})
            if self.draw.random() < 0.5:
                tx.emit(event, version=version)
            else:
                await tx.emit_many([(event, version)])
            # A sequence number is taken; others commit first.
            await asyncio.sleep(self.draw.random() * 0.03)

    async def sell(self, count: int = 1) -> None:
        async with self.side.db.transaction() as tx:
            sold = [ThingSoldV1(sale_id=new_id(), amount_idr=7) for _ in range(count)]
            for event in sold:
                await tx.execute(
                    text("INSERT INTO sales VALUES (:id, :idr)"),
                    {"id": event.sale_id, "idr": event.amount_idr},
                )
            if self.draw.random() < 0.1:
                poison = ThingSoldV1(sale_id=new_id(), amount_idr=POISON_IDR)
                sold.append(poison)
                self.poison.add(poison.sale_id)
            await tx.emit_many(((event, 1) for event in sold), lane=self.draw.choice(list(Lane)))


async def end_sessions(side: Side) -> None:
    await side.as_admin(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )


async def kill_nats(broker: Broker) -> None:
    """Kill -9, half a second of nothing, and the same server again on its files."""
    old = broker.server
    os.kill(old.process.pid, signal.SIGKILL)
    await asyncio.to_thread(old.process.wait)
    await asyncio.sleep(0.5)
    broker.server = await asyncio.to_thread(
        nats.start, old.authority.folder.parent, port=old.port, monitor_port=old.monitor_port
    )


@asynccontextmanager
async def in_background(
    *work: Coroutine[Any, Any, None],
) -> AsyncIterator[list[asyncio.Task[None]]]:
    tasks = [asyncio.create_task(each) for each in work]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_after_a_storm_the_consumer_holds_exactly_what_was_committed(
    producer: Side, consumer: Side, broker: Broker
) -> None:
    shop, over, stop = Shop(producer, random.Random(1)), asyncio.Event(), asyncio.Event()
    relays = [Relay(producer.db, producer.client, "distribution") for _ in range(2)]
    inboxes = [
        Inbox(consumer.db, consumer.client, "programs", [things(batch_max=20), sales()])
        for _ in range(2)
    ]
    first = broker.server
    try:
        async with in_background(*(each.run(stop) for each in (*relays, *inboxes))) as running:
            emitting = [asyncio.create_task(shop.work_until(over)) for _ in range(EMITTERS)]
            for _ in range(2):
                await asyncio.sleep(STORM_S / 6)
                await end_sessions(producer)
                await asyncio.sleep(STORM_S / 6)
                await end_sessions(consumer)
                await kill_nats(broker)
            over.set()
            await asyncio.gather(*emitting)
            await shop.sell(HUGE)

            async def the_same() -> bool:
                return await consumer.rows(STATES) == await producer.rows(
                    STATES
                ) and await consumer.rows(FACTS) == await producer.rows(FACTS)

            assert len(await producer.rows(STATES)) == THINGS
            await wait_until(the_same, 40)
            assert [task.exception() for task in running if task.done()] == []
        told = await producer.rows("SELECT id FROM outbox WHERE payload->>'amount_idr' = '-1'")
        parked = {row["id"] for row in await consumer.rows(PARKED)}
        assert parked == {row["id"] for row in told}
        assert parked <= shop.poison
    finally:
        if broker.server is not first:
            await broker.close()
            process.stop(broker.server.process)
