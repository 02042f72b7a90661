"""Handover sessions and their lists of recipients."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import RowMapping, Select, insert, select, update

from services.distribution.domain.errors import NotFound
from services.distribution.storage import entitlements
from services.distribution.storage.sight import Sight, programs
from services.distribution.storage.tables import metadata
from services.shared.db import ReadTransaction, Transaction

sessions = metadata.tables["sessions"]
cycles = metadata.tables["cycles"]

KEYS = (sessions.c.held_on.desc(), sessions.c.id.desc())


def query(
    sight: Sight, *, cycle_id: UUID | None = None, held_on: date | None = None
) -> Select[Any]:
    """Select sessions with what a handover needs of cycle and program."""
    stmt = (
        select(
            sessions,
            cycles.c.program_id,
            cycles.c.name.label("cycle_name"),
            cycles.c.status.label("cycle_status"),
            cycles.c.opens_on,
            programs.c.name.label("program_name"),
            programs.c.owner_code,
            programs.c.sensitive,
            programs.c.benefit,
        )
        .join(cycles, cycles.c.id == sessions.c.cycle_id)
        .join(programs, programs.c.id == cycles.c.program_id)
        .where(sight.of_program())
    )
    if cycle_id is not None:
        stmt = stmt.where(sessions.c.cycle_id == cycle_id)
    if held_on is not None:
        stmt = stmt.where(sessions.c.held_on == held_on)
    return stmt


async def get(
    tx: ReadTransaction,
    sight: Sight,
    session_id: UUID,
    *,
    lock: Literal["use", "change"] | None = None,
) -> RowMapping:
    """Return one session; raise ``NotFound`` when it is not there for this caller.

    ``use`` keeps it and its cycle as they are until the transaction ends, and lets others hand
    over in it at the same time; ``change`` waits for all of them.
    """
    stmt = query(sight).where(sessions.c.id == session_id)
    if lock == "use":
        stmt = stmt.with_for_update(of=[sessions, cycles], read=True)
    elif lock == "change":
        stmt = stmt.with_for_update(of=sessions)
    found = await tx.rows(stmt)
    if not found:
        raise NotFound(what="session", id=str(session_id))
    return found[0]


async def add(tx: Transaction, session: Mapping[Any, Any]) -> None:
    """Keep a new session."""
    await tx.execute(insert(sessions).values(**session))


async def close(tx: Transaction, session_id: UUID) -> None:
    """Mark it closed."""
    await tx.execute(
        update(sessions)
        .where(sessions.c.id == session_id)
        .values(status="closed", version=sessions.c.version + 1)
    )


def recipients(sight: Sight, session: Mapping[Any, Any], *, status: str | None) -> Select[Any]:
    """Select who may come to the session: its cycle's entitlements in its region."""
    return entitlements.query(
        sight, cycle_id=session["cycle_id"], region=session["region_code"], status=status
    ).where(entitlements.entitlements.c.status != "void")
