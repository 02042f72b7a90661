"""Who satisfies a rule: the count, the spread per village, and pages in a published order."""

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import exists, func, select
from sqlmodel import col

from services.programs.domain.rules import PERSON_UNITS, Node
from services.programs.storage.projection_tables import FAMILIES, MEMBERS, REGIONS
from services.programs.storage.rule_sql import compile_rule
from services.programs.storage.tables import LIVE_STATUSES, EnrolmentRow
from services.shared.auth import Scope
from services.shared.db import ReadTransaction
from services.shared.pages import CursorSigner, Slice, paginate

DESIL_UNKNOWN = 99
"""Sorts families without a desil last: a keyset needs a value."""


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


async def count_by_village(tx: ReadTransaction, search: Search) -> list[VillageCount]:
    """Return the count of each village that has any."""
    matching = _matching(search)[0].subquery()
    stmt = (
        select(matching.c.region_code, REGIONS.c.name, func.count().label("count"))
        .outerjoin(REGIONS, REGIONS.c.code == matching.c.region_code)
        .group_by(matching.c.region_code, REGIONS.c.name)
        .order_by(matching.c.region_code)
    )
    return [VillageCount(**row) for row in await tx.rows(stmt)]


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
    keys = [func.coalesce(FAMILIES.c.desil, DESIL_UNKNOWN), FAMILIES.c.family_id, person]
    return await paginate(
        tx, stmt, keys=keys, limit=limit, cursor=cursor, signer=signer, list_name=list_name
    )


async def sample(tx: ReadTransaction, search: Search, *, size: int) -> list[tuple[UUID, UUID]]:
    """Return (family, recipient) of the first ``size`` in the published order."""
    stmt, person = _matching(search)
    order = (func.coalesce(FAMILIES.c.desil, DESIL_UNKNOWN), FAMILIES.c.family_id, person)
    rows = await tx.rows(stmt.order_by(*order).limit(size))
    return [(row["family_id"], row["recipient_id"]) for row in rows]
