"""Cycles (tahap) kept and found."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, Select, func, select, update
from sqlalchemy.dialects.postgresql import insert

from services.distribution.domain.errors import NameTaken, NotFound
from services.distribution.storage.sight import Sight, programs
from services.distribution.storage.tables import metadata
from services.shared.db import ReadTransaction, Transaction

cycles = metadata.tables["cycles"]
entitlements = metadata.tables["entitlements"]
years = metadata.tables["program_years"]

KEYS = (cycles.c.opens_on.desc(), cycles.c.id.desc())


async def program(tx: ReadTransaction, sight: Sight, program_id: UUID) -> RowMapping:
    """Return a program that the caller may see; raise ``NotFound`` otherwise."""
    found = await tx.rows(select(programs).where(programs.c.id == program_id, sight.of_program()))
    if not found:
        raise NotFound(what="program", id=str(program_id))
    return found[0]


async def planned_years(tx: ReadTransaction, program_id: UUID) -> frozenset[int]:
    """Return the budget years that programs told of."""
    return frozenset(await tx.scalars(select(years.c.year).where(years.c.program_id == program_id)))


def query(
    sight: Sight,
    *,
    program_id: UUID | None = None,
    year: int | None = None,
    status: str | None = None,
) -> Select[Any]:
    """Select cycles with what a reader needs of their program."""
    stmt = (
        select(
            cycles,
            programs.c.code.label("program_code"),
            programs.c.name.label("program_name"),
            programs.c.owner_code,
            programs.c.sensitive,
            programs.c.benefit,
            programs.c.status.label("program_status"),
            programs.c.steps,
        )
        .join(programs, programs.c.id == cycles.c.program_id)
        .where(sight.of_program())
    )
    if program_id is not None:
        stmt = stmt.where(cycles.c.program_id == program_id)
    if year is not None:
        stmt = stmt.where(cycles.c.year == year)
    if status is not None:
        stmt = stmt.where(cycles.c.status == status)
    return stmt


async def get(
    tx: ReadTransaction, sight: Sight, cycle_id: UUID, *, lock: bool = False
) -> RowMapping:
    """Return one cycle; raise ``NotFound`` when it is not there for this caller.

    With ``lock`` nobody else may change it until the end of the transaction.
    """
    stmt = query(sight).where(cycles.c.id == cycle_id)
    if lock:
        stmt = stmt.with_for_update(of=cycles)
    found = await tx.rows(stmt)
    if not found:
        raise NotFound(what="cycle", id=str(cycle_id))
    return found[0]


async def add(tx: Transaction, cycle: Mapping[Any, Any]) -> None:
    """Keep a new cycle; refuse a name that the program year has already."""
    added = await tx.scalar(
        insert(cycles).values(**cycle).on_conflict_do_nothing().returning(cycles.c.id)
    )
    if added is None:
        raise NameTaken(name=cycle["name"])


async def change(tx: Transaction, cycle_id: UUID, values: Mapping[Any, Any]) -> None:
    """Write ``values`` and count the version up; the row is locked by ``get(lock=True)``."""
    await tx.execute(
        update(cycles).where(cycles.c.id == cycle_id).values(**values, version=cycles.c.version + 1)
    )


async def name_taken(tx: ReadTransaction, cycle_id: UUID, program_id: UUID, name: str) -> bool:
    """Say whether another cycle of the program has this name in the same year."""
    year = select(cycles.c.year).where(cycles.c.id == cycle_id).scalar_subquery()
    found = await tx.scalar(
        select(cycles.c.id).where(
            cycles.c.program_id == program_id,
            cycles.c.name == name,
            cycles.c.year == year,
            cycles.c.id != cycle_id,
        )
    )
    return found is not None


async def entitled(tx: ReadTransaction, cycle_id: UUID) -> int:
    """Return how many entitlements the cycle has, void ones too."""
    count = select(func.count()).select_from(entitlements)
    return int(await tx.scalar(count.where(entitlements.c.cycle_id == cycle_id)) or 0)


async def summary(tx: ReadTransaction, sight: Sight, cycle_id: UUID) -> list[RowMapping]:
    """Return count, units and rupiah by status, of the caller's regions."""
    units = entitlements.c.quantity
    held = entitlements.c.delivered_quantity
    price = entitlements.c.unit_value_idr
    return await tx.rows(
        select(
            entitlements.c.status,
            func.count().label("recipients"),
            func.sum(units).label("quantity"),
            func.sum(units * price).label("value_idr"),
            func.sum(held).label("delivered_quantity"),
            func.sum(held * price).label("delivered_value_idr"),
        )
        .join(programs, programs.c.id == entitlements.c.program_id)
        .where(entitlements.c.cycle_id == cycle_id, sight.of_rows(entitlements))
        .group_by(entitlements.c.status)
        .order_by(entitlements.c.status)
    )
