"""A list of 100,000 residents from its file to merged, with every effect, beside bare COPY.

The limit of a stage is COPY of the very rows that it leaves, from a file, into the same tables
with the same constraints and indexes, of a database of its own.
"""

import tempfile
from collections.abc import AsyncIterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from time import perf_counter, process_time

from services.shared.db import Database
from tests.bench.frame import Bench, Figure
from tests.support import files
from tests.support.imports import ImportDesk
from tests.support.service import ServiceUnderTest, environment

PERSONS, MEMBERS = 100_000, 4
PEOPLE = (("1", "1", 1970), ("3", "2", 1975), ("4", "1", 2005), ("4", "2", 2010))
"""The members of every family: OpenSID's relation, sex, year of birth."""
SERIALS = 1_000
"""Synthetic numbers of one day."""
STAGED = ("imports", "import_rows")
MERGED = (
    "households", "families", "family_numbers", "family_domiciles", "persons", "memberships",
    "identity_claims", "family_conditions", "person_conditions", "outbox", "audit_entries",
    "audit_payloads", "audit_queue",
)  # fmt: skip
"""Every table that a merge of residents writes: parents before children."""


async def run(bench: Bench) -> AsyncIterator[Figure]:
    """Import once, then COPY the same rows twice: what staging left, and what the merge left."""
    broker = bench.broker()
    urls = await bench.stack.database("registry")
    with environment({"REGISTRY_LOG_LEVEL": "ERROR"}):
        service = ServiceUnderTest("registry", bench.stack, broker, urls)
    await service.start()
    bench.at_end(service.stop)
    desk = await ImportDesk(service).open()
    before = {table: await desk.count(f"SELECT count(*) FROM {table}") for table in MERGED}
    found = await desk.start(residents_list())
    limit = await bench.database("registry")

    staging = await _stage_s(desk)
    bare = await _copy_s(service.db, limit, STAGED)
    yield _figure("import, staging: read, check, seal, COPY", staging, bare)
    comparing = await _stage_s(desk)
    yield _figure("import, comparing with the registry", comparing)
    validated = await desk.read(found["id"])
    assert validated["counts"]["new"] == PERSONS, validated
    await desk.decide(validated, "approve", desk.kades())
    merging = await _stage_s(desk)
    assert (await desk.read(found["id"]))["state"] == "merged"
    written = [table for table in MERGED if not before[table]]
    bare_merge = await _copy_s(service.db, limit, written)
    yield _figure("import, merging with history, directory, audit, events", merging, bare_merge)
    whole = (staging[0] + comparing[0] + merging[0], staging[1] + comparing[1] + merging[1])
    yield _figure("import, file to merged", whole, bare + bare_merge)


def residents_list(families: int = PERSONS // MEMBERS, first: int = 0) -> bytes:
    """Return OpenSID's list of families of four as CSV: parents and two children each."""
    rows: list[files.Row] = []
    for family in range(first, first + families):
        day, serial = divmod(family, SERIALS)
        for level, sex, year in PEOPLE:
            born = date(year, 1, 1) + timedelta(days=day)
            number = files.nik(serial, sex, born)
            marital = "1" if level == "4" else "2"
            rows.append(
                files.resident(
                    len(rows), family, sex=sex, nik=number, tanggallahir=born.isoformat(),
                    kk_level=level, status_kawin=marital,
                )
            )  # fmt: skip
    return files.opensid_csv(rows)


async def _stage_s(desk: ImportDesk) -> tuple[float, float]:
    """Let the worker do the next stage; return the seconds it took, and of them its own."""
    started, cpu = perf_counter(), process_time()
    assert await desk.worker.work_once()
    return perf_counter() - started, process_time() - cpu


async def _copy_s(source: Database, target: Database, tables: Sequence[str]) -> float:
    """COPY the rows of ``tables`` into an equal database, in one transaction; return seconds."""
    reading, writing = await source.connect(), await target.connect()
    try:
        with tempfile.TemporaryDirectory() as folder:
            for table in tables:
                await reading.copy_from_table(
                    table, output=Path(folder, table), format="binary", schema_name=source.schema
                )
            started = perf_counter()
            async with writing.transaction():
                for table in tables:
                    await writing.copy_to_table(table, source=Path(folder, table), format="binary")
            return perf_counter() - started
    finally:
        await reading.close()
        await writing.close()


def _figure(name: str, taken: tuple[float, float], bare_s: float | None = None) -> Figure:
    limit = None if bare_s is None else PERSONS / bare_s
    return Figure(name, PERSONS / taken[0], "persons/s", limit)
