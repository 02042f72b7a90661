"""Every figure computed anew over a whole regency, beside reading the same tables once.

150,000 families (500,000 persons, of whom indicators knows the number alone), four in ten of them
with aid of two programs: four cycles of the present year with their handovers, and the tallies of
four years before. All by COPY, and the same in every run but for the present day.
"""

from collections.abc import AsyncIterator, Iterator
from datetime import date, timedelta
from functools import cache, partial
from time import perf_counter
from typing import Any
from uuid import UUID

from deploy.demo.population import villages
from services.indicators.actions import values
from services.indicators.domain.catalog import DEFINITIONS, Origin
from services.indicators.domain.contributions import CELLS
from services.indicators.domain.reach import Topic
from services.indicators.storage import sources, tallies
from services.shared import clock
from services.shared.db import Database
from tests.bench.frame import Bench, Figure, interleaved, median, ratio

FAMILIES = 150_000
HELPED = 60_000
PROGRAMS_EACH, CYCLES = 2, 4
YEARS_BEFORE = 4
VALUE_IDR = 200_000
REGENCY = "62.02"
Row = tuple[Any, ...]

COLUMNS = {
    "families": (
        "family_id", "region_code", "active", "desil_low", "desil_high", "desil_as_of", "members",
        "survivor_id", "epoch", "version",
    ),
    "programs": (
        "program_id", "code", "name", "owner_code", "reporter_code", "klaster", "strategi",
        "bidang", "unit", "counts_as_reached", "sensitive", "target_desil_max", "status", "epoch",
        "version",
    ),
    "cycles": ("cycle_id", "program_id", "year", "epoch", "version"),
    "entitlements": (
        "entitlement_id", "cycle_id", "program_id", "family_id", "person_id", "region_code",
        "value_idr", "delivered_value_idr", "status", "sensitive", "epoch", "version",
    ),
    "deliveries": (
        "delivery_id", "cycle_id", "program_id", "family_id", "person_id", "region_code",
        "delivered_on", "quantity", "value_idr", "sensitive",
    ),
    "aid_tallies": (
        "family_id", "program_id", "year", "region_code", "recipient_id", "entitlements",
        "entitled_idr", "reserved_idr", "delivered_quantity", "delivered_idr", "last_delivered_on",
        "sensitive",
    ),
}  # fmt: skip
SCAN = "SELECT (SELECT count(members) FROM families), (SELECT count(year) FROM aid_tallies)"


async def run(bench: Bench) -> AsyncIterator[Figure]:
    """Make the tallies from their facts once, then all figures, again and again."""
    db = await bench.database("indicators")
    await _copy(db, _projections())
    started = perf_counter()
    async with db.transaction() as tx:
        await tallies.hold(tx)
        await tallies.recompute_all(tx)
    seconds = perf_counter() - started
    rows = 2 * HELPED * PROGRAMS_EACH * CYCLES
    yield Figure("tallies anew from entitlements and deliveries", rows / seconds, "rows/s")
    await _copy(db, {"aid_tallies": _years_before()})
    connection = await db.connect()
    await connection.execute("ANALYZE")
    families, kept = await connection.fetchrow(SCAN) or (0, 0)
    await connection.close()
    found = await interleaved({"ours": partial(_refresh, db), "scan": partial(_scan, db)})
    name = f"all {len(_codes())} indicators anew, {FAMILIES:,} families"
    share = ratio(found["ours"], found["scan"])
    yield Figure(name, median(found["ours"]), "s", median(found["scan"]), share)
    rates = {
        variant: [(families + kept) / s for s in seconds] for variant, seconds in found.items()
    }
    yield Figure(f"{name}, by rows", median(rates["ours"]), "rows/s", median(rates["scan"]))


def _codes() -> list[str]:
    return [one.code for one in DEFINITIONS if one.origin is Origin.REGISTRY]


async def _refresh(db: Database) -> float:
    """Compute every indicator of the regency; return the seconds."""
    year = clock.today().year
    started = perf_counter()
    for code in _codes():
        async with db.reading() as tx:
            found = await values.present(
                tx, code, region=REGENCY, year=year, window_months=12, desil_max=4
            )
        assert found.value is not None, code
    return perf_counter() - started


async def _scan(db: Database) -> float:
    """Read the tables once; return the seconds."""
    started = perf_counter()
    async with db.reading() as tx:
        await (await tx.raw()).fetch(SCAN)
    return perf_counter() - started


def _projections() -> dict[str, Iterator[Row]]:
    return {
        "families": (_family(number) for number in range(FAMILIES)),
        "programs": (_program(number) for number in range(len(CELLS))),
        "cycles": (
            (_id(3, program * CYCLES + quarter), _id(2, program), clock.today().year, 1, 1)
            for program in range(len(CELLS))
            for quarter in range(CYCLES)
        ),
        "entitlements": _entitlements(),
        "deliveries": _deliveries(),
    }


def _family(number: int) -> Row:
    desil = number % 10 + 1
    day = date(2026, 9, 30)
    members = 3 + (number % 3 == 0)
    return (_id(1, number), _village(number), True, desil, desil, day, members, None, 1, 1)


def _program(number: int) -> Row:
    bidang, klaster = CELLS[number]
    code = f"P{number:02d}"
    owner = "DINSOS" if number % 2 else "DINKES"
    return (
        _id(2, number), code, f"Program {code}", owner, owner, klaster, "BEBAN", bidang, "paket",
        True, False, 4, "active", 1, 1,
    )  # fmt: skip


def _aid() -> Iterator[tuple[int, int, int, str]]:
    """Yield (number, family, program, village) of each kind of aid that a family gets."""
    for place in range(HELPED):
        family = place * 5 // 2
        for turn in range(PROGRAMS_EACH):
            program = (place + turn * 5) % len(CELLS)
            yield place * PROGRAMS_EACH + turn, family, program, _village(family)


def _entitlements() -> Iterator[Row]:
    for number, family, program, village in _aid():
        for quarter in range(CYCLES):
            yield (
                _id(4, number * CYCLES + quarter), _id(3, program * CYCLES + quarter),
                _id(2, program), _id(1, family), None, village, VALUE_IDR, VALUE_IDR, "delivered",
                False, 1, 1,
            )  # fmt: skip


def _deliveries() -> Iterator[Row]:
    today = clock.today()
    for number, family, program, village in _aid():
        for quarter in range(CYCLES):
            yield (
                _id(5, number * CYCLES + quarter), _id(3, program * CYCLES + quarter),
                _id(2, program), _id(1, family), None, village,
                today - timedelta(days=30 * quarter), 1, VALUE_IDR, False,
            )  # fmt: skip


def _years_before() -> Iterator[Row]:
    this_year = clock.today().year
    for _, family, program, village in _aid():
        for year in range(this_year - YEARS_BEFORE, this_year):
            yield (
                _id(1, family), _id(2, program), year, village, _id(1, family), CYCLES,
                CYCLES * VALUE_IDR, 0, CYCLES, CYCLES * VALUE_IDR, date(year, 11, 1), False,
            )  # fmt: skip


@cache
def _villages() -> list[str]:
    return [village.code for village in villages(FAMILIES)]


def _village(family: int) -> str:
    return _villages()[family % len(_villages())]


def _id(kind: int, number: int) -> UUID:
    return UUID(int=kind << 96 | number)


async def _copy(db: Database, rows: dict[str, Iterator[Row]]) -> None:
    async with db.transaction() as tx:
        for table, records in rows.items():
            await tx.copy(table, COLUMNS[table], records)
        for topic in Topic:
            await sources.touch(tx, topic, tx.now)
        await (await tx.raw()).execute(
            "INSERT INTO consumer_progress (consumer, producer, as_of)"
            " VALUES ('bench', 'distribution', $1) ON CONFLICT DO NOTHING",
            tx.now,
        )
