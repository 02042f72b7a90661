"""First stage: the file becomes sealed rows in staging, each well-formed or rejected.

Chunks are read, judged and sealed in a thread and written in a transaction each; an interrupted
attempt starts anew. What only the whole file shows (a NIK twice, two heads of a family, a damaged
column) is checked at the end.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date

import orjson
import polars as pl

from services.registry.actions import imports_checks as check
from services.registry.actions import imports_dtsen, imports_files, imports_opensid
from services.registry.domain import import_rules
from services.registry.domain.import_rules import RULES, FileRefusedError, Severity
from services.registry.domain.imports import ImportFormat
from services.registry.domain.sheets import LAYOUTS, Layout
from services.registry.storage import import_rows
from services.registry.storage.identities import Numbers
from services.registry.storage.import_rows import NewRow
from services.registry.storage.imports import ImportJob
from services.shared.db import Transaction
from services.shared.sealing import Sealer

Found = tuple[int, list[str], bool]
"""A row, its finding, and whether that rejects it."""


@dataclass(slots=True)
class Staged:
    """One chunk, ready for COPY."""

    rows: list[NewRow]
    sealed: list[bytes | None]


@dataclass(slots=True)
class _ColumnHealth:
    """Counts over the whole file what one identity column looks like."""

    given: int = 0
    damaged: int = 0
    whole: int = 0
    ending_in_zero: int = 0


@dataclass(slots=True)
class FileReader:
    """Reads one file chunk by chunk; ``check_columns`` speaks for the file when all is read."""

    job: ImportJob
    content: bytes
    numbers: Numbers
    sealer: Sealer
    today: date
    _health: dict[str, _ColumnHealth] = field(default_factory=lambda: defaultdict(_ColumnHealth))

    def __iter__(self) -> Iterator[Staged]:
        """Yield staged chunks. Raise ``FileRefusedError``; slow, run it in a thread."""
        layout = LAYOUTS[self.job.format]
        for chunk in imports_files.read_chunks(self.content, layout):
            for column in layout.identity:
                self._observe(chunk, column)
            yield self._staged(chunk, layout)
        self._check_columns()

    def _staged(self, chunk: pl.DataFrame, layout: Layout) -> Staged:
        is_residents = self.job.format is ImportFormat.OPENSID_RESIDENTS
        if is_residents:
            frame = imports_opensid.judge(chunk, self.today)
            values = imports_opensid.values(frame)
            is_head = frame["relation"].eq(1).fill_null(value=False).to_list()
            digests: list[bytes | None] = [None] * frame.height
        else:
            frame = imports_dtsen.judge(
                chunk, self.today, self.job.region_code, self.job.observed_on
            )
            values = imports_dtsen.values(frame)
            is_head = [False] * frame.height
            digests = [_digest(text) for text in imports_dtsen.family_values(frame)]
        originals = frame.select(pl.struct(layout.kept).struct.json_encode()).to_series()
        rejected = frame[check.REJECTED].to_list()
        kk, nik = frame["kk"].to_list(), frame["nik_number"].to_list()
        contents = [
            _content(*parts) for parts in zip(kk, nik, values, originals.to_list(), strict=True)
        ]
        rows = [
            NewRow(*parts)
            for parts in zip(
                frame["row"].to_list(),
                rejected,
                self.numbers.indexes("kk", _accepted(kk, rejected)),
                self.numbers.indexes("nik", _accepted(nik, rejected)),
                [head and not bad for head, bad in zip(is_head, rejected, strict=True)],
                digests,
                [_findings(text) for text in frame[check.FINDINGS].to_list()],
                strict=True,
            )
        ]
        return Staged(rows, self.sealer.seal_column(contents, import_rows.SEAL_CONTEXT))

    def _observe(self, chunk: pl.DataFrame, column: str) -> None:
        clean = check.identity_number(column)
        whole = clean.str.contains(r"^[0-9]{16}$")
        given = ~check.text(column).fill_null("").is_in(["", "0", "-"])
        counts = chunk.select(
            given.sum().alias("given"),
            (given & check.is_damaged(column)).sum().alias("damaged"),
            whole.sum().alias("whole"),
            (whole & clean.str.ends_with("0")).sum().alias("zero"),
        ).row(0)
        health = self._health[column]
        health.given += counts[0]
        health.damaged += counts[1]
        health.whole += counts[2]
        health.ending_in_zero += counts[3]

    def _check_columns(self) -> None:
        """Refuse a file in which a whole column bears the marks of Excel."""
        least = import_rules.DAMAGED_COLUMN_ROWS_MIN
        for column, health in self._health.items():
            if health.given >= least and health.damaged == health.given:
                raise FileRefusedError("column_scientific", {"columns": column})
            if health.whole >= least and health.ending_in_zero == health.whole:
                raise FileRefusedError("column_ends_in_zero", {"columns": column})


async def check_whole_file(tx: Transaction, job: ImportJob) -> None:
    """Reject rows that contradict other rows of the file, and warn about families."""
    found = list(_same_niks(await import_rows.same_niks(tx, job.id)))
    if job.format is ImportFormat.OPENSID_RESIDENTS:
        await import_rows.add_findings(tx, job.id, found)
        # Only among rows that are still accepted: a rejected head does not count as one.
        found = list(_heads(await import_rows.heads(tx, job.id)))
    else:
        for rows in await import_rows.disagreeing_families(tx, job.id):
            found += [_finding(row, "no_kk", "family_conflict", _other(row, rows)) for row in rows]
    await import_rows.add_findings(tx, job.id, found)


def _same_niks(rows: Iterable[tuple[int, bytes, bytes]]) -> Iterator[Found]:
    holders: dict[bytes, list[tuple[int, bytes]]] = defaultdict(list)
    for row_number, kk_index, nik_index in rows:
        holders[nik_index].append((row_number, kk_index))
    for same in holders.values():
        numbers = [row for row, _ in same]
        if len({kk for _, kk in same}) == 1:
            for row in numbers[1:]:
                yield _finding(row, "nik", "nik_twice_in_family", numbers[0])
        else:
            for row in numbers:
                yield _finding(row, "nik", "nik_in_two_families", _other(row, numbers))


def _heads(families: Iterable[tuple[int, list[int]]]) -> Iterator[Found]:
    for first_row, heads in families:
        if not heads:
            yield _finding(first_row, "kk_level", "family_without_head")
        for row in heads[1:]:
            yield _finding(row, "kk_level", "second_head", heads[0])


def _other(row: int, rows: list[int]) -> int:
    return next(other for other in rows if other != row)


def _finding(row: int, column: str, code: str, other_row: int | None = None) -> Found:
    finding = [column, code] if other_row is None else [column, code, str(other_row)]
    return row, finding, RULES[code].severity is Severity.ERROR


def _accepted(numbers: list[str | None], rejected: list[bool]) -> list[str | None]:
    """Only rows that may be merged are found by their numbers."""
    return [None if bad else one for one, bad in zip(numbers, rejected, strict=True)]


def _content(kk: str | None, nik: str | None, values: str, original: str) -> str:
    content = {
        "kk": kk,
        "nik": nik,
        "values": orjson.Fragment(values),
        "original": orjson.Fragment(original),
    }
    return orjson.dumps(content).decode()


def _findings(text: str) -> str:
    if not text:
        return "[]"
    return orjson.dumps([finding.split("|") for finding in text.split(",")]).decode()


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()[:8]


Step = Callable[[], Staged | None]


def stepper(reader: FileReader) -> Step:
    """Return a function that gives the next chunk, None at the end; for ``asyncio.to_thread``."""
    chunks = iter(reader)
    return lambda: next(chunks, None)
