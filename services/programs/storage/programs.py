"""Queries of the program catalog. A sensitive program exists only for its owner's side."""

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, false, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from services.programs.domain.programs import Holding, ProgramStatus, ProgramYear
from services.programs.storage.tables import (
    PROGRAM_YEARS,
    PROGRAMS,
    EnrolmentRow,
    ProgramLogRow,
    ProgramRow,
    ProgramYearRow,
)
from services.shared.db import ReadTransaction, Transaction
from services.shared.pages import CursorSigner, Slice, paginate


@dataclass(frozen=True, slots=True)
class Program:
    """A program as it is kept, with its years."""

    program_id: UUID
    code: str
    name: str
    owner_code: str
    reporter_code: str
    klaster: str
    strategi: str
    bidang: str
    nomenclature_version: str | None
    sub_kegiatan: str | None
    sub_kegiatan_raw: str | None
    unit: str
    benefit: dict[str, Any]
    frequency: str
    steps: list[str]
    counts_as_reached: bool
    sensitive: bool
    target_desil_max: int | None
    status: str
    proposed_by: str | None
    reported_at: datetime | None
    version: int
    years: tuple[ProgramYear, ...] = field(default=())

    @property
    def holding(self) -> Holding:
        """Whose it is: enough to decide who may see and move it."""
        return Holding(
            self.owner_code,
            self.reporter_code,
            self.sensitive,
            ProgramStatus(self.status),
            self.proposed_by,
        )

    def lines_of(self, year: int) -> list[ProgramYear]:
        """Return the fund sources of one year."""
        return [line for line in self.years if line.year == year]


def visible(agency: str | None) -> ColumnElement[bool]:
    """Return the condition that a program may be known to a caller of ``agency``."""
    owned = col(ProgramRow.owner_code) == agency if agency is not None else false()
    return or_(col(ProgramRow.sensitive).is_(False), owned)


async def get_program(
    tx: ReadTransaction, program_id: UUID, *, lock: bool = False
) -> Program | None:
    """Return a program by id. ``lock`` holds it until the transaction ends."""
    stmt = select(PROGRAMS).where(col(ProgramRow.program_id) == program_id)
    found = await tx.rows(stmt.with_for_update() if lock else stmt)
    return (await _with_years(tx, found))[0] if found else None


async def get_programs(tx: ReadTransaction, program_ids: Collection[UUID]) -> dict[UUID, Program]:
    """Return the programs with these ids that exist."""
    stmt = select(PROGRAMS).where(col(ProgramRow.program_id).in_(list(program_ids)))
    found = await _with_years(tx, await tx.rows(stmt))
    return {program.program_id: program for program in found}


async def find_by_code(tx: Transaction, owner_code: str, code: str) -> Program | None:
    """Return the owner's program of this code, held until the transaction ends."""
    stmt = (
        select(PROGRAMS)
        .where(col(ProgramRow.owner_code) == owner_code, col(ProgramRow.code) == code)
        .with_for_update()
    )
    found = await _with_years(tx, await tx.rows(stmt))
    return found[0] if found else None


async def list_programs(
    tx: ReadTransaction,
    *,
    agency: str | None,
    filters: dict[str, str | None],
    limit: int,
    cursor: str | None,
    signer: CursorSigner,
) -> tuple[list[Program], str | None]:
    """Return one page by owner and code. ``filters`` are columns with their wanted value."""
    stmt: Any = select(PROGRAMS).where(visible(agency))
    wanted = {name: value for name, value in filters.items() if value is not None}
    for name, value in wanted.items():
        stmt = stmt.where(PROGRAMS.c[name] == value)
    keys = [col(ProgramRow.owner_code), col(ProgramRow.code)]
    found: Slice = await paginate(
        tx,
        stmt,
        keys=keys,
        limit=limit,
        cursor=cursor,
        signer=signer,
        list_name=f"programs:{sorted(wanted.items())}",
    )
    return await _with_years(tx, found.rows), found.next


async def save_program(
    tx: Transaction, program: Program, *, by: str, action: str, note: str | None = None
) -> bool:
    """Insert or overwrite a program with its years and log the step.

    Return False when another program of the owner has the code.
    """
    values = asdict(program)
    years = values.pop("years")
    await tx.flush()
    if program.version == 1:
        stmt = insert(ProgramRow).values(values).on_conflict_do_nothing()
        if await tx.scalar(stmt.returning(col(ProgramRow.program_id))) is None:
            return False
    else:
        key = col(ProgramRow.program_id) == program.program_id
        await tx.execute(update(ProgramRow).where(key).values(values))
        await tx.execute(
            delete(ProgramYearRow).where(col(ProgramYearRow.program_id) == program.program_id)
        )
    if years:
        lines = [{"program_id": program.program_id, **line} for line in years]
        await tx.execute(insert(ProgramYearRow).values(lines))
    snapshot = {key: _plain(value) for key, value in values.items()} | {"years": years}
    log = {"program_id": program.program_id, "version": program.version, "at": tx.now}
    await tx.execute(
        insert(ProgramLogRow).values(**log, actor=by, action=action, note=note, snapshot=snapshot)
    )
    return True


async def granted_counts(tx: ReadTransaction, program_id: UUID) -> dict[int, int]:
    """Return how many granted or suspended enrolments each year has."""
    rows = await tx.rows(
        select(col(EnrolmentRow.year), func.count().label("granted"))
        .where(
            col(EnrolmentRow.program_id) == program_id,
            col(EnrolmentRow.status).in_(("granted", "suspended")),
        )
        .group_by(col(EnrolmentRow.year))
    )
    return {row["year"]: row["granted"] for row in rows}


async def every_program(tx: ReadTransaction) -> AsyncIterator[Program]:
    """Yield all programs, by id, a hundred at a time."""
    last: UUID | None = None
    while True:
        stmt = select(PROGRAMS).order_by(col(ProgramRow.program_id)).limit(100)
        if last is not None:
            stmt = stmt.where(col(ProgramRow.program_id) > last)
        found = await _with_years(tx, await tx.rows(stmt))
        for program in found:
            yield program
        if not found:
            return
        last = found[-1].program_id


async def sensitive_ids(tx: ReadTransaction, agency: str | None) -> set[UUID]:
    """Return the programs that a caller of ``agency`` may not know of."""
    hidden = and_(col(ProgramRow.sensitive), ~visible(agency))
    return set(await tx.scalars(select(col(ProgramRow.program_id)).where(hidden)))


async def _with_years(tx: ReadTransaction, rows: Sequence[Any]) -> list[Program]:
    ids = [row["program_id"] for row in rows]
    years: dict[UUID, list[ProgramYear]] = {program_id: [] for program_id in ids}
    stmt = (
        select(PROGRAM_YEARS)
        .where(col(ProgramYearRow.program_id).in_(ids))
        .order_by(col(ProgramYearRow.year), col(ProgramYearRow.fund_source))
    )
    for line in await tx.rows(stmt) if ids else ():
        values = dict(line)
        years[values.pop("program_id")].append(ProgramYear(**values))
    return [Program(**row, years=tuple(years[row["program_id"]])) for row in rows]


def _plain(value: object) -> object:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value
