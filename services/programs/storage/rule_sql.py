"""Compiles a rule to one SQL condition over the projection: families, or families x members.

SQL's own three values carry the rule's "unknown". Where a condition stands positively, unknown
and false end alike, so "some member" may be a plain EXISTS, which PostgreSQL turns into a
semi-join; below a negation it must tell them apart.
"""

from datetime import date
from typing import Any, TypeAlias

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Date,
    Integer,
    Select,
    Text,
    and_,
    case,
    cast,
    collate,
    column,
    exists,
    false,
    func,
    not_,
    null,
    or_,
    select,
    true,
)
from sqlalchemy.sql.selectable import NamedFromClause
from sqlmodel import col

from services.programs.domain.facts import MONTHS_PER_YEAR, month_number
from services.programs.domain.rules import (
    Age,
    AllOf,
    AnyOf,
    Desil,
    DwellingAnswer,
    InRegion,
    MemberAnswer,
    Node,
    Not,
    Receives,
    RegionKind,
    Sex,
    SomeMember,
)
from services.programs.storage.projection_tables import FAMILIES, MEMBERS, REGIONS
from services.programs.storage.tables import EnrolmentRow

UNKNOWN: ColumnElement[bool] = cast(null(), Boolean)
Condition: TypeAlias = ColumnElement[bool]
Members: TypeAlias = NamedFromClause[Any]


def compile_rule(node: Node, *, day: date, member: Members | None) -> Condition:
    """Return the condition that is true exactly for who satisfies ``node`` on ``day``.

    It stands over ``family_facts``, and over ``member`` (an alias of ``member_facts`` joined to
    it) when persons are sought.
    """
    return _Compiler(day).node(node, member, positive=True)


class _Compiler:
    def __init__(self, day: date) -> None:
        self._day = day
        self._month = month_number(day.year, day.month)

    def node(  # noqa: PLR0911 - a case per kind of node
        self, node: Node, member: Members | None, *, positive: bool
    ) -> Condition:
        match node:
            case AllOf(()) | AnyOf(()):
                return UNKNOWN
            case AllOf(items):
                return and_(*(self.node(item, member, positive=positive) for item in items))
            case AnyOf(items):
                return or_(*(self.node(item, member, positive=positive) for item in items))
            case Not(item):
                return not_(self.node(item, member, positive=not positive))
            case SomeMember(item):
                return self._some_member(item, positive=positive)
            case MemberAnswer() | Age() | Sex():
                # A member's condition without a member is unknown, as in the evaluation.
                return UNKNOWN if member is None else self._member(node, member)
            case _:
                return self._family(node)

    def _family(self, leaf: Desil | InRegion | RegionKind | Receives | DwellingAnswer) -> Condition:
        region = FAMILIES.c.region_code
        match leaf:
            case Desil(low, high, None, None):
                return FAMILIES.c.desil.between(low, high)
            case Desil(low, high, period, source):
                return _rank(period, source).scalar_subquery().between(low, high)
            case InRegion(prefixes):
                return or_(
                    region.in_(prefixes),
                    *(region.startswith(f"{prefix}.", autoescape=True) for prefix in prefixes),
                )
            case RegionKind(kind):
                level = select(REGIONS.c.level).where(REGIONS.c.code == region)
                return level.correlate(FAMILIES).scalar_subquery() == kind
            case Receives(program_id, wanted):
                holds = exists().where(
                    col(EnrolmentRow.family_id) == FAMILIES.c.family_id,
                    col(EnrolmentRow.program_id) == program_id,
                    holds_on(self._day),
                )
                held = holds.correlate(FAMILIES)
                return held if wanted else not_(held)
            case DwellingAnswer(question, codes):
                answer = cast(FAMILIES.c.dwelling[question].astext, BigInteger)
                return answer.in_(codes)

    def _member(self, leaf: MemberAnswer | Age | Sex, member: Members) -> Condition:
        match leaf:
            case MemberAnswer(question, codes):
                return cast(member.c.answers[question].astext, BigInteger).in_(codes)
            case Sex(value):
                same: Condition = member.c.sex == value
                return same
            case Age(low, high):
                born = member.c.born_month
                old_enough: Condition = born <= self._month - low * MONTHS_PER_YEAR
                if high is None:
                    return old_enough
                return and_(old_enough, born > self._month - (high + 1) * MONTHS_PER_YEAR)

    def _some_member(self, item: Node, *, positive: bool) -> Condition:
        member = MEMBERS.alias()
        inner = self.node(item, member, positive=positive)
        here = and_(member.c.family_id == FAMILIES.c.family_id, member.c.present)
        if positive:
            return exists().where(here, inner).correlate(FAMILIES)
        truths = select(inner.label("truth")).where(here).correlate(FAMILIES).lateral()
        return (
            select(
                case(
                    (func.bool_or(truths.c.truth), true()),
                    (func.count() > func.count(truths.c.truth), UNKNOWN),
                    (func.count() == 0, UNKNOWN),
                    else_=false(),
                )
            )
            .select_from(truths)
            .correlate(FAMILIES)
            .scalar_subquery()
        )


def holds_on(day: date) -> Condition:
    """Return the condition that an enrolment is granted and runs on ``day``."""
    return and_(
        col(EnrolmentRow.status) == "granted",
        col(EnrolmentRow.valid_from) <= day,
        col(EnrolmentRow.valid_to) >= day,
    )


def _rank(period: str | None, source: str | None) -> Select[tuple[int | None]]:
    """Choose the newest rank as ``domain.facts.choose_rank`` does."""
    ranks = (
        func.jsonb_to_recordset(FAMILIES.c.ranks)
        .table_valued(
            column("period", Text),
            column("source", Text),
            column("low", Integer),
            column("high", Integer),
            column("as_of", Date),
        )
        .render_derived(with_types=True)
    )
    stmt = select(case((ranks.c.low == ranks.c.high, ranks.c.low), else_=None)).order_by(
        ranks.c.as_of.desc(),
        collate(ranks.c.period, "C").desc(),
        collate(ranks.c.source, "C").desc(),
    )
    if period is not None:
        stmt = stmt.where(ranks.c.period == period)
    if source is not None:
        stmt = stmt.where(ranks.c.source == source)
    return stmt.limit(1).correlate(FAMILIES)
