"""Planning and closing handover sessions."""

from datetime import date
from uuid import UUID

from services.distribution.actions.caller import Caller
from services.distribution.domain.cycles import check_open
from services.distribution.domain.errors import SessionClosed
from services.distribution.storage import cycles, sessions
from services.shared.db import Transaction
from services.shared.ids import new_id


async def plan_session(
    tx: Transaction,
    caller: Caller,
    *,
    cycle_id: UUID,
    place: str,
    region_code: str | None,
    held_on: date,
    officer: str,
) -> UUID:
    """Plan a session of an open cycle."""
    cycle = await cycles.get(tx, caller.sight, cycle_id)
    caller.require_hands(cycle)
    check_open(cycle["status"])
    session_id = new_id()
    await sessions.add(
        tx,
        {
            "id": session_id,
            "cycle_id": cycle_id,
            "place": place,
            "region_code": region_code,
            "held_on": held_on,
            "officer": officer,
            "status": "open",
            "version": 1,
            "created_by": caller.id,
            "created_at": tx.now,
        },
    )
    tx.audit("session.planned", f"session/{session_id}", {"cycle_id": str(cycle_id)}, caller.id)
    return session_id


async def close_session(tx: Transaction, caller: Caller, session_id: UUID) -> None:
    """Close a session; deliveries that are under way in it are waited for."""
    session = await sessions.get(tx, caller.sight, session_id, lock="change")
    caller.require_hands(session)
    if session["status"] != "open":
        raise SessionClosed
    await sessions.close(tx, session_id)
    tx.audit("session.closed", f"session/{session_id}", {}, caller.id)
