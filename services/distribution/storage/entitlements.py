"""Entitlements kept and found, with the states around them that decide a handover."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    FromClause,
    RowMapping,
    Select,
    and_,
    func,
    null,
    or_,
    select,
    true,
)

from services.distribution.domain.blocks import Standing
from services.distribution.storage.sight import Sight, programs
from services.distribution.storage.tables import metadata
from services.shared.db import ReadTransaction, Transaction

entitlements = metadata.tables["entitlements"]
cycles = metadata.tables["cycles"]
enrolments = metadata.tables["enrolments"]
families = metadata.tables["families"]
members = metadata.tables["family_members"]
persons = metadata.tables["persons"]
regions = metadata.tables["regions"]

HEAD_OF_FAMILY = 1
"""Regsosek 409, hubungan dengan kepala keluarga: 1 is the head."""

KEYS = (entitlements.c.id,)

MOVES = "hashtextextended(current_schema() || '.moves', 0)"
"""The number of the advisory lock between those who move homes and those who entitle them."""

COLUMNS = (
    "id", "cycle_id", "program_id", "enrolment_id", "year", "family_id", "person_id",
    "region_code", "quantity", "unit_value_idr", "delivered_quantity", "due_on", "status",
    "sensitive", "version", "created_at", "updated_at",
)  # fmt: skip

CANDIDATES = """
SELECT n.id AS enrolment_id, coalesce(m.family_id, n.family_id) AS family_id, n.person_id,
       coalesce(f.region_code, n.region_code) AS region_code, n.sensitive,
       f.status AS family_status, m.presence, m.match_status
FROM enrolments AS n
LEFT JOIN LATERAL (
    SELECT o.family_id, o.presence, o.match_status
    FROM family_members AS o JOIN families AS t ON t.id = o.family_id
    WHERE o.person_id = n.person_id ORDER BY t.told_at DESC, t.id LIMIT 1) AS m ON true
LEFT JOIN families AS f ON f.id = coalesce(m.family_id, n.family_id)
WHERE n.program_id = $1 AND n.year = $2 AND n.status = 'granted'
  AND n.valid_from <= $4 AND (n.valid_to IS NULL OR n.valid_to >= $3)
  AND NOT EXISTS (SELECT FROM entitlements AS e WHERE e.cycle_id = $5 AND e.enrolment_id = n.id)
ORDER BY n.id
"""

FOLLOW = """
WITH touched AS MATERIALIZED (
    SELECT id, enrolment_id, person_id, family_id, region_code FROM entitlements
    WHERE status IN ('reserved', 'part_delivered')
      AND (family_id = ANY($1) OR person_id = ANY($2) OR enrolment_id = ANY($3))
), strayed AS (
    SELECT t.id, coalesce(m.family_id, n.family_id) AS family_id,
           coalesce(f.region_code, n.region_code) AS region_code
    FROM touched AS t
    CROSS JOIN LATERAL (SELECT family_id, region_code FROM enrolments
                        WHERE id = t.enrolment_id LIMIT 1) AS n
    LEFT JOIN LATERAL (SELECT o.family_id
                       FROM family_members AS o JOIN families AS told ON told.id = o.family_id
                       WHERE o.person_id = t.person_id
                       ORDER BY told.told_at DESC, told.id LIMIT 1) AS m ON true
    LEFT JOIN LATERAL (SELECT region_code FROM families
                       WHERE id = coalesce(m.family_id, n.family_id) LIMIT 1) AS f ON true
    WHERE (t.family_id, t.region_code) IS DISTINCT FROM
          (coalesce(m.family_id, n.family_id), coalesce(f.region_code, n.region_code))
), open_ones AS (
    SELECT s.* FROM strayed AS s JOIN entitlements AS e ON e.id = s.id
    ORDER BY e.id FOR UPDATE OF e
)
UPDATE entitlements AS e
SET family_id = o.family_id, region_code = o.region_code, version = e.version + 1,
    updated_at = $4
FROM open_ones AS o WHERE o.id = e.id
RETURNING e.id
"""
"""LIMIT 1 keeps each look-up an index scan: joined, the planner reads whole tables per batch."""

CHANGE = """
UPDATE entitlements AS e
SET quantity = t.quantity, delivered_quantity = t.delivered_quantity, status = t.status,
    void_reason = coalesce(t.void_reason, e.void_reason), version = e.version + 1,
    updated_at = $6
FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::text[], $5::text[])
    AS t(id, quantity, delivered_quantity, status, void_reason)
WHERE t.id = e.id
"""


async def candidates(
    tx: Transaction, *, program_id: UUID, year: int, opens_on: date, closes_on: date, cycle_id: UUID
) -> Sequence[Any]:
    """Return the granted enrolments, valid in the cycle, that have no entitlement in it."""
    connection = await tx.raw()
    return await connection.fetch(CANDIDATES, program_id, year, opens_on, closes_on, cycle_id)


async def add_many(tx: Transaction, rows: Iterable[Sequence[Any]]) -> None:
    """COPY new entitlements, each a sequence of ``COLUMNS``."""
    await tx.copy("entitlements", COLUMNS, rows)


async def change_many(
    tx: Transaction, changes: Sequence[tuple[UUID, int, int, str, str | None]]
) -> None:
    """Write (id, quantity, delivered_quantity, status, void_reason) and count versions up."""
    if changes:
        columns = [list(column) for column in zip(*changes, strict=True)]
        await (await tx.raw()).execute(CHANGE, *columns, tx.now)


async def hold_still(tx: Transaction) -> None:
    """Let nobody's home change until this transaction ends; taken before every other lock.

    Who opens an entitlement needs it: a move that is under way would not see the new one, and
    nothing would tell it of the move afterwards.
    """
    await (await tx.raw()).execute(f"SELECT pg_advisory_xact_lock({MOVES})")


async def may_move(tx: Transaction) -> None:
    """Wait for those who hold homes still. Any number may move at once."""
    await (await tx.raw()).execute(f"SELECT pg_advisory_xact_lock_shared({MOVES})")


async def follow(
    tx: Transaction,
    *,
    family_ids: Sequence[UUID] = (),
    person_ids: Sequence[UUID] = (),
    enrolment_ids: Sequence[UUID] = (),
) -> list[UUID]:
    """Give open entitlements the family and region that hold now; return those that changed.

    A person's entitlement goes with the person; a family's stays with the enrolment's family.
    """
    connection = await tx.raw()
    found = await connection.fetch(
        FOLLOW, list(family_ids), list(person_ids), list(enrolment_ids), tx.now
    )
    return [row["id"] for row in found]


def query(
    sight: Sight,
    *,
    cycle_id: UUID | None = None,
    program_id: UUID | None = None,
    family_id: UUID | None = None,
    person_id: UUID | None = None,
    status: str | None = None,
    region: str | None = None,
) -> Select[Any]:
    """Select entitlements with recipient and standing. ``status`` may also be ``open``."""
    stmt = select(*_columns(sight)).select_from(_joined()).where(sight.of_rows(entitlements))
    for column, value in (
        (entitlements.c.cycle_id, cycle_id),
        (entitlements.c.program_id, program_id),
        (entitlements.c.family_id, family_id),
        (entitlements.c.person_id, person_id),
    ):
        if value is not None:
            stmt = stmt.where(column == value)
    if status == "open":
        stmt = stmt.where(entitlements.c.status.in_(("reserved", "part_delivered")))
    elif status is not None:
        stmt = stmt.where(entitlements.c.status == status)
    if region is not None:
        stmt = stmt.where(within(entitlements.c.region_code, region))
    return stmt


def within(column: ColumnElement[Any], region: str) -> ColumnElement[bool]:
    """Return the condition that a region code is ``region`` or lies below it."""
    return or_(column == region, column.startswith(f"{region}.", autoescape=True))


async def load(
    tx: ReadTransaction, sight: Sight, ids: Sequence[UUID], *, lock: bool = False
) -> dict[UUID, RowMapping]:
    """Return the visible ones of ``ids``. ``lock`` takes them in one order for everybody."""
    stmt = query(sight).where(entitlements.c.id.in_(ids)).order_by(entitlements.c.id)
    if lock:
        stmt = stmt.with_for_update(of=entitlements)
    return {row["id"]: row for row in await tx.rows(stmt)}


async def open_of_cycle(tx: Transaction, cycle_id: UUID) -> list[RowMapping]:
    """Return and lock the entitlements of a cycle that have something left."""
    return await tx.rows(
        query(Sight.everything(), cycle_id=cycle_id, status="open")
        .order_by(entitlements.c.id)
        .with_for_update(of=entitlements)
    )


async def of_people(
    tx: ReadTransaction,
    sight: Sight,
    persons_: Sequence[UUID],
    families_: Sequence[UUID],
    limit: int,
) -> list[RowMapping]:
    """Return the latest entitlements of these persons or families."""
    mine = or_(entitlements.c.person_id.in_(persons_), entitlements.c.family_id.in_(families_))
    latest = (entitlements.c.due_on.desc(), entitlements.c.id)
    return await tx.rows(query(sight).where(mine).order_by(*latest).limit(limit))


def standing(row: Mapping[Any, Any]) -> Standing:
    """Return what is known around an entitlement read by ``query``."""
    return Standing(
        enrolment_status=row["enrolment_status"],
        family_status=row["family_status"],
        for_person=row["person_id"] is not None,
        presence=row["presence"],
        match_status=row["match_status"],
    )


_told = families.alias("told")
_member = (
    select(members.c.presence, members.c.match_status)
    .join(_told, _told.c.id == members.c.family_id)
    .where(members.c.person_id == entitlements.c.person_id)
    .order_by(_told.c.told_at.desc(), _told.c.id)
    .limit(1)
    .correlate(entitlements)
    .lateral("member")
)
"""The recipient as the family that was told last describes them."""


def _joined() -> FromClause:
    head = (
        select(members.c.person_id)
        .where(
            members.c.family_id == entitlements.c.family_id,
            members.c.relation == HEAD_OF_FAMILY,
        )
        .order_by(members.c.person_id)
        .limit(1)
        .correlate(entitlements)
        .scalar_subquery()
    )
    recipient = func.coalesce(entitlements.c.person_id, head)
    return (
        entitlements.join(programs, programs.c.id == entitlements.c.program_id)
        .join(cycles, cycles.c.id == entitlements.c.cycle_id)
        .outerjoin(enrolments, enrolments.c.id == entitlements.c.enrolment_id)
        .outerjoin(families, families.c.id == entitlements.c.family_id)
        .outerjoin(_member, true())
        .outerjoin(persons, and_(persons.c.id == recipient, persons.c.erased.is_(False)))
        .outerjoin(regions, regions.c.code == entitlements.c.region_code)
    )


def _columns(sight: Sight) -> list[ColumnElement[Any]]:
    shown: list[ColumnElement[Any]] = (
        [persons.c.name, persons.c.nik_masked]
        if sight.names
        else [null().label("name"), null().label("nik_masked")]
    )
    return [
        *(entitlements.c[name] for name in COLUMNS),
        entitlements.c.void_reason,
        *shown,
        regions.c.name.label("region_name"),
        cycles.c.name.label("cycle_name"),
        cycles.c.status.label("cycle_status"),
        cycles.c.opens_on,
        programs.c.code.label("program_code"),
        programs.c.name.label("program_name"),
        programs.c.owner_code,
        programs.c.benefit,
        enrolments.c.status.label("enrolment_status"),
        families.c.status.label("family_status"),
        _member.c.presence,
        _member.c.match_status,
    ]
