"""Compares what clients were told with what the databases hold. It repairs and excuses nothing.

Acknowledged means present; unknown means zero or one effect; refused means none. Nothing counts
twice. Debits are credits. What was told is in each consumer as an effect, parked, or still on its
way; at the end nothing is on its way, and every projection equals its producer's truth.

    async with connected(urls) as databases:       # service → URL of its owner or app role
        await check_now(history, databases)        # holds at every moment between calls
        await check_at_the_end(history, databases) # waits until everything was heard
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg

from tests.support.faults.history import READ, History, Outcome
from tests.support.faults.truths import (
    ASKED_ONLY,
    EFFECTS,
    FACTS,
    HEARD_LATER,
    LEDGER,
    PAIRS,
    SERVICES,
    STATES,
    TWICE,
    Heard,
    Question,
)

Databases = Mapping[str, "asyncpg.Connection[Any]"]

HEARD_WITHIN_S = 180
"""A machine five times slower than ours, just restarted, has heard everything by then."""
SHOWN = 5
MISSING = "acknowledged, but not there"


@dataclass(frozen=True, slots=True)
class Violation:
    """A broken promise: which one, and who breaks it."""

    rule: str
    about: str
    is_heard_later: bool = False

    def __str__(self) -> str:
        return f"{self.rule}: {self.about}"


@dataclass(frozen=True, slots=True)
class Flow:
    """Events of one type at one consumer. ``superseded`` are states that a newer one replaced."""

    about: str
    told: int
    effects: int
    parked: int
    pending: int
    superseded: int = 0

    @property
    def adds_up(self) -> bool:
        return self.told == self.effects + self.parked + self.pending


@asynccontextmanager
async def connected(urls: Mapping[str, str]) -> AsyncIterator[Databases]:
    """Connect to the databases of the four services, for reading."""
    async with AsyncExitStack() as stack:
        databases = {}
        for service in SERVICES:
            connection = databases[service] = await connect(service, urls[service])
            stack.push_async_callback(connection.close)
        yield databases


async def connect(service: str, url: str) -> "asyncpg.Connection[Any]":
    """Connect to the database of one service. The caller closes it."""
    url = url.replace("postgresql+asyncpg://", "postgresql://")
    return await asyncpg.connect(url, server_settings={"search_path": service})


async def check_now(history: History, databases: Databases, *, alone: bool = True) -> None:
    """Raise ``AssertionError`` with all promises that are broken between two calls.

    ``alone`` says that only this history's clients wrote; else effects of others are expected.
    """
    _raise(await violations_now(history, databases, alone=alone))


async def check_at_the_end(
    history: History,
    databases: Databases,
    *,
    alone: bool = True,
    within_s: float = HEARD_WITHIN_S,
) -> None:
    """Wait until everything told was heard; raise ``AssertionError`` with what is wrong then."""
    deadline = asyncio.get_running_loop().time() + within_s
    while late := await violations_of_hearing(history, databases):
        if asyncio.get_running_loop().time() > deadline:
            break
        await asyncio.sleep(0.1)
    _raise([*await violations_now(history, databases, alone=alone), *late])


async def violations_now(
    history: History, databases: Databases, *, alone: bool = True
) -> list[Violation]:
    """Return the promises to clients, and the books, that are broken."""
    found = list(await _of_clients(history, databases, alone=alone))
    # Judged when everything was heard.
    found = [each for each in found if not (each.rule == MISSING and each.is_heard_later)]
    for rule, (service, sql) in TWICE.items():
        found += [Violation(rule, str(row[0])) for row in await databases[service].fetch(sql)]
    for rule, sql in LEDGER.items():
        found += [
            Violation(rule, str(row[0])) for row in await databases["distribution"].fetch(sql)
        ]
    return found


async def violations_of_hearing(history: History, databases: Databases) -> list[Violation]:
    """Return what consumers have not heard, heard wrongly, or keep though nobody told it."""
    clients = await _of_clients(history, databases, alone=False)
    found = [each for each in clients if each.rule == MISSING and each.is_heard_later]
    found += [
        Violation("events in are not effects + parked", str(flow))
        for flow in await flows(databases)
        if not flow.adds_up or flow.pending
    ]
    for rule, (truth, heard) in PAIRS.items():
        expected, kept = await _rows(databases, truth), await _rows(databases, heard)
        found += [Violation(f"{rule}: missing", str(row)) for row in (expected - kept)]
        found += [Violation(f"{rule}: not so told", str(row)) for row in (kept - expected)]
    return found


async def flows(databases: Databases) -> list[Flow]:
    """Return the balance of events for each consumer and type."""
    return [
        *[await _state_flow(databases, heard) for heard in STATES],
        *[await _fact_flow(databases, heard) for heard in FACTS],
    ]


async def _of_clients(
    history: History, databases: Databases, *, alone: bool
) -> Iterable[Violation]:
    asked: dict[str, dict[str, Outcome]] = defaultdict(dict)
    for (what, key), outcome in history.outcomes().items():
        if what != READ:
            asked[what][key] = outcome
    if unknown := asked.keys() - EFFECTS.keys():
        raise LookupError(f"no truth is known of {sorted(unknown)}; see truths.EFFECTS")
    found: list[Violation] = []
    for what, (service, sql) in EFFECTS.items():
        if what not in asked and not (alone and what in ASKED_ONLY):
            continue
        present = Counter(str(row[0]) for row in await databases[service].fetch(sql))
        for key, outcome in asked[what].items():
            found += _judged(what, key, outcome, present[key])
        if alone and what in ASKED_ONLY:
            nobody = present.keys() - asked[what].keys()
            found += [Violation("nobody asked for it", f"{what} {key}") for key in sorted(nobody)]
    return found


def _judged(what: str, key: str, outcome: Outcome, times: int) -> Iterable[Violation]:
    about = f"{what} {key}"
    if outcome is Outcome.OK and not times:
        yield Violation(MISSING, about, is_heard_later=what in HEARD_LATER)
    if outcome is Outcome.FAIL and times:
        yield Violation("refused, but done", about)
    if times > 1:
        yield Violation("one call, several effects", f"{about}: {times}")


async def _state_flow(databases: Databases, heard: Heard) -> Flow:
    """Balance states: of each key the highest (epoch, version) told must be the one kept."""
    rows = await databases[heard.producer].fetch(
        "SELECT DISTINCT ON (aggregateid) aggregateid, epoch, version, published_at, id,"
        " count(*) OVER (PARTITION BY aggregateid) AS times FROM outbox WHERE type = $1"
        " ORDER BY aggregateid, epoch DESC, version DESC, sequence DESC",
        heard.event_type,
    )
    kept = {
        row["key"]: (row["epoch"], row["version"])
        for row in await databases[heard.service].fetch(heard.kept)
    }
    parked = await _parked(databases, heard)
    effects = on_the_way = held = 0
    for row in rows:
        if kept.get(row["aggregateid"]) == (row["epoch"], row["version"]):
            effects += 1
        elif str(row["id"]) in parked:
            held += 1
        elif kept.get(row["aggregateid"], (0, 0)) < (row["epoch"], row["version"]):
            on_the_way += 1
    told_never = len(kept.keys() - {row["aggregateid"] for row in rows})
    return Flow(
        f"{heard.event_type} in {heard.service}",
        len(rows),
        effects + told_never,
        held,
        on_the_way,
        sum(row["times"] - 1 for row in rows),
    )


async def _fact_flow(databases: Databases, heard: Heard) -> Flow:
    """Balance facts: each that was told is kept once and noted once in the inbox."""
    rows = await databases[heard.producer].fetch(
        "SELECT id::text AS id, aggregateid FROM outbox WHERE type = $1", heard.event_type
    )
    kept = Counter(row["key"] for row in await databases[heard.service].fetch(heard.kept))
    noted = {
        row["event_id"]
        for row in await databases[heard.service].fetch(
            "SELECT event_id FROM inbox WHERE consumer = $1", heard.consumer
        )
    }
    parked = await _parked(databases, heard)
    ids = {row["id"] for row in rows}
    effects = sum(kept[row["aggregateid"]] for row in rows if row["id"] in noted)
    told_never = sum(n for key, n in kept.items() if key not in {r["aggregateid"] for r in rows})
    return Flow(
        f"{heard.event_type} in {heard.service}",
        len(rows),
        effects + told_never,
        len((ids & parked) - noted),
        len(ids - noted - parked),
    )


async def _parked(databases: Databases, heard: Heard) -> set[str]:
    rows = await databases[heard.service].fetch(
        "SELECT event_id FROM parked_events WHERE consumer = $1 AND replayed_at IS NULL",
        heard.consumer,
    )
    return {row["event_id"] for row in rows}


async def _rows(databases: Databases, question: Question) -> Counter[tuple[Any, ...]]:
    service, sql = question
    return Counter(tuple(row) for row in await databases[service].fetch(sql))


def _raise(found: list[Violation]) -> None:
    if not found:
        return
    by_rule: dict[str, list[str]] = defaultdict(list)
    for each in found:
        by_rule[each.rule].append(each.about)
    lines = [
        f"{rule} ({len(about)}): {'; '.join(about[:SHOWN])}" for rule, about in by_rule.items()
    ]
    raise AssertionError("\n".join(["promises are broken", *lines]))
