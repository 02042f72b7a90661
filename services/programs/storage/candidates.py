"""Who satisfies a rule: the count, the spread per village, and pages in a published order."""

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import exists, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlmodel import col

from services.programs.domain.rules import PERSON_UNITS, Node
from services.programs.storage.projection_tables import FAMILIES, MEMBERS, REGIONS
from services.programs.storage.rule_sql import compile_rule
from services.programs.storage.tables import LIVE_STATUSES, EnrolmentRow
from services.shared.auth import Scope
from services.shared.db import ReadTransaction
from services.shared.pages import CursorSigner, Slice, paginate


@dataclass(frozen=True, slots=True)
class Search:
    """What is sought: the rule, for which unit, on which day, where."""

    rule: Node
    unit: str
    day: date
    scope: Scope
    region: str | None = None
    not_enrolled_in: tuple[UUID, int] | None = None
    """(program, year): leave out who has a live enrolment there."""


@dataclass(frozen=True, slots=True)
class VillageCount:
    """How many of one village satisfy the rule."""

    region_code: str
    name: str | None
    count: int


def _matching(search: Search) -> tuple[Any, Any]:
    """Return the statement of family and person ids, and the recipient's column."""
    member = MEMBERS.alias()
    of_persons = search.unit in PERSON_UNITS
    condition = compile_rule(search.rule, day=search.day, member=member if of_persons else None)
    person = member.c.person_id if of_persons else FAMILIES.c.family_id
    stmt: Any = select(
        FAMILIES.c.family_id,
        person.label("recipient_id"),
        FAMILIES.c.region_code,
        FAMILIES.c.desil,
        FAMILIES.c.desil_order,
    ).where(FAMILIES.c.current, search.scope.clause(FAMILIES.c.region_code), condition)
    if of_persons:
        stmt = stmt.join_from(FAMILIES, member, member.c.family_id == FAMILIES.c.family_id).where(
            member.c.present
        )
    if search.region is not None:
        stmt = stmt.where(Scope((search.region,)).clause(FAMILIES.c.region_code))
    if search.not_enrolled_in is not None:
        program_id, year = search.not_enrolled_in
        live = exists().where(
            col(EnrolmentRow.program_id) == program_id,
            col(EnrolmentRow.year) == year,
            col(EnrolmentRow.recipient_id) == person,
            col(EnrolmentRow.status).in_(LIVE_STATUSES),
        )
        stmt = stmt.where(~live)
    return stmt, person


@dataclass(frozen=True, slots=True)
class Survey:
    """Whom a rule finds: per village, and the first few (family, recipient)."""

    villages: list[VillageCount]
    sample: list[tuple[UUID, UUID]]


async def survey(tx: ReadTransaction, search: Search, *, sample_size: int) -> Survey:
    """Count whom the rule finds in each village, and name the first in the published order.

    One statement: the rule runs once, both answers read what it found.
    """
    stmt, _ = _matching(search)
    matching = stmt.cte("matching")
    by_village = (
        select(matching.c.region_code, REGIONS.c.name, func.count().label("count"))
        .outerjoin(REGIONS, REGIONS.c.code == matching.c.region_code)
        .group_by(matching.c.region_code, REGIONS.c.name)
        .subquery("by_village")
    )
    first = (
        select(matching.c.family_id, matching.c.recipient_id)
        .order_by(matching.c.desil_order, matching.c.family_id, matching.c.recipient_id)
        .limit(sample_size)
        .subquery("first")
    )
    villages = select(
        func.jsonb_agg(
            aggregate_order_by(func.to_jsonb(by_village.table_valued()), by_village.c.region_code)
        )
    ).scalar_subquery()
    named = select(func.jsonb_agg(func.to_jsonb(first.table_valued()))).scalar_subquery()
    (row,) = await tx.rows(select(villages.label("villages"), named.label("first")))
    return Survey(
        villages=[VillageCount(**village) for village in row["villages"] or ()],
        sample=[
            (UUID(each["family_id"]), UUID(each["recipient_id"])) for each in row["first"] or ()
        ],
    )


async def page_of_candidates(
    tx: ReadTransaction,
    search: Search,
    *,
    limit: int,
    cursor: str | None,
    signer: CursorSigner,
    list_name: str,
) -> Slice:
    """Return one page ordered by desil, family, person: the same for everybody, every time."""
    stmt, person = _matching(search)
    keys = [FAMILIES.c.desil_order, FAMILIES.c.family_id, person]
    return await paginate(
        tx, stmt, keys=keys, limit=limit, cursor=cursor, signer=signer, list_name=list_name
    )
