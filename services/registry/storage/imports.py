"""Imports as rows: entered, claimed by a worker, moved from state to state, listed in scope."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select, text, update
from sqlalchemy import insert as insert_row
from sqlmodel import col

from services.registry.domain.imports import STAGES, WORKABLE, ImportFormat, ImportState
from services.registry.storage.import_tables import ImportRow
from services.shared.auth import Scope
from services.shared.db import ReadTransaction, Transaction

COUNTS = (
    "rows_read",
    "rows_new",
    "rows_changed",
    "rows_unchanged",
    "rows_rejected",
    "rows_warned",
    "rows_left_out",
)
LEASE = timedelta(seconds=60)
"""A worker that was silent for so long is taken for dead, and another takes the import over."""
ATTEMPTS_MAX = 5
_STAMPS = {
    ImportState.PARSED: "parsed_at",
    ImportState.VALIDATED: "validated_at",
    ImportState.REVIEWED: "reviewed_at",
}
LIST_KEYS = (col(ImportRow.id).desc(),)
"""Newest first: ids are made in the order of time."""


@dataclass(frozen=True, slots=True)
class ImportJob:
    """What a worker needs of the import that it claimed. ``observed_on`` is the list's day."""

    id: UUID
    format: ImportFormat
    state: ImportState
    region_code: str
    upload_id: UUID
    bast_number: str
    period: str
    observed_on: date
    synthetic: bool
    uploaded_by: str
    decided_by: str
    attempts: int
    worker: str


async def insert(tx: Transaction, values: Mapping[str, Any]) -> None:
    """Enter a received import; counts start at nothing."""
    await tx.execute(
        insert_row(ImportRow).values(
            **dict.fromkeys(COUNTS, 0),
            **values,
            state=ImportState.RECEIVED,
            progress_done=0,
            version=1,
            attempts=0,
            received_at=tx.now,
            updated_at=tx.now,
        )
    )


async def find(
    tx: ReadTransaction, import_id: UUID, scope: Scope, *, lock: bool = False
) -> dict[str, Any] | None:
    """Return the import as a mapping of its columns, or None when it is not in ``scope``."""
    stmt = in_scope(scope).where(col(ImportRow.id) == import_id)
    # Not the key: a chunk being staged holds a share of it and need not be waited for.
    rows = await tx.rows(stmt.with_for_update(key_share=True) if lock else stmt)
    return dict(rows[0]) if rows else None


def in_scope(scope: Scope, state: ImportState | None = None) -> Select[Any]:
    """Return the statement of the imports of the regions in ``scope``."""
    columns = ImportRow.__table__.c  # type: ignore[attr-defined] # SQLModel does not declare it
    stmt = select(*columns).where(scope.clause(col(ImportRow.region_code)))
    return stmt if state is None else stmt.where(col(ImportRow.state) == state)


async def first_seen(
    tx: ReadTransaction, sha256: bytes | None, import_format: ImportFormat, region_code: str
) -> date | None:
    """Return the day of the earliest merged import of these very bytes for this region."""
    if sha256 is None:
        return None
    found: date | None = await tx.scalar(
        select(col(ImportRow.observed_on))
        .where(
            col(ImportRow.file_sha256) == sha256,
            col(ImportRow.format) == import_format,
            col(ImportRow.region_code) == region_code,
            col(ImportRow.state) == ImportState.MERGED,
        )
        .order_by(col(ImportRow.received_at))
        .limit(1)
    )
    return found


async def waits(tx: ReadTransaction) -> bool:
    """Say whether an import waits for a worker."""
    return await tx.scalar(_waiting(tx)) is not None


async def claim(tx: Transaction, worker: str) -> ImportJob | None:
    """Take the oldest import that waits for a worker and that no living worker holds."""
    import_id = await tx.scalar(_waiting(tx).with_for_update(skip_locked=True))
    if import_id is None:
        return None
    rows = await tx.rows(
        update(ImportRow)
        .where(col(ImportRow.id) == import_id)
        .values(
            worker=worker,
            lease_until=tx.now + LEASE,
            attempts=col(ImportRow.attempts) + 1,
            progress_done=0,
        )
        .returning(*ImportRow.__table__.c)  # type: ignore[attr-defined] # as above
    )
    row = rows[0]
    return ImportJob(
        id=row["id"],
        format=ImportFormat(row["format"]),
        state=ImportState(row["state"]),
        region_code=row["region_code"],
        upload_id=row["upload_id"],
        bast_number=row["bast_number"] or "",
        period=row["period"] or "",
        observed_on=row["observed_on"],
        synthetic=row["synthetic"],
        uploaded_by=row["uploaded_by"],
        decided_by=row["decided_by"] or "",
        attempts=row["attempts"],
        worker=worker,
    )


async def beat(tx: Transaction, job: ImportJob, done: int, total: int | None) -> bool:
    """Show progress and keep the lease; False when the import is no longer this worker's."""
    return await _change(
        tx,
        job,
        {"lease_until": tx.now + LEASE, "progress_done": done, "progress_total": total},
    )


async def move(
    tx: Transaction, job: ImportJob, to: ImportState, values: Mapping[str, Any] | None = None
) -> bool:
    """Move the claimed import on and let it go; False when a person or worker was faster."""
    changes: dict[str, Any] = {
        **(values or {}),
        "state": to,
        "version": col(ImportRow.version) + 1,
        "lease_until": None,
        "worker": None,
        "attempts": 0,
    }
    changes[_STAMPS.get(to, "finished_at")] = tx.now
    return await _change(tx, job, changes)


async def let_go(tx: Transaction, job: ImportJob, not_before: datetime) -> None:
    """Leave the import to a later attempt, of this worker or another."""
    await _change(tx, job, {"lease_until": not_before})


async def decide(tx: Transaction, import_id: UUID, values: Mapping[str, Any]) -> None:
    """Write a person's decision on an import that this transaction has locked."""
    stamp = _STAMPS.get(values["state"], "finished_at")
    await tx.execute(
        update(ImportRow)
        .where(col(ImportRow.id) == import_id)
        .values(
            **values,
            **{stamp: tx.now},
            version=col(ImportRow.version) + 1,
            updated_at=tx.now,
            lease_until=None,
            worker=None,
            attempts=0,
        )
    )


async def forget_rows(tx: Transaction, finished_before: datetime, limit: int) -> int:
    """Delete the staged rows of imports that ended before then; return how many imports."""
    old = await tx.scalars(
        select(col(ImportRow.id))
        .where(
            col(ImportRow.finished_at) < finished_before, col(ImportRow.rows_deleted_at).is_(None)
        )
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    if old:
        await tx.execute(text("DELETE FROM import_rows WHERE import_id = ANY(:ids)"), {"ids": old})
        await tx.execute(
            update(ImportRow).where(col(ImportRow.id).in_(old)).values(rows_deleted_at=tx.now)
        )
    return len(old)


def _waiting(tx: ReadTransaction) -> Select[Any]:
    return (
        select(col(ImportRow.id))
        .where(
            col(ImportRow.state).in_(WORKABLE),
            col(ImportRow.lease_until).is_(None) | (col(ImportRow.lease_until) < tx.now),
        )
        .order_by(col(ImportRow.received_at))
        .limit(1)
    )


async def _change(tx: Transaction, job: ImportJob, values: Mapping[str, Any]) -> bool:
    result = await tx.execute(
        update(ImportRow)
        .where(
            col(ImportRow.id) == job.id,
            col(ImportRow.state) == job.state,
            col(ImportRow.worker) == job.worker,
        )
        .values(**values, updated_at=tx.now)
        .returning(col(ImportRow.id))
    )
    return result.first() is not None


async def standing(tx: ReadTransaction) -> dict[ImportState, tuple[int, datetime]]:
    """Return, for each state that is not an end, how many stand there and since when the first."""
    stamps = (ImportRow.received_at, ImportRow.parsed_at, ImportRow.validated_at)
    since = func.greatest(*(col(stamp) for stamp in (*stamps, ImportRow.reviewed_at)))
    rows = await tx.rows(
        select(col(ImportRow.state), func.count().label("number"), func.min(since).label("since"))
        .where(col(ImportRow.state).in_(STAGES))
        .group_by(col(ImportRow.state))
    )
    return {ImportState(row["state"]): (row["number"], row["since"]) for row in rows}
