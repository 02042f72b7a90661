"""Entitlements: who may get what in which cycle, and giving one up."""

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from fastapi import Request, Response
from pydantic import BaseModel, ConfigDict

from services.distribution.actions import entitlements as actions
from services.distribution.api.freshness import Fresh, Freshness
from services.distribution.api.permissions import Manager, RecipientReader, caller_of, sight_of
from services.distribution.api.shapes import Reason, RegionQuery
from services.distribution.domain import errors
from services.distribution.domain.blocks import blocks, flags
from services.distribution.domain.errors import NotFound
from services.distribution.storage import entitlements as reads
from services.shared.auth import Actor
from services.shared.http import ReadTx, Signer, Tx, etag, refuses, service_router
from services.shared.pages import Cursor, Limit, Page, Slice, link_next, paginate
from services.shared.roles import Role

router = service_router(tags=["entitlements"], prefix="/v1/entitlements")

Status = Literal["open", "reserved", "part_delivered", "delivered", "void"]


class VoidEntitlement(BaseModel):
    """Why what is left is given up."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason


class EntitlementView(BaseModel):
    """An entitlement. ``blocked_by`` refuses a handover, ``flags`` deserve a look.

    ``name`` and ``nik_masked`` are the recipient's: the person, or the head of the family.
    """

    id: UUID
    cycle_id: UUID
    cycle_name: str
    program_id: UUID
    program_code: str
    program_name: str
    enrolment_id: UUID
    family_id: UUID
    person_id: UUID | None
    name: str | None
    nik_masked: str | None
    region_code: str
    region_name: str | None
    quantity: int
    unit: str
    value_idr: int
    delivered_quantity: int
    delivered_value_idr: int
    remaining: int
    due_on: date
    status: Literal["reserved", "part_delivered", "delivered", "void"]
    void_reason: str | None
    blocked_by: list[str]
    flags: list[str]
    version: int
    updated_at: datetime
    allowed_actions: list[str]


class EntitlementPage(Page[EntitlementView], Freshness):
    """One page, and how fresh what registry and programs told is."""


@router.get("")
async def list_entitlements(
    *,
    request: Request,
    response: Response,
    tx: ReadTx,
    actor: RecipientReader,
    fresh: Fresh,
    signer: Signer,
    cycle_id: UUID | None = None,
    program_id: UUID | None = None,
    family_id: UUID | None = None,
    person_id: UUID | None = None,
    status: Status | None = None,
    region: RegionQuery = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> EntitlementPage:
    """List entitlements of the caller's regions; ``status=open`` are those with something left."""
    filters: dict[str, Any] = {
        "cycle_id": cycle_id,
        "program_id": program_id,
        "family_id": family_id,
        "person_id": person_id,
        "status": status,
        "region": region,
    }
    found = await paginate(
        tx, reads.query(sight_of(actor), **filters), keys=reads.KEYS, limit=limit, cursor=cursor,
        signer=signer, list_name=f"entitlements|{sorted(map(str, filters.items()))}",
    )  # fmt: skip
    page = page_of(found, actor, fresh)
    link_next(request, response, page)
    return page


@router.get("/{entitlement_id}")
@refuses(errors.NotFound)
async def read_entitlement(
    entitlement_id: UUID, tx: ReadTx, response: Response, actor: RecipientReader
) -> EntitlementView:
    """Return one entitlement."""
    row = await _one(tx, actor, entitlement_id)
    response.headers["ETag"] = etag(row["version"])
    return view(row, actor)


@router.post("/{entitlement_id}/void")
@refuses(errors.NotFound, errors.NotYourProgram, errors.NothingToVoid)
async def void_entitlement(
    entitlement_id: UUID, body: VoidEntitlement, tx: Tx, response: Response, actor: Manager
) -> EntitlementView:
    """Give up what is left, with a reason; the rupiah go back to the budget."""
    await actions.void(tx, caller_of(actor), entitlement_id, body.reason)
    row = await _one(tx, actor, entitlement_id)
    response.headers["ETag"] = etag(row["version"])
    return view(row, actor)


async def _one(tx: Any, actor: Actor, entitlement_id: UUID) -> Any:
    row = (await reads.load(tx, sight_of(actor), [entitlement_id])).get(entitlement_id)
    if row is None:
        raise NotFound(what="entitlement", id=str(entitlement_id))
    return row


def page_of(found: Slice, actor: Actor, fresh: Freshness) -> EntitlementPage:
    """Return a slice of rows as a page."""
    return EntitlementPage(
        data=[view(row, actor) for row in found.rows],
        next=found.next,
        as_of=fresh.as_of,
        stale=fresh.stale,
    )


def view(row: Any, actor: Actor) -> EntitlementView:
    """Return an entitlement row as callers see it."""
    decided = actions.numbers(row)
    standing = reads.standing(row)
    # What is void or fully handed over cannot be blocked any more.
    blocked_by = list(blocks(standing)) if decided.remaining else []
    hands = actor.has(Role.ADMIN_DINSOS, Role.PETUGAS_SKPD, Role.PENYALUR)
    may = []
    if decided.remaining and row["cycle_status"] == "open" and hands and not blocked_by:
        may.append("deliver")
    if decided.remaining and actor.has(Role.ADMIN_DINSOS, Role.PETUGAS_SKPD):
        may.append("void")
    fields = {name: row[name] for name in EntitlementView.model_fields if name in row}
    return EntitlementView(
        **fields,
        unit=row["benefit"]["unit"],
        value_idr=row["quantity"] * row["unit_value_idr"],
        delivered_value_idr=row["delivered_quantity"] * row["unit_value_idr"],
        remaining=decided.remaining,
        blocked_by=blocked_by,
        flags=list(flags(standing)),
        allowed_actions=may,
    )
