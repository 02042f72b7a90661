"""From a commit in one service to its effect in another, quiet and while a list is imported.

A family is changed in registry as a request would do it, 50 times a second; the effect is its row
in indicators. PostgreSQL keeps the time of every commit, so nobody watches while it happens: the
figure is the time between the two commits. The raw figure is nats-py publishing the same event to
the same server and hearing it. Everything runs as deployed: four services, their workers, gateway.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import date
from functools import partial
from itertools import chain
from time import perf_counter
from typing import Any
from uuid import UUID

from deploy.nats.authority import CORE_ADMIN
from services.registry.actions.states import emit_states
from services.registry.storage import merging
from services.shared.db import Database, Lane
from tests.bench import family, memory, told
from tests.bench.frame import Bench, Figure, Program, interleaved, median
from tests.bench.imports import PERSONS, residents_list
from tests.support.imports import ImportDesk
from tests.support.service import ServiceUnderTest, environment
from tests.support.waiting import wait_until

PER_S = 50
SLICE, RAW_SLICE = 200, 100
"""Events of one round, ours and raw."""
ROUNDS = 4
FAMILIES = 500
AT_ONCE = 8
"""Changes under way at a time, where the machine cannot keep the rate."""
WAIT_S = 600.0
QUIET_AIM, BUSY_AIM = "value <= 60", "value <= 500"
Times = list[float]
Work = Callable[[int], Awaitable[None]]


async def run(bench: Bench) -> AsyncIterator[Figure]:
    """Measure quiet, then while a list is imported; then tell what the processes hold."""
    broker = bench.broker()
    urls = await bench.stack.database("registry")
    with environment({"REGISTRY_LOG_LEVEL": "ERROR"}):
        service = ServiceUnderTest("registry", bench.stack, broker, urls)
    await service.start()
    bench.at_end(service.stop)
    programs = await memory.start(bench, service)
    idle = {name: memory.held(program) for name, program in programs.items()}
    desk = await ImportDesk(service).open()
    await _merged(desk, residents_list(FAMILIES, first=PERSONS))
    path = await _Path.open(bench, programs, service)
    raw = await _Raw.open(await broker.connect(CORE_ADMIN))
    workers = [programs["registry-worker"], programs["indicators-worker"]]
    used = sum(worker.cpu_s() for worker in workers)
    quiet = await interleaved({"ours": path.slice, "raw": raw.slice}, ROUNDS)
    used = sum(worker.cpu_s() for worker in workers) - used
    for figure in _figures("", quiet, QUIET_AIM):
        yield figure
    # The round that does not count took processor time too.
    cost = used / (SLICE * (ROUNDS + 1)) * 1e6
    yield Figure("processor time of both workers, all jobs included", cost, "µs/event")

    started = perf_counter()
    importing = asyncio.create_task(_merged(desk, residents_list()))
    busy: dict[str, list[Times]] = {"ours": [], "raw": []}
    # The import's own events come last: a person's must overtake them too.
    while not (importing.done() and await path.caught_up()):
        busy["raw"].append(await raw.slice())
        busy["ours"].append(await path.slice())
    await importing
    bench.say(f"imported and told in {perf_counter() - started:.0f} s beside the events")
    for figure in _figures(" while 100,000 persons are imported", busy, BUSY_AIM):
        yield figure
    order = family.family_order(bench, path.ids)
    await bench.load(programs["gateway"], order)
    for figure in memory.figures(programs, idle):
        yield figure


async def _merged(desk: ImportDesk, content: bytes) -> None:
    """Hand a list in, approve it, and wait until the registry's worker has merged it."""
    found = await desk.start(content)

    async def reached(state: str) -> dict[str, Any] | None:
        now = await desk.read(found["id"])
        assert now["state"] not in ("failed", "refused"), now
        return now if now["state"] == state else None

    validated = await wait_until(partial(reached, "validated"), WAIT_S)
    assert validated["counts"]["new"] == validated["counts"]["read"], validated
    await desk.decide(validated, "approve", desk.kades())
    await wait_until(partial(reached, "merged"), WAIT_S)


class _Path:
    """The way of a change from registry to indicators."""

    def __init__(self, registry: Database, indicators: Database, ids: list[UUID]) -> None:
        self.registry = registry
        self.indicators = indicators
        self.ids = ids

    @classmethod
    async def open(
        cls, bench: Bench, programs: dict[str, Program], service: ServiceUnderTest
    ) -> "_Path":
        url = programs["indicators"].env["INDICATORS_DATABASE_URL"]
        indicators = Database(url, schema="indicators", service="indicators")
        bench.at_end(indicators.close)
        rows = await service.db.pool.fetch("SELECT id FROM families ORDER BY id")
        path = cls(service.db, indicators, [UUID(str(row["id"])) for row in rows])
        await wait_until(path.caught_up, WAIT_S)
        return path

    async def slice(self) -> Times:
        """Change families at the rate; return the milliseconds from commit to commit."""
        ids = self.ids[:SLICE]
        await _steadily(SLICE, lambda number: self._change(ids[number]))
        told_at = await self._commits(self.registry, "id", ids)

        async def all_there() -> dict[tuple[UUID, int], Any] | None:
            found = await self._commits(self.indicators, "family_id", ids)
            return found if found.keys() == told_at.keys() else None

        there_at = await wait_until(all_there, WAIT_S)
        return [(there_at[key] - told_at[key]).total_seconds() * 1000 for key in told_at]

    async def caught_up(self) -> bool:
        """Say whether indicators has every family of registry."""
        counts = [
            await db.pool.fetchval("SELECT (count(*), sum(version)) FROM families")
            for db in (self.registry, self.indicators)
        ]
        return bool(counts[0] == counts[1])

    async def _change(self, family_id: UUID) -> None:
        async with self.registry.transaction() as tx:
            await merging.touch_families(
                tx, [family_id], set(), cause="corrected", effective_on=date(2026, 11, 1)
            )
            await emit_states(tx, [family_id], [], lane=Lane.INTERACTIVE)

    @staticmethod
    async def _commits(db: Database, key: str, ids: Sequence[UUID]) -> dict[tuple[UUID, int], Any]:
        rows = await db.pool.fetch(
            f"SELECT {key}, version, pg_xact_commit_timestamp(xmin) FROM families"
            f" WHERE {key} = ANY($1)",
            ids,
        )
        return {(row[0], row[1]): row[2] for row in rows}


class _Raw:
    """A stream with one reader and nothing else."""

    SUBJECT = "bench.raw"

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._body = told.messages([told.a_family()])[0].body
        self._sent_at: Times = []
        self._times: Times = []

    @classmethod
    async def open(cls, client: Any) -> "_Raw":
        stream = client.jetstream()
        await stream.add_stream(name="BENCH", subjects=[cls.SUBJECT])
        raw = cls(stream)
        await stream.subscribe(cls.SUBJECT, cb=raw._hear)
        return raw

    async def slice(self) -> Times:
        """Publish at the rate; return the milliseconds until each was heard."""
        self._sent_at, self._times = [0.0] * RAW_SLICE, []
        await _steadily(RAW_SLICE, self._send)
        await wait_until(lambda: len(self._times) == RAW_SLICE, WAIT_S)
        return self._times

    async def _send(self, number: int) -> None:
        self._sent_at[number] = perf_counter()
        await self._stream.publish(self.SUBJECT, self._body, headers={"Number": str(number)})

    async def _hear(self, message: Any) -> None:
        sent_at = self._sent_at[int(message.headers["Number"])]
        self._times.append((perf_counter() - sent_at) * 1000)


async def _steadily(count: int, work: Work) -> None:
    """Begin ``work`` at the rate, without waiting for the one before."""
    loop = asyncio.get_running_loop()
    first, places = loop.time(), asyncio.Semaphore(AT_ONCE)

    async def do(number: int) -> None:
        async with places:
            await work(number)

    async with asyncio.TaskGroup() as tasks:
        for number in range(count):
            tasks.create_task(do(number))
            await asyncio.sleep(first + (number + 1) / PER_S - loop.time())


def _figures(when: str, found: dict[str, list[Times]], aim: str) -> list[Figure]:
    ours, raw = (sorted(chain.from_iterable(found[name])) for name in ("ours", "raw"))
    name = f"commit to effect in another service{when}"
    return [
        Figure(f"{name}, p50", median(ours), "ms", median(raw)),
        Figure(f"{name}, p99", _p99(ours), "ms", _p99(raw), aim=aim),
    ]


def _p99(times: Times) -> float:
    return times[int(len(times) * 0.99)]
