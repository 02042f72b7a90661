"""Queries of eligibility rules and stacking rules."""

from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from services.programs.domain.enrolments import StackingRule
from services.programs.storage.tables import (
    ELIGIBILITY_RULES,
    STACKING_RULES,
    EligibilityRuleRow,
    StackingRuleRow,
)
from services.shared.db import ReadTransaction, Transaction

MUTUAL_EXCLUSION = "MUTUAL_EXCLUSION"
WARN_ONLY = "WARN_ONLY"


@dataclass(frozen=True, slots=True)
class RuleRecord:
    """One version of a program's rule as it is kept."""

    rule_id: UUID
    program_id: UUID
    version: int
    tree: dict[str, Any]
    legal_reference: str
    valid_from: date
    valid_to: date | None
    created_by: str


async def next_rule_version(tx: Transaction, program_id: UUID) -> int:
    """Return the version that the program's next rule gets; the caller holds the program."""
    version = func.max(col(EligibilityRuleRow.version))
    stmt = select(version).where(col(EligibilityRuleRow.program_id) == program_id)
    return int(await tx.scalar(stmt) or 0) + 1


async def add_rule(tx: Transaction, rule: RuleRecord) -> None:
    """Insert one version."""
    await tx.execute(insert(EligibilityRuleRow).values(**asdict(rule), created_at=tx.now))


async def rule_in_force(tx: ReadTransaction, program_id: UUID, day: date) -> RuleRecord | None:
    """Return the highest version whose dates include ``day``."""
    stmt = _rules(program_id).where(
        col(EligibilityRuleRow.valid_from) <= day,
        or_(col(EligibilityRuleRow.valid_to).is_(None), col(EligibilityRuleRow.valid_to) >= day),
    )
    rows = await tx.rows(stmt.limit(1))
    return _record(rows[0]) if rows else None


async def rule_history(tx: ReadTransaction, program_id: UUID) -> list[RuleRecord]:
    """Return all versions, newest first; a rule has tens of versions at most."""
    return [_record(row) for row in await tx.rows(_rules(program_id).limit(200))]


def _rules(program_id: UUID) -> Any:
    return (
        select(ELIGIBILITY_RULES)
        .where(col(EligibilityRuleRow.program_id) == program_id)
        .order_by(col(EligibilityRuleRow.version).desc())
    )


def _record(row: Any) -> RuleRecord:
    values = dict(row)
    values.pop("created_at")
    return RuleRecord(**values)


async def add_stacking_rule(tx: Transaction, rule: StackingRule, *, by: str) -> bool:
    """Insert it with its programs in order; return False when the same rule is there."""
    first, second = sorted((rule.program_a, rule.program_b))
    added = await tx.scalar(
        insert(StackingRuleRow)
        .values(
            stacking_rule_id=rule.stacking_rule_id,
            program_a=first,
            program_b=second,
            kind=WARN_ONLY if rule.warn_only else MUTUAL_EXCLUSION,
            legal_reference=rule.legal_reference,
            valid_from=rule.valid_from,
            valid_to=rule.valid_to,
            created_by=by,
            created_at=tx.now,
        )
        .on_conflict_do_nothing()
        .returning(col(StackingRuleRow.stacking_rule_id))
    )
    return added is not None


async def stacking_rules(
    tx: ReadTransaction, *, program_id: UUID | None = None, hidden: Collection[UUID] = ()
) -> list[StackingRule]:
    """Return the rules of one program or of all, without those that touch a hidden program."""
    first, second = col(StackingRuleRow.program_a), col(StackingRuleRow.program_b)
    stmt = (
        select(STACKING_RULES)
        .where(first.not_in(list(hidden)), second.not_in(list(hidden)))
        .order_by(col(StackingRuleRow.stacking_rule_id))
        .limit(1_000)
    )
    if program_id is not None:
        stmt = stmt.where(or_(first == program_id, second == program_id))
    return [
        StackingRule(
            stacking_rule_id=row["stacking_rule_id"],
            program_a=row["program_a"],
            program_b=row["program_b"],
            warn_only=row["kind"] == WARN_ONLY,
            legal_reference=row["legal_reference"],
            valid_from=row["valid_from"],
            valid_to=row["valid_to"],
        )
        for row in await tx.rows(stmt)
    ]
