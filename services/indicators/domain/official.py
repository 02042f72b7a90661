"""Official statistics as they were published: read from CSV, checked, never recomputed.

BPS publishes P0, P1, P2 times 100; a figure is kept exactly as printed, with unit and source. No
figure is derived from another: the population implied by BPS's own pair of numbers differs from
the population in the same news item (handbook 4.1, "denominator trap").
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from services.indicators.domain.errors import PeriodInvalid, RowFault, RowsRefused

COLUMNS: Final = (
    "wilayah",
    "kode_kemendagri",
    "periode",
    "indikator",
    "nilai",
    "satuan",
    "sumber",
    "catatan",
)
"""The shape of ``kotim_indicators.csv``; the order of columns is free."""

REQUIRED: Final = COLUMNS[:7]

ROWS_MAX: Final = 5_000
"""Thirty years of a province's published figures fit; a longer file is a wrong file."""

TEXT_CHARS_MAX: Final = 500

PERIOD: Final = re.compile(r"^\d{4}(-(0[1-9]|1[0-2])|-S[12])?$")
REGION: Final = re.compile(r"^\d{2}(\.\d{2}(\.\d{2}(\.\d{4})?)?)?$")
INDICATOR: Final = re.compile(r"^[A-Za-z][A-Za-z0-9_]{0,59}$")
VALUE: Final = re.compile(r"^-?\d{1,15}(\.\d{1,6})?$")


@dataclass(frozen=True, slots=True)
class Figure:
    """One published value as its source printed it."""

    region_name: str
    region_code: str
    period: str
    indicator: str
    value: Decimal
    unit: str
    source: str
    note: str

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What makes it the same figure; two sources that differ are two figures, both kept."""
        return (self.indicator, self.region_code, self.period, self.source)


@dataclass(frozen=True, slots=True)
class Known:
    """The newest recorded revision of a figure."""

    revision: int
    value: Decimal
    unit: str
    note: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A figure to record: revision 1, or a correction of the one before."""

    line: int
    figure: Figure
    revision: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What an import does: entries to append, and rows that are already known as they are."""

    entries: tuple[Entry, ...]
    unchanged: int


def check_period(period: str) -> str:
    """Return the period when it is a year, month or half-year; raise ``PeriodInvalid``."""
    if not PERIOD.match(period):
        raise PeriodInvalid(period=period)
    return period


def read_csv(text: str) -> tuple[tuple[int, Figure], ...]:
    """Return (line, figure) of each row. Raise ``RowsRefused`` naming every fault at once."""
    reader = csv.DictReader(io.StringIO(text.lstrip("\ufeff")))
    header = [name.strip() for name in reader.fieldnames or []]
    missing = [name for name in REQUIRED if name not in header]
    if missing:
        raise RowsRefused(
            tuple(
                RowFault(1, name, "column_missing", f"Kolom {name} tidak ada", f"No column {name}")
                for name in missing
            )
        )
    reader.fieldnames = header
    figures: list[tuple[int, Figure]] = []
    faults: list[RowFault] = []
    for count, raw in enumerate(reader, start=1):
        if count > ROWS_MAX:
            detail = (f"Paling banyak {ROWS_MAX} baris", f"At most {ROWS_MAX} rows")
            raise RowsRefused((RowFault(reader.line_num, "", "too_many_rows", *detail),))
        row = {name: (raw.get(name) or "").strip() for name in COLUMNS}
        row_faults = _faults(reader.line_num, row)
        faults += row_faults
        if not row_faults:
            figures.append((reader.line_num, _figure(row)))
    faults += _repeated(figures)
    if faults or not figures:
        empty = RowFault(1, "", "no_rows", "Tidak ada baris data", "There is no data row")
        raise RowsRefused(tuple(faults) or (empty,))
    return tuple(figures)


def plan(
    figures: Iterable[tuple[int, Figure]],
    known: Mapping[tuple[str, str, str, str], Known],
    reason: str | None,
) -> Plan:
    """Compare with what is recorded. A changed figure without a reason refuses the whole file."""
    entries: list[Entry] = []
    faults: list[RowFault] = []
    unchanged = 0
    for line, figure in figures:
        before = known.get(figure.key)
        if before is None:
            entries.append(Entry(line, figure, 1))
        elif (before.value, before.unit, before.note) == (figure.value, figure.unit, figure.note):
            unchanged += 1
        elif reason is None:
            faults.append(
                RowFault(
                    line,
                    "nilai",
                    "reason_missing",
                    "Angka ini sudah tercatat dengan isi lain; koreksi memerlukan alasan",
                    "This figure is recorded with other content; a correction needs a reason",
                )
            )
        else:
            entries.append(Entry(line, figure, before.revision + 1))
    if faults:
        raise RowsRefused(tuple(faults))
    return Plan(tuple(entries), unchanged)


def _faults(line: int, row: Mapping[str, str]) -> list[RowFault]:
    faults = [
        RowFault(line, name, "empty", f"Kolom {name} wajib diisi", f"Column {name} is required")
        for name in REQUIRED
        if not row[name]
    ]
    checks = (
        ("kode_kemendagri", REGION, "kode wilayah", "a region code"),
        ("periode", PERIOD, "periode (2025, 2025-03, 2025-S1)", "a period"),
        ("indikator", INDICATOR, "kode indikator", "an indicator code"),
        ("nilai", VALUE, "angka dengan titik desimal", "a number with a decimal point"),
    )
    faults += [
        RowFault(line, name, "invalid", f"Kolom {name} bukan {what_id}", f"{name} is not {what_en}")
        for name, pattern, what_id, what_en in checks
        if row[name] and not pattern.match(row[name])
    ]
    faults += [
        RowFault(line, name, "too_long", f"Kolom {name} terlalu panjang", f"{name} is too long")
        for name in COLUMNS
        if len(row[name]) > TEXT_CHARS_MAX
    ]
    return faults


def _repeated(figures: Iterable[tuple[int, Figure]]) -> list[RowFault]:
    seen: dict[tuple[str, str, str, str], int] = {}
    faults = []
    for line, figure in figures:
        first = seen.setdefault(figure.key, line)
        if first != line:
            faults.append(
                RowFault(
                    line,
                    "indikator",
                    "repeated",
                    f"Angka yang sama sudah ada di baris {first}",
                    f"The same figure stands in line {first}",
                )
            )
    return faults


def _figure(row: Mapping[str, str]) -> Figure:
    return Figure(
        region_name=row["wilayah"],
        region_code=row["kode_kemendagri"],
        period=row["periode"],
        indicator=row["indikator"],
        value=Decimal(row["nilai"]),
        unit=row["satuan"],
        source=row["sumber"],
        note=row["catatan"],
    )
