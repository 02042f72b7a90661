"""From an outbox into a stream, and from a stream into tables, by the bulk lane.

The limit of the relay is nats-py publishing the same messages in atomic batches. The limit of a
consumer is nats-py fetching the same messages, reading their JSON, COPY into the same tables, and
acknowledging.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from time import perf_counter, process_time
from typing import Any
from uuid import UUID

import asyncpg
from nats.aio.client import Client

from deploy.nats.authority import CORE_ADMIN
from services.indicators.subscriptions import distribution
from services.indicators.subscriptions import registry as registry_told
from services.shared import clock
from services.shared.db import Database, Lane
from services.shared.events import EventData
from services.shared.ids import new_id
from services.shared.inbox import Inbox
from services.shared.outbox import Relay
from services.shared.streams import ensure_streams
from services.shared.subscription import Subscription
from tests.bench import told
from tests.bench.frame import Bench, Figure, interleaved, median, ratio

EVENTS = 10_000
ROUNDS = 3
RELAY_AIM, CONSUMER_AIM = "ratio >= 0.5", "ratio >= 0.25"


@dataclass(frozen=True, slots=True)
class Cost:
    """What a variant took for its ``EVENTS``; ``cpu_s`` is of this process alone."""

    seconds: float
    cpu_s: float

    @property
    def per_s(self) -> float:
        return EVENTS / self.seconds

    @property
    def cpu_us(self) -> float:
        return self.cpu_s / EVENTS * 1e6


async def run(bench: Bench) -> AsyncIterator[Figure]:
    """Measure the relay of registry and two consumers of indicators."""
    client = await bench.broker().connect("registry")
    await ensure_streams(client, "registry")
    db = await bench.database("registry")
    found = await interleaved(
        {
            "ours": partial(_drain, Relay(db, client, "registry"), db),
            "raw": partial(_send, client),
        },
        ROUNDS,
    )
    yield _rates("relay, bulk lane, outbox to stream", found, RELAY_AIM)
    yield _cpu("relay, processor time", found)
    families = [told.a_family() for _ in range(EVENTS)]
    found = await _read(bench, registry_told.SUBSCRIPTION, families, _families)
    yield _rates("consumer, states of families", found, CONSUMER_AIM)
    yield _cpu("consumer, states of families, processor time", found)
    found = await _read(bench, distribution.FACTS, _deliveries(), _facts)
    yield _rates("consumer, facts of deliveries with their tallies", found, CONSUMER_AIM)
    yield _cpu("consumer, facts of deliveries, processor time", found)


async def _read(
    bench: Bench, subscription: Subscription, events: Sequence[EventData], rows_of: "_RowsOf"
) -> dict[str, list["Cost"]]:
    broker = bench.broker()
    producer = await broker.connect(subscription.producer)
    await ensure_streams(producer, subscription.producer)
    await told.send(producer, told.messages(events))
    ours, limits = await bench.database("indicators"), await bench.database("indicators")
    connection = await limits.connect()
    bench.at_end(connection.close)
    inbox = Inbox(ours, await broker.connect("indicators"), "indicators", [subscription])
    operator = await broker.connect(CORE_ADMIN)
    return await interleaved(
        {
            "ours": partial(_handle, inbox, subscription),
            "raw": partial(_take, operator, subscription.stream, connection, rows_of),
        },
        ROUNDS,
    )


async def _drain(relay: Relay, db: Database) -> Cost:
    events = [told.a_family() for _ in range(EVENTS)]
    async with db.transaction() as tx:
        await tx.emit_many([(event, 1) for event in events], Lane.BULK)
    return await _timed(relay.drain_once)


async def _send(client: Client) -> Cost:
    ready = told.messages([told.a_family() for _ in range(EVENTS)])
    return await _timed(partial(told.send, client, ready))


async def _handle(inbox: Inbox, subscription: Subscription) -> Cost:
    await inbox.rebuild(subscription.name)
    return await _timed(inbox.drain)


_RowsOf = Callable[[Sequence[dict[str, Any]]], told.Rows]


async def _take(
    client: Client, stream: str, connection: "asyncpg.Connection[Any]", rows_of: _RowsOf
) -> Cost:
    for table in rows_of([]):
        await connection.execute(f"DELETE FROM {table}")
    return await _timed(partial(told.take, client, stream, EVENTS, connection, rows_of))


async def _timed(work: Callable[[], Awaitable[object]]) -> Cost:
    started, cpu = perf_counter(), process_time()
    result = await work()
    cost = Cost(perf_counter() - started, process_time() - cpu)
    assert result in (None, EVENTS), f"{result} of {EVENTS}"
    return cost


def _families(events: Sequence[dict[str, Any]]) -> told.Rows:
    rows = []
    for event in events:
        data, rank = event["data"], event["data"]["ranks"][0]
        rows.append(
            (
                data["family_id"],
                data["region_code"],
                data["status"] == "active",
                rank["low"],
                rank["high"],
                told.OBSERVED,
                len(data["members"]),
                data["survivor_id"],
                event["epoch"],
                event["version"],
            )
        )
    return {"families": rows}


def _deliveries() -> list[EventData]:
    cycle_id, program_id = new_id(), new_id()
    return [told.a_delivery(cycle_id, program_id) for _ in range(EVENTS)]


def _facts(events: Sequence[dict[str, Any]]) -> told.Rows:
    now = clock.now()
    rows: told.Rows = {"inbox": [], "deliveries": [], "aid_tallies": []}
    for event in events:
        data = event["data"]
        family, program = UUID(data["family_id"]), UUID(data["program_id"])
        region, value = data["region_code"], data["value_idr"]
        day = told.OBSERVED
        digest = bytes(32)
        rows["inbox"].append(("distribution_facts", event["source"], event["id"], digest, now))
        rows["deliveries"].append(
            (data["delivery_id"], data["cycle_id"], program, family, None, region, day,
             data["quantity"], value, data["sensitive"])
        )  # fmt: skip
        rows["aid_tallies"].append(
            (family, program, day.year, region, family, 0, 0, 0, data["quantity"], value, day,
             data["sensitive"])
        )  # fmt: skip
    return rows


def _rates(name: str, found: dict[str, list[Cost]], aim: str) -> Figure:
    rates = {variant: [cost.per_s for cost in costs] for variant, costs in found.items()}
    share = ratio(rates["ours"], rates["raw"])
    return Figure(name, median(rates["ours"]), "events/s", median(rates["raw"]), share, aim)


def _cpu(name: str, found: dict[str, list[Cost]]) -> Figure:
    cpu = {variant: [cost.cpu_us for cost in costs] for variant, costs in found.items()}
    share = ratio(cpu["ours"], cpu["raw"])
    return Figure(name, median(cpu["ours"]), "µs/event", median(cpu["raw"]), share)
