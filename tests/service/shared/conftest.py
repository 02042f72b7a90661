"""A producer and a consumer that have nothing but the shared tables and one projection."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

import asyncpg
import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from nats.aio.client import Client
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from services.shared import clock, migrations
from services.shared.db import Database, Transaction
from services.shared.events import CloudEvent, EventData, Kind, Received
from services.shared.ids import new_id
from services.shared.inbox import Inbox, Subscription
from services.shared.outbox import Relay
from services.shared.tables import new_metadata, shared_tables
from tests.support.service import Broker
from tests.support.stack import Stack


class ThingStateV1(EventData):
    """A thing changed (only in these tests)."""

    TYPE: ClassVar[str] = "distribution.thing.state.v1"
    KIND: ClassVar[Kind] = Kind.STATE
    KEY: ClassVar[str] = "thing_id"
    STREAM: ClassVar[str] = "DISTRIBUTION_STATE"

    thing_id: UUID
    label: str = ""
    region_code: str | None = None
    sensitive: bool = False
    owner_code: str | None = None


class ThingSoldV1(EventData):
    """A thing was sold (only in these tests)."""

    TYPE: ClassVar[str] = "distribution.thing.sold.v1"
    KIND: ClassVar[Kind] = Kind.FACT
    KEY: ClassVar[str] = "sale_id"
    STREAM: ClassVar[str] = "DISTRIBUTION_FACT"

    sale_id: UUID
    amount_idr: int = 0
    region_code: str | None = None


class SecretStateV1(EventData):
    """Personal data of a thing (only in these tests)."""

    TYPE: ClassVar[str] = "distribution.secret.state.v1"
    KIND: ClassVar[Kind] = Kind.STATE
    KEY: ClassVar[str] = "thing_id"
    STREAM: ClassVar[str] = "DISTRIBUTION_STATE"
    PERSONAL: ClassVar[str] = "a test"

    thing_id: UUID
    region_code: str | None = None


async def publish(
    broker: Broker,
    event: EventData,
    *,
    version: int = 1,
    epoch: int = 1,
    event_id: str | None = None,
) -> None:
    """Publish an event of these tests' own as its producer would."""
    envelope = CloudEvent(
        id=event_id or str(new_id()),
        source="distribution",
        type=event.TYPE,
        time=clock.now().isoformat(),
        epoch=epoch,
        version=version,
        data=event.model_dump(mode="json"),
    )
    key = event.key if event.KIND is Kind.STATE else envelope.id
    subject = f"{event.TYPE}.{key}"
    await broker.publish_bytes(subject, envelope.to_bytes(), producer="distribution")


OWN_TABLES = """
CREATE TABLE things (id uuid PRIMARY KEY, label text NOT NULL CHECK (label <> 'poison'),
                     epoch int NOT NULL, version bigint NOT NULL);
CREATE TABLE sales (id uuid NOT NULL, amount_idr bigint NOT NULL CHECK (amount_idr >= 0));
"""


async def prepare(owner_url: str, service: str) -> None:
    """Create the shared tables and two of this test's own, with the app role's grants."""
    engine = create_async_engine(
        owner_url.replace("postgresql://", "postgresql+asyncpg://"),
        connect_args={"server_settings": {"search_path": service}},
    )
    metadata = new_metadata()
    shared_tables(metadata)

    def create(connection: Any) -> None:
        connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {service}"))
        migrations.create_shared_tables_v1(Operations(MigrationContext.configure(connection)))
        for statement in OWN_TABLES.split(";\n"):
            if statement.strip():
                connection.execute(text(statement))
        target = migrations.Target(owner_url, service, f"{service}_app")
        migrations.grant(connection, target, metadata)

    async with engine.begin() as connection:
        await connection.run_sync(create)
    await engine.dispose()


@dataclass
class Side:
    """One service's database, owner's URL and NATS connection."""

    name: str
    db: Database
    admin_url: str
    client: Client

    async def rows(self, sql: str, *args: Any) -> list[dict[str, Any]]:
        return [dict(row) for row in await self.db.pool.fetch(sql, *args)]

    async def count(self, table: str) -> int:
        return int(await self.db.pool.fetchval(f"SELECT count(*) FROM {table}"))

    async def as_admin(self, sql: str, *args: Any) -> None:
        connection = await asyncpg.connect(
            self.admin_url, server_settings={"search_path": self.name}
        )
        try:
            await connection.execute(sql, *args)
        finally:
            await connection.close()


async def handle_things(tx: Transaction, events: Sequence[Received[Any]]) -> None:
    """Project things (guarded by epoch and version) and sales."""
    connection = await tx.raw()
    for event in events:
        if isinstance(event.data, ThingStateV1):
            await connection.execute(
                "INSERT INTO things VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO UPDATE"
                " SET label = excluded.label, epoch = excluded.epoch, version = excluded.version"
                " WHERE (things.epoch, things.version) < (excluded.epoch, excluded.version)",
                event.data.thing_id, event.data.label, event.epoch, event.version,
            )  # fmt: skip
        else:
            await connection.execute(
                "INSERT INTO sales VALUES ($1, $2)", event.data.sale_id, event.data.amount_idr
            )


async def forget_things(tx: Transaction) -> None:
    await tx.execute(text("DELETE FROM things"))


async def forget_sales(tx: Transaction) -> None:
    await tx.execute(text("DELETE FROM sales"))


def things(**changes: Any) -> Subscription:
    return Subscription(
        **{
            "name": "things",
            "stream": "DISTRIBUTION_STATE",
            "types": (ThingStateV1,),
            "handle": handle_things,
            "reset": forget_things,
            **changes,
        }
    )


def sales(**changes: Any) -> Subscription:
    return Subscription(
        **{
            "name": "sales",
            "stream": "DISTRIBUTION_FACT",
            "types": (ThingSoldV1,),
            "handle": handle_things,
            "reset": forget_sales,
            **changes,
        }
    )


@pytest.fixture(scope="session")
async def shared_stack() -> AsyncIterator[Stack]:
    stack = await asyncio.to_thread(Stack)
    await stack.provision()
    yield stack
    await asyncio.to_thread(stack.stop)


@pytest.fixture(scope="module")
async def broker(shared_stack: Stack) -> AsyncIterator[Broker]:
    server = await asyncio.to_thread(shared_stack.start_broker)
    broker = Broker(server)
    yield broker
    await broker.close()
    await asyncio.to_thread(server.stop)


@pytest.fixture
async def fresh(broker: Broker) -> None:
    """No stream is left of the test before."""
    admin = await broker.admin()
    for stream in await admin.streams_info():
        await admin.delete_stream(stream.config.name)


async def _side(stack: Stack, broker: Broker, name: str) -> AsyncIterator[Side]:
    urls = await stack.empty_database(name)
    await prepare(urls.owner, name)
    db = Database(urls.app, schema=name, service=name)
    admin_url = stack.postgres.url(urls.app.rsplit("/", 1)[1])
    yield Side(name, db, admin_url, await broker.connect(name))
    await db.close()


@pytest.fixture
async def producer(shared_stack: Stack, broker: Broker, fresh: None) -> AsyncIterator[Side]:
    async for side in _side(shared_stack, broker, "distribution"):
        yield side


@pytest.fixture
async def consumer(shared_stack: Stack, broker: Broker, fresh: None) -> AsyncIterator[Side]:
    async for side in _side(shared_stack, broker, "programs"):
        yield side


@pytest.fixture
def relay(producer: Side) -> Relay:
    return Relay(producer.db, producer.client, "distribution")


@pytest.fixture
def inbox(consumer: Side) -> Inbox:
    return Inbox(consumer.db, consumer.client, "programs", [things(), sales()])
