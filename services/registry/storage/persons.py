"""Queries on persons. Every one takes the caller's scope: that of the person's family."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import func, select
from sqlmodel import col

from services.registry.storage.tables import (
    FamilyRow,
    IdentityClaimRow,
    MembershipRow,
    PersonRow,
    PiiAccessRow,
)
from services.shared.auth import Scope
from services.shared.db import Pool, ReadTransaction, Transaction

_ONE = """
SELECT p.id, p.name, p.nik_masked, p.nik_missing_reason, p.birth_date, p.sex, p.match_status,
       p.marital, p.education, p.occupation, p.conditions::text, p.synthetic, p.version,
       p.updated_at, m.relation, m.presence, f.id AS family_id, f.region_code
FROM persons p JOIN memberships m ON m.person_id = p.id AND m.superseded_at IS NULL
     AND upper_inf(m.valid)
JOIN families f ON f.id = m.family_id
WHERE p.id = $1 AND f.region_code LIKE ANY($2)
"""

_SUMMARY: tuple[Any, ...] = (
    col(PersonRow.id),
    col(PersonRow.name),
    col(PersonRow.nik_masked),
    col(PersonRow.birth_date),
    col(PersonRow.sex),
    col(PersonRow.match_status),
    col(FamilyRow.id).label("family_id"),
    col(FamilyRow.region_code),
)


async def person(pool: Pool, person_id: UUID, scope: Scope) -> "asyncpg.Record | None":
    """Return one person with their place; ``conditions`` is JSON text."""
    return await pool.fetchrow(_ONE, person_id, scope.like_patterns())


def _at_home(stmt: Any) -> Any:
    return (
        stmt.join(
            MembershipRow,
            (col(MembershipRow.person_id) == col(PersonRow.id))
            & col(MembershipRow.superseded_at).is_(None)
            & func.upper_inf(MembershipRow.valid),
        )
    ).join(FamilyRow, col(FamilyRow.id) == col(MembershipRow.family_id))


async def some(tx: ReadTransaction, ids: Sequence[UUID], scope: Scope) -> list[dict[str, Any]]:
    """Return the summaries of those of ``ids`` that the caller may see."""
    stmt = _at_home(select(*_SUMMARY)).where(
        col(PersonRow.id).in_(ids), scope.clause(col(FamilyRow.region_code))
    )
    return [dict(row) for row in await tx.rows(stmt)]


async def ids_by_nik(tx: ReadTransaction, indexes: Sequence[bytes]) -> list[UUID]:
    """Return everyone who claims this NIK, the holder first."""
    return await tx.scalars(
        select(col(IdentityClaimRow.subject_id))
        .where(col(IdentityClaimRow.kind) == "nik", col(IdentityClaimRow.number_index).in_(indexes))
        .order_by(col(IdentityClaimRow.state).desc(), col(IdentityClaimRow.id))
    )


async def sealed_nik(tx: ReadTransaction, person_id: UUID, scope: Scope) -> tuple[bool, Any]:
    """Return whether the caller may know the person, and the sealed NIK or None."""
    stmt = _at_home(select(col(PersonRow.nik_sealed))).where(
        col(PersonRow.id) == person_id, scope.clause(col(FamilyRow.region_code))
    )
    rows = await tx.rows(stmt)
    return bool(rows), rows[0]["nik_sealed"] if rows else None


def log_access(
    tx: Transaction,
    *,
    action: str,
    actor: str,
    actor_name: str | None,
    agency: str | None,
    purpose: str,
    person_id: UUID | None,
    family_id: UUID | None,
    found: bool,
) -> None:
    """Note who looked, at whom, and why; it stands or falls with the transaction."""
    tx.add(
        PiiAccessRow(
            action=action,
            actor=actor,
            actor_name=actor_name,
            agency=agency,
            purpose=purpose,
            person_id=person_id,
            family_id=family_id,
            found=found,
            at=tx.now,
        )
    )


def accesses(person_id: UUID) -> Any:
    """Return the list of accesses to a person; for the data protection officer alone."""
    return select(
        col(PiiAccessRow.id),
        col(PiiAccessRow.action),
        col(PiiAccessRow.actor),
        col(PiiAccessRow.actor_name),
        col(PiiAccessRow.agency),
        col(PiiAccessRow.purpose),
        col(PiiAccessRow.found),
        col(PiiAccessRow.at),
    ).where(col(PiiAccessRow.person_id) == person_id)


ACCESS_KEYS = (col(PiiAccessRow.id).desc(),)
