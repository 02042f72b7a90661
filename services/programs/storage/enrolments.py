"""Queries of enrolments. Every read takes the caller's regions and agency."""

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import aliased
from sqlmodel import col

from services.programs.domain.enrolments import HeldProgram
from services.programs.storage.programs import visible
from services.programs.storage.rules import MUTUAL_EXCLUSION
from services.programs.storage.tables import (
    ENROLMENT_LOG,
    ENROLMENTS,
    LIVE_STATUSES,
    EnrolmentLogRow,
    EnrolmentRow,
    ProgramRow,
    StackingRuleRow,
)
from services.shared.auth import Scope
from services.shared.db import ReadTransaction, Transaction
from services.shared.pages import CursorSigner, Slice, paginate

HOLDING = ("granted", "suspended")
"""A suspended enrolment still stands in the way of one that excludes it."""


@dataclass(frozen=True, slots=True)
class Enrolment:
    """An enrolment as it is kept."""

    enrolment_id: UUID
    program_id: UUID
    year: int
    family_id: UUID
    person_id: UUID | None
    recipient_id: UUID
    region_code: str
    status: str
    eligible: bool
    rule_id: UUID | None
    rule_version: int | None
    facts: dict[str, Any]
    reasons: list[dict[str, Any]]
    note: str | None
    proposed_by: str
    proposed_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    override_reason: str | None
    valid_from: date
    valid_to: date
    version: int


@dataclass(frozen=True, slots=True)
class Sight:
    """What a caller may see of enrolments: regions, agency, and whether only the agency's own."""

    scope: Scope
    agency: str | None
    own_only: bool

    def clause(self) -> ColumnElement[bool]:
        """Return the condition over enrolments joined to programs."""
        seen = and_(visible(self.agency), self.scope.clause(col(EnrolmentRow.region_code)))
        if not self.own_only:
            return seen
        own = (col(ProgramRow.owner_code), col(ProgramRow.reporter_code))
        return and_(seen, or_(*(column == (self.agency or "") for column in own)))


async def insert_enrolments(tx: Transaction, enrolments: Sequence[Enrolment]) -> set[UUID]:
    """Insert those whose recipient has no live enrolment yet; return the ids that went in."""
    if not enrolments:
        return set()
    added: set[UUID] = set()
    # PostgreSQL takes 32767 parameters per statement; 22 columns leave room for 1,000 rows.
    rows = [asdict(enrolment) for enrolment in enrolments]
    stmt = insert(EnrolmentRow).values(rows).on_conflict_do_nothing()
    added.update(await tx.scalars(stmt.returning(col(EnrolmentRow.enrolment_id))))
    return added


async def update_enrolments(tx: Transaction, enrolments: Sequence[Enrolment]) -> None:
    """Overwrite enrolments that the caller has locked."""
    if not enrolments:
        return
    rows = [asdict(enrolment) for enrolment in enrolments]
    stmt = insert(EnrolmentRow).values(rows)
    changed = {name: stmt.excluded[name] for name in _CHANGING}
    await tx.execute(
        stmt.on_conflict_do_update(index_elements=[col(EnrolmentRow.enrolment_id)], set_=changed)
    )


_CHANGING = (
    "status", "eligible", "rule_id", "rule_version", "facts", "reasons", "decided_by",
    "decided_at", "override_reason", "valid_to", "version",
)  # fmt: skip


async def log_enrolments(
    tx: Transaction, enrolments: Sequence[Enrolment], *, by: str, action: str, reason: str | None
) -> None:
    """Append one step of each to the log."""
    if not enrolments:
        return
    rows = [
        {
            "enrolment_id": each.enrolment_id,
            "version": each.version,
            "at": tx.now,
            "actor": by,
            "action": action,
            "status": each.status,
            "reason": reason,
        }
        for each in enrolments
    ]
    await tx.execute(insert(EnrolmentLogRow).values(rows))


async def get_enrolments(
    tx: ReadTransaction, enrolment_ids: Collection[UUID], *, sight: Sight, lock: bool = False
) -> dict[UUID, Enrolment]:
    """Return those enrolments that the caller may see. ``lock`` holds them."""
    stmt = (
        select(ENROLMENTS)
        .join(ProgramRow, col(ProgramRow.program_id) == col(EnrolmentRow.program_id))
        .where(col(EnrolmentRow.enrolment_id).in_(list(enrolment_ids)), sight.clause())
        .order_by(col(EnrolmentRow.enrolment_id))
    )
    rows = await tx.rows(stmt.with_for_update(of=ENROLMENTS) if lock else stmt)
    return {row["enrolment_id"]: Enrolment(**row) for row in rows}


async def list_enrolments(
    tx: ReadTransaction,
    *,
    sight: Sight,
    program_id: UUID | None,
    year: int | None,
    status: str | None,
    family_id: UUID | None,
    region: str | None,
    limit: int,
    cursor: str | None,
    signer: CursorSigner,
) -> Slice:
    """Return one page, newest first."""
    stmt: Any = (
        select(ENROLMENTS)
        .join(ProgramRow, col(ProgramRow.program_id) == col(EnrolmentRow.program_id))
        .where(sight.clause())
    )
    equal = {"program_id": program_id, "year": year, "status": status, "family_id": family_id}
    for name, value in equal.items():
        if value is not None:
            stmt = stmt.where(ENROLMENTS.c[name] == value)
    if region is not None:
        stmt = stmt.where(Scope((region,)).clause(col(EnrolmentRow.region_code)))
    return await paginate(
        tx,
        stmt,
        keys=[col(EnrolmentRow.enrolment_id).desc()],
        limit=limit,
        cursor=cursor,
        signer=signer,
        list_name=f"enrolments:{list(equal.values())}:{region}",
    )


async def enrolments_of_families(
    tx: ReadTransaction, family_ids: Collection[UUID], *, sight: Sight
) -> list[Enrolment]:
    """Return everything the families have, newest first: question 1 of DESIGN."""
    rows = await tx.rows(
        select(ENROLMENTS)
        .join(ProgramRow, col(ProgramRow.program_id) == col(EnrolmentRow.program_id))
        .where(col(EnrolmentRow.family_id).in_(list(family_ids)), sight.clause())
        .order_by(col(EnrolmentRow.enrolment_id).desc())
        .limit(200)
    )
    return [Enrolment(**row) for row in rows]


async def enrolment_log(tx: ReadTransaction, enrolment_id: UUID) -> list[dict[str, Any]]:
    """Return the steps of one enrolment, oldest first."""
    table = ENROLMENT_LOG
    rows = await tx.rows(
        select(table.c.at, table.c.actor, table.c.action, table.c.status, table.c.reason)
        .where(table.c.enrolment_id == enrolment_id)
        .order_by(table.c.version)
    )
    return [dict(row) for row in rows]


async def held_programs(
    tx: ReadTransaction,
    family_ids: Collection[UUID],
    program_ids: Collection[UUID],
    *,
    agency: str | None,
    period: tuple[date, date],
) -> dict[UUID, dict[UUID, HeldProgram]]:
    """Return, per family, which of ``program_ids`` it holds within ``period``.

    ``agency`` may know of its sensitive programs; any other sensitive program is told hidden.
    """
    rows = await tx.rows(
        select(
            col(EnrolmentRow.family_id),
            col(ProgramRow.program_id),
            col(ProgramRow.name),
            (~visible(agency)).label("hidden"),
        )
        .join(ProgramRow, col(ProgramRow.program_id) == col(EnrolmentRow.program_id))
        .where(
            col(EnrolmentRow.family_id).in_(list(family_ids)),
            col(EnrolmentRow.program_id).in_(list(program_ids)),
            col(EnrolmentRow.status).in_(HOLDING),
            col(EnrolmentRow.valid_from) <= period[1],
            col(EnrolmentRow.valid_to) >= period[0],
        )
    )
    held: dict[UUID, dict[UUID, HeldProgram]] = {}
    for row in rows:
        program = HeldProgram(row["program_id"], row["name"], row["hidden"])
        held.setdefault(row["family_id"], {})[program.program_id] = program
    return held


async def count_granted(tx: ReadTransaction, program_id: UUID, year: int) -> int:
    """Return how many places of the year are taken."""
    return int(
        await tx.scalar(
            select(func.count()).where(
                col(EnrolmentRow.program_id) == program_id,
                col(EnrolmentRow.year) == year,
                col(EnrolmentRow.status).in_(HOLDING),
            )
        )
    )


async def live_recipients(
    tx: ReadTransaction, program_id: UUID, recipient_ids: Collection[UUID]
) -> set[tuple[int, UUID]]:
    """Return (year, recipient) of those that have a live enrolment in the program."""
    rows = await tx.rows(
        select(col(EnrolmentRow.year), col(EnrolmentRow.recipient_id)).where(
            col(EnrolmentRow.program_id) == program_id,
            col(EnrolmentRow.recipient_id).in_(list(recipient_ids)),
            col(EnrolmentRow.status).in_(LIVE_STATUSES),
        )
    )
    return {(row["year"], row["recipient_id"]) for row in rows}


async def list_overlaps(
    tx: ReadTransaction,
    *,
    sight: Sight,
    hidden: Collection[UUID],
    limit: int,
    cursor: str | None,
    signer: CursorSigner,
) -> Slice:
    """Return families that hold two programs which exclude each other: question 3 of DESIGN."""
    first, second = aliased(EnrolmentRow), aliased(EnrolmentRow)
    rule = StackingRuleRow
    stmt: Any = (
        select(
            col(first.family_id),
            col(first.region_code),
            col(first.enrolment_id).label("enrolment_a"),
            col(second.enrolment_id).label("enrolment_b"),
            col(rule.program_a),
            col(rule.program_b),
            col(rule.legal_reference),
        )
        .select_from(rule)
        .join(first, col(first.program_id) == col(rule.program_a))
        .join(
            second,
            and_(
                col(second.program_id) == col(rule.program_b),
                col(second.family_id) == col(first.family_id),
                col(second.valid_from) <= col(first.valid_to),
                col(second.valid_to) >= col(first.valid_from),
            ),
        )
        .where(
            col(rule.kind) == MUTUAL_EXCLUSION,
            col(rule.program_a).not_in(list(hidden)),
            col(rule.program_b).not_in(list(hidden)),
            col(first.status).in_(HOLDING),
            col(second.status).in_(HOLDING),
            col(rule.valid_from) <= func.least(col(first.valid_to), col(second.valid_to)),
            or_(
                col(rule.valid_to).is_(None),
                col(rule.valid_to) >= func.greatest(col(first.valid_from), col(second.valid_from)),
            ),
            sight.scope.clause(col(first.region_code)),
        )
    )
    keys = [col(first.enrolment_id), col(second.enrolment_id)]
    return await paginate(
        tx, stmt, keys=keys, limit=limit, cursor=cursor, signer=signer, list_name="overlaps"
    )


async def every_enrolment(tx: ReadTransaction) -> AsyncIterator[tuple[Enrolment, bool, str]]:
    """Yield all enrolments, whether the program is sensitive and whose it is, by the thousand."""
    last: UUID | None = None
    while True:
        stmt = (
            select(ENROLMENTS, col(ProgramRow.sensitive), col(ProgramRow.owner_code))
            .join(ProgramRow, col(ProgramRow.program_id) == col(EnrolmentRow.program_id))
            .order_by(col(EnrolmentRow.enrolment_id))
            .limit(1_000)
        )
        if last is not None:
            stmt = stmt.where(col(EnrolmentRow.enrolment_id) > last)
        rows = [dict(row) for row in await tx.rows(stmt)]
        for row in rows:
            sensitive, owner_code = row.pop("sensitive"), row.pop("owner_code")
            yield Enrolment(**row), sensitive, owner_code
        if not rows:
            return
        last = rows[-1]["enrolment_id"]
