"""Handover sessions and their lists."""

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from fastapi import Request, Response
from pydantic import BaseModel, ConfigDict

from services.distribution.actions import sessions as actions
from services.distribution.api.entitlements import EntitlementPage, page_of
from services.distribution.api.freshness import Fresh
from services.distribution.api.permissions import Hand, caller_of, sight_of
from services.distribution.api.shapes import Name, RegionCode
from services.distribution.domain import errors
from services.distribution.storage import entitlements as entitlement_reads
from services.distribution.storage import sessions as reads
from services.shared.http import ReadTx, Signer, Tx, etag, refuses, service_router
from services.shared.pages import Cursor, Limit, Page, link_next, paginate
from services.shared.scope import REGION_FOREIGN
from services.shared.shapes import Day

router = service_router(tags=["sessions"], prefix="/v1/sessions")


class PlanSession(BaseModel):
    """A day and a place. ``region_code`` narrows the list of recipients."""

    model_config = ConfigDict(extra="forbid")

    cycle_id: UUID
    place: Name
    held_on: Day
    officer: Name
    region_code: RegionCode | None = None


class SessionView(BaseModel):
    """A session with the names of its cycle and program."""

    id: UUID
    cycle_id: UUID
    cycle_name: str
    program_id: UUID
    program_name: str
    place: str
    region_code: str | None
    held_on: date
    officer: str
    status: Literal["open", "closed"]
    version: int
    created_at: datetime
    allowed_actions: list[str]


@router.post("", status_code=201)
@refuses(errors.NotFound, errors.NotYourProgram, REGION_FOREIGN, errors.CycleClosed)
async def plan_session(body: PlanSession, tx: Tx, response: Response, actor: Hand) -> SessionView:
    """Plan a session of an open cycle."""
    if body.region_code is not None:
        actor.scope.require(body.region_code)
    session_id = await actions.plan_session(tx, caller_of(actor), **body.model_dump())
    response.headers["Location"] = f"/v1/sessions/{session_id}"
    response.headers["ETag"] = etag(1)
    return view(await reads.get(tx, sight_of(actor), session_id))


@router.get("")
async def list_sessions(
    *,
    request: Request,
    response: Response,
    tx: ReadTx,
    actor: Hand,
    signer: Signer,
    cycle_id: UUID | None = None,
    held_on: Day | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[SessionView]:
    """List sessions, the latest first."""
    found = await paginate(
        tx, reads.query(sight_of(actor), cycle_id=cycle_id, held_on=held_on), keys=reads.KEYS,
        limit=limit, cursor=cursor, signer=signer, list_name=f"sessions|{cycle_id}|{held_on}",
    )  # fmt: skip
    page = found.page(view)
    link_next(request, response, page)
    return page


@router.get("/{session_id}")
@refuses(errors.NotFound)
async def read_session(
    session_id: UUID, tx: ReadTx, response: Response, actor: Hand
) -> SessionView:
    """Return one session."""
    row = await reads.get(tx, sight_of(actor), session_id)
    response.headers["ETag"] = etag(row["version"])
    return view(row)


@router.post("/{session_id}/close")
@refuses(errors.NotFound, errors.NotYourProgram, errors.SessionClosed)
async def close_session(session_id: UUID, tx: Tx, response: Response, actor: Hand) -> SessionView:
    """Close a session; it takes no delivery any more."""
    await actions.close_session(tx, caller_of(actor), session_id)
    row = await reads.get(tx, sight_of(actor), session_id)
    response.headers["ETag"] = etag(row["version"])
    return view(row)


@router.get("/{session_id}/recipients")
@refuses(errors.NotFound)
async def list_recipients(
    *,
    request: Request,
    response: Response,
    session_id: UUID,
    tx: ReadTx,
    actor: Hand,
    fresh: Fresh,
    signer: Signer,
    status: Literal["open", "reserved", "part_delivered", "delivered"] | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> EntitlementPage:
    """List who may come: name, masked NIK, what is left, and what blocks it."""
    sight = sight_of(actor)
    session = await reads.get(tx, sight, session_id)
    found = await paginate(
        tx, reads.recipients(sight, session, status=status), keys=entitlement_reads.KEYS,
        limit=limit, cursor=cursor, signer=signer, list_name=f"recipients|{session_id}|{status}",
    )  # fmt: skip
    page = page_of(found, actor, fresh)
    link_next(request, response, page)
    return page


def view(row: Any) -> SessionView:
    """Return a session row as callers see it."""
    fields = {name: row[name] for name in SessionView.model_fields if name in row}
    open_ = row["status"] == "open" and row["cycle_status"] == "open"
    may = ["deliver", "close"] if open_ else ["close"] if row["status"] == "open" else []
    return SessionView(**fields, allowed_actions=may)
