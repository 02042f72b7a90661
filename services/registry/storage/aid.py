"""The projection of aid states, guarded by (epoch, version)."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from services.registry.domain.aid import AidState
from services.registry.storage.tables import FamilyAidRow, FamilyRow
from services.shared.auth import Scope
from services.shared.db import Pool, ReadTransaction, Transaction

_VALUES = ("family_id", "person_id", "program_id", "status", "value_idr", "epoch", "version")


async def keep(tx: Transaction, states: Sequence[AidState]) -> None:
    """Write states that are newer than what is kept; older ones change nothing."""
    if not states:
        return
    stmt = insert(FamilyAidRow).values(
        [
            {name: getattr(one, name) for name in ("kind", "subject_id", *_VALUES)}
            | {"updated_at": tx.now}
            for one in states
        ]
    )
    await tx.execute(
        stmt.on_conflict_do_update(
            index_elements=["kind", "subject_id"],
            set_={name: stmt.excluded[name] for name in (*_VALUES, "updated_at")},
            where=tuple_(stmt.excluded.epoch, stmt.excluded.version)
            > tuple_(col(FamilyAidRow.epoch), col(FamilyAidRow.version)),
        )
    )


async def of_family(tx: ReadTransaction, family_id: UUID, scope: Scope) -> list[dict[str, Any]]:
    """Return how many enrolments and entitlements a family has, by status, and their value."""
    rows = await tx.rows(
        select(
            col(FamilyAidRow.kind),
            col(FamilyAidRow.status),
            func.count().label("count"),
            func.coalesce(func.sum(FamilyAidRow.value_idr), 0).label("value_idr"),
        )
        .join(FamilyRow, col(FamilyRow.id) == col(FamilyAidRow.family_id))
        .where(col(FamilyAidRow.family_id) == family_id, scope.clause(col(FamilyRow.region_code)))
        .group_by(col(FamilyAidRow.kind), col(FamilyAidRow.status))
        .order_by(col(FamilyAidRow.kind), col(FamilyAidRow.status))
    )
    return [dict(row) for row in rows]


async def forget(tx: Transaction, kind: str) -> None:
    """Empty one half of the projection, before it is read again from the stream."""
    await tx.execute(delete(FamilyAidRow).where(col(FamilyAidRow.kind) == kind))


async def guard(pool: Pool, kind: str, subject_id: str) -> tuple[int, int] | None:
    """Return the (epoch, version) that is kept of one enrolment or entitlement."""
    row = await pool.fetchrow(
        "SELECT epoch, version FROM family_aid WHERE kind = $1 AND subject_id::text = $2",
        kind,
        subject_id,
    )
    return None if row is None else (row["epoch"], row["version"])
