"""Queries on families. Every one of them takes the caller's scope; there is no way around it."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import func, select, union
from sqlalchemy.dialects.postgresql import Range
from sqlmodel import col

from services.registry.domain.families import Domicile
from services.registry.storage.merging import end_domiciles
from services.registry.storage.tables import (
    FamilyDomicileRow,
    FamilyNumberRow,
    FamilyRow,
    HouseholdRow,
    IdentityClaimRow,
    MembershipRow,
)
from services.shared.auth import Scope
from services.shared.db import Pool, ReadTransaction, Transaction
from services.shared.ids import new_id

_SUMMARY = (
    col(FamilyRow.id),
    col(FamilyRow.region_code),
    col(FamilyRow.rt),
    col(FamilyRow.rw),
    col(FamilyRow.kk_masked),
    col(FamilyRow.head_name),
    col(FamilyRow.member_count),
    col(FamilyRow.desil_low),
    col(FamilyRow.desil_high),
    col(FamilyRow.status),
    col(FamilyRow.synthetic),
    col(FamilyRow.version),
)

# One statement: the hottest read of the service. Members as JSON, because a join would repeat
# the family's columns for each of them.
_ONE = """
SELECT f.id, f.household_id, h.assumed, f.region_code, f.address, f.rt, f.rw, f.kk_masked, f.status,
       f.survivor_id, f.head_name, f.member_count, f.desil_low, f.desil_high, f.ranks::text,
       f.dwelling::text, f.cause, f.effective_on, f.synthetic, f.version, f.updated_at,
       (SELECT coalesce(json_agg(json_build_object(
            'person_id', p.id, 'name', p.name, 'nik_masked', p.nik_masked,
            'nik_missing_reason', p.nik_missing_reason, 'birth_date', p.birth_date, 'sex', p.sex,
            'relation', m.relation, 'presence', m.presence, 'match_status', p.match_status,
            'marital', p.marital, 'education', p.education, 'occupation', p.occupation,
            'conditions', p.conditions) ORDER BY m.relation NULLS LAST, p.birth_date, p.id), '[]')
        FROM memberships m JOIN persons p ON p.id = m.person_id
        WHERE m.family_id = f.id AND m.superseded_at IS NULL AND upper_inf(m.valid))::text
       AS members
FROM families f JOIN households h ON h.id = f.household_id
WHERE f.id = $1 AND f.region_code LIKE ANY($2)
"""

LIST_KEYS = (col(FamilyRow.region_code), col(FamilyRow.id))
DESIL_KEYS = (col(FamilyRow.desil_low), col(FamilyRow.region_code), col(FamilyRow.id))


async def family(pool: Pool, family_id: UUID, scope: Scope) -> "asyncpg.Record | None":
    """Return one family with its members; JSON columns are text."""
    return await pool.fetchrow(_ONE, family_id, scope.like_patterns())


def summaries(scope: Scope) -> Any:
    """Return the select of masked summaries that the caller may see."""
    return select(*_SUMMARY).where(scope.clause(col(FamilyRow.region_code)))


def listing(scope: Scope, *, region: str | None, desil_max: int | None, status: str) -> Any:
    """Return the list of families; ``desil_max`` leaves out who has no rank."""
    stmt = summaries(scope).where(col(FamilyRow.status) == status)
    if region is not None:
        stmt = stmt.where(Scope((region,)).clause(col(FamilyRow.region_code)))
    if desil_max is not None:
        # "6-10" is not at most 8: nobody knows that it is.
        stmt = stmt.where(
            col(FamilyRow.desil_low).is_not(None), col(FamilyRow.desil_high) <= desil_max
        )
    return stmt


async def some(tx: ReadTransaction, ids: Sequence[UUID], scope: Scope) -> list[dict[str, Any]]:
    """Return the summaries of those of ``ids`` that the caller may see."""
    rows = await tx.rows(summaries(scope).where(col(FamilyRow.id).in_(ids)))
    return [dict(row) for row in rows]


async def ids_by_kk(tx: ReadTransaction, indexes: Sequence[bytes]) -> list[UUID]:
    """Return the families that have or had this KK number, disputed claims too."""
    return await tx.scalars(
        union(
            select(col(IdentityClaimRow.subject_id)).where(
                col(IdentityClaimRow.kind) == "kk", col(IdentityClaimRow.number_index).in_(indexes)
            ),
            select(col(FamilyNumberRow.family_id)).where(
                col(FamilyNumberRow.kk_index).in_(indexes)
            ),
        )
    )


async def ids_by_nik(tx: ReadTransaction, indexes: Sequence[bytes]) -> list[UUID]:
    """Return the present families of everyone who claims this NIK."""
    return await tx.scalars(
        select(col(MembershipRow.family_id))
        .join(
            IdentityClaimRow,
            col(IdentityClaimRow.subject_id) == col(MembershipRow.person_id),
        )
        .where(
            col(IdentityClaimRow.kind) == "nik",
            col(IdentityClaimRow.number_index).in_(indexes),
            col(MembershipRow.superseded_at).is_(None),
            func.upper_inf(MembershipRow.valid),
        )
    )


async def locked(tx: Transaction, family_id: UUID, scope: Scope) -> FamilyRow | None:
    """Return the family for a change, held until the transaction ends."""
    found: FamilyRow | None = await tx.scalar(
        select(FamilyRow)
        .where(col(FamilyRow.id) == family_id, scope.clause(col(FamilyRow.region_code)))
        .with_for_update()
    )
    return found


async def member_ids(tx: ReadTransaction, family_id: UUID) -> list[UUID]:
    """Return the present members of a family that the caller has already been shown."""
    return await tx.scalars(
        select(col(MembershipRow.person_id)).where(
            col(MembershipRow.family_id) == family_id,
            col(MembershipRow.superseded_at).is_(None),
            func.upper_inf(MembershipRow.valid),
        )
    )


def domicile_of(row: FamilyRow) -> Domicile:
    """Return where the family lives now."""
    return Domicile(row.region_code, row.address, row.rt, row.rw)


async def move(
    tx: Transaction, row: FamilyRow, to: Domicile, *, day: date, reason: str, actor: str
) -> None:
    """Write a corrected domicile with its history; the family's version rises."""
    if to.region_code != row.region_code:
        await _move_household(tx, row, to.region_code)
    row.region_code, row.address, row.rt, row.rw = to.region_code, to.address, to.rt, to.rw
    row.version += 1
    row.cause, row.effective_on, row.updated_at = "domicile_corrected", day, tx.now
    await tx.flush()
    await end_domiciles(tx, [row.id], day)
    tx.add(
        FamilyDomicileRow(
            id=new_id(),
            family_id=row.id,
            region_code=to.region_code,
            address=to.address,
            rt=to.rt,
            rw=to.rw,
            valid=Range(day, None),
            source="correction",
            reason=reason,
            actor=actor,
            recorded_at=tx.now,
            superseded_at=None,
        )
    )
    await tx.flush()


async def _move_household(tx: Transaction, row: FamilyRow, region_code: str) -> None:
    """Take a dwelling of one's own along; out of a shared one the family gets a new one."""
    household = await tx.get(HouseholdRow, row.household_id)
    sharing = await tx.scalar(
        select(func.count()).where(col(FamilyRow.household_id) == row.household_id)
    )
    if household is not None and sharing == 1:
        household.region_code = region_code
        return
    new = HouseholdRow(
        id=new_id(),
        region_code=region_code,
        assumed=True,
        source="correction",
        created_at=tx.now,
    )
    tx.add(new)
    await tx.flush()
    row.household_id = new.id


async def touch_persons(tx: Transaction, ids: Sequence[UUID]) -> None:
    """Raise the version of persons whose identity event changes with their family."""
    await (await tx.raw()).execute(
        "UPDATE persons SET version = version + 1, updated_at = $2 WHERE id = ANY($1)", ids, tx.now
    )
