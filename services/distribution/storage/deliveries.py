"""Handovers and returns: appended, never changed."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, Select, func, insert, null, or_, select

from services.distribution.storage.sight import Sight, programs
from services.distribution.storage.tables import metadata
from services.shared.db import ReadTransaction, Transaction

deliveries = metadata.tables["deliveries"]
returns = metadata.tables["delivery_returns"]
uploads = metadata.tables["uploads"]
persons = metadata.tables["persons"]
members = metadata.tables["family_members"]
cycles = metadata.tables["cycles"]

KEYS = (deliveries.c.recorded_at.desc(), deliveries.c.id.desc())


def query(
    sight: Sight,
    *,
    family_id: UUID | None = None,
    person_id: UUID | None = None,
    program_id: UUID | None = None,
    cycle_id: UUID | None = None,
    session_id: UUID | None = None,
    entitlement_id: UUID | None = None,
    proof: bool | None = None,
) -> Select[Any]:
    """Select deliveries with what came back of each."""
    back = (
        select(func.coalesce(func.sum(returns.c.quantity), 0))
        .where(returns.c.delivery_id == deliveries.c.id)
        .scalar_subquery()
    )
    hidden = () if sight.names else ("receiver_name", "receiver_relation", "note")
    stmt = (
        select(
            *(column for column in deliveries.c if column.name not in hidden),
            *(null().label(name) for name in hidden),
            back.label("returned_quantity"),
            programs.c.code.label("program_code"),
            programs.c.name.label("program_name"),
            programs.c.owner_code,
            cycles.c.name.label("cycle_name"),
            cycles.c.year,
        )
        .join(programs, programs.c.id == deliveries.c.program_id)
        .join(cycles, cycles.c.id == deliveries.c.cycle_id)
        .where(sight.of_rows(deliveries))
    )
    for column, value in (
        (deliveries.c.family_id, family_id),
        (deliveries.c.person_id, person_id),
        (deliveries.c.program_id, program_id),
        (deliveries.c.cycle_id, cycle_id),
        (deliveries.c.session_id, session_id),
        (deliveries.c.entitlement_id, entitlement_id),
    ):
        if value is not None:
            stmt = stmt.where(column == value)
    if proof is not None:
        has = deliveries.c.proof_sha256.is_not(None)
        stmt = stmt.where(has if proof else ~has)
    return stmt


async def get(tx: ReadTransaction, sight: Sight, delivery_id: UUID) -> RowMapping | None:
    """Return one delivery, None when it is not there for this caller."""
    found = await tx.rows(query(sight).where(deliveries.c.id == delivery_id))
    return found[0] if found else None


async def taken(tx: ReadTransaction, ids: Sequence[UUID]) -> set[UUID]:
    """Return those of ``ids`` that name a delivery already, of whomever."""
    return set(await tx.scalars(select(deliveries.c.id).where(deliveries.c.id.in_(ids))))


async def add_many(tx: Transaction, rows: Sequence[Mapping[Any, Any]]) -> None:
    """Append deliveries."""
    await tx.execute(insert(deliveries), [dict(row) for row in rows])


async def returned(tx: ReadTransaction, delivery_id: UUID) -> int:
    """Return how many units of a delivery came back; its entitlement is locked by the caller."""
    total = select(func.coalesce(func.sum(returns.c.quantity), 0))
    return int(await tx.scalar(total.where(returns.c.delivery_id == delivery_id)) or 0)


async def add_return(tx: Transaction, row: Mapping[Any, Any]) -> None:
    """Append a return."""
    await tx.execute(insert(returns).values(**row))


async def return_taken(tx: ReadTransaction, return_id: UUID) -> bool:
    """Say whether the id names a return already."""
    found = await tx.scalar(select(returns.c.id).where(returns.c.id == return_id))
    return found is not None


def returns_query(sight: Sight, delivery_id: UUID) -> Select[Any]:
    """Select the returns of one delivery."""
    return (
        select(returns)
        .join(deliveries, deliveries.c.id == returns.c.delivery_id)
        .join(programs, programs.c.id == deliveries.c.program_id)
        .where(returns.c.delivery_id == delivery_id, sight.of_rows(deliveries))
        .order_by(returns.c.recorded_at, returns.c.id)
    )


async def proofs(tx: ReadTransaction, ids: Sequence[UUID]) -> dict[UUID, RowMapping]:
    """Return the uploads among ``ids`` that are complete: a hash without its file is no proof."""
    if not ids:
        return {}
    found = await tx.rows(
        select(uploads.c.id, uploads.c.sha256, uploads.c.owner, uploads.c.agency).where(
            uploads.c.id.in_(ids),
            uploads.c.finished_at.is_not(None),
            uploads.c.sha256.is_not(None),
        )
    )
    return {row["id"]: row for row in found}


async def people_by_index(
    tx: ReadTransaction, kind: str, indexes: Sequence[bytes]
) -> tuple[list[UUID], list[UUID]]:
    """Return (persons, families) that a NIK or KK number names; ``kind`` is ``nik`` or ``kk``."""
    column = persons.c.nik_index if kind == "nik" else persons.c.kk_index
    found = await tx.rows(
        select(
            persons.c.id, func.coalesce(members.c.family_id, persons.c.family_id).label("family_id")
        )
        .outerjoin(members, members.c.person_id == persons.c.id)
        .where(column.in_(indexes), persons.c.erased.is_(False))
    )
    families = {row["family_id"] for row in found if row["family_id"] is not None}
    return [row["id"] for row in found], sorted(families)


async def of_people(
    tx: ReadTransaction,
    sight: Sight,
    persons_: Sequence[UUID],
    families: Sequence[UUID],
    limit: int,
) -> list[RowMapping]:
    """Return the latest deliveries to these persons or families."""
    stmt = query(sight).where(
        or_(deliveries.c.person_id.in_(persons_), deliveries.c.family_id.in_(families))
    )
    return await tx.rows(stmt.order_by(*KEYS).limit(limit))
