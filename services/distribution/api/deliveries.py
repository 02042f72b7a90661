"""Deliveries: handing over, giving back, listing, and finding by an identity number."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from services.distribution.actions import deliveries as actions
from services.distribution.actions import searches
from services.distribution.api.entitlements import EntitlementView
from services.distribution.api.entitlements import view as entitlement_view
from services.distribution.api.errors import batch_problem
from services.distribution.api.permissions import (
    Hand,
    RecipientReader,
    Searcher,
    caller_of,
    sight_of,
)
from services.distribution.api.shapes import Name, Note, Quantity, Reason
from services.distribution.domain import errors
from services.distribution.domain.errors import BatchRefused, NotFound
from services.distribution.storage import deliveries as reads
from services.shared.http import Keys, ReadTx, Signer, Tx, refuses, service_router
from services.shared.pages import Cursor, Limit, Page, link_next, paginate
from services.shared.sealing import KeyedIndex
from services.shared.shapes import Day, exactly_one
from services.shared.validation_messages import InvalidValue

router = service_router(tags=["deliveries"], prefix="/v1/deliveries")

BATCH_ROWS_MAX = 1_000
"""One transaction holds the locks of all rows; a village's list has a few hundred."""

Number16 = Annotated[str, StringConstraints(pattern=r"^[0-9]{16}$")]

ONE_NUMBER = exactly_one("kk_number", "nik") | {
    "examples": [{"nik": "6202060107909001", "purpose": "Pengecekan di loket penyerahan"}]
}


HANDOVER = (
    errors.NotFound,
    errors.NotYourProgram,
    errors.SessionClosed,
    errors.SessionOfAnotherCycle,
    errors.CycleClosed,
    errors.EntitlementVoid,
    errors.EntitlementBlocked,
    errors.OverDelivery,
    errors.IdTaken,
    errors.DateInFuture,
    errors.DeliveredBeforeCycle,
    errors.ReceiverIncomplete,
    errors.ProofRequired,
    errors.ProofMissing,
)


class Handed(BaseModel):
    """One handover. ``id`` is made by the caller, so that sending it twice is harmless."""

    model_config = ConfigDict(extra="forbid")

    id: UUID
    entitlement_id: UUID
    quantity: Quantity
    delivered_on: Day
    received_by: Literal["self", "representative"] = "self"
    receiver_name: Name | None = None
    receiver_relation: Name | None = None
    serial_number: Annotated[str, StringConstraints(min_length=1, max_length=80)] | None = None
    proof_upload_id: UUID | None = None
    proof_sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] | None = None
    note: Note | None = None

    def handover(self) -> actions.Handover:
        """Return what the action needs."""
        return actions.Handover(**self.model_dump())


class Deliver(Handed):
    """A handover in a session. Goods need the photo's upload."""

    session_id: UUID


class DeliverBatch(BaseModel):
    """Handovers of one session, all or none. For lists from paper: photos are not required."""

    model_config = ConfigDict(extra="forbid")

    session_id: UUID
    rows: list[Handed] = Field(min_length=1, max_length=BATCH_ROWS_MAX)


class GiveBack(BaseModel):
    """What came back of a delivery. ``id`` is made by the caller."""

    model_config = ConfigDict(extra="forbid")

    id: UUID
    quantity: Quantity
    reason: Reason
    returned_on: Day


class Search(BaseModel):
    """One of NIK and KK number, and what for: the purpose is kept in the access log."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=ONE_NUMBER)

    nik: Number16 | None = None
    kk_number: Number16 | None = None
    purpose: Reason

    @model_validator(mode="after")
    def _one_number(self) -> "Search":
        if (self.nik is None) == (self.kk_number is None):
            raise InvalidValue(
                "one_number", "Isi salah satu: NIK atau nomor KK", "Give either NIK or KK number"
            )
        return self


class ResultView(BaseModel):
    """What a handover or return did: its value, and what is left to hand over."""

    id: UUID
    entitlement_id: UUID
    value_idr: int
    remaining: int


class BatchView(BaseModel):
    """The results in the order of the rows."""

    data: list[ResultView]


class DeliveryView(BaseModel):
    """A delivery. ``agency`` reported it from its own system, else it was in ``session_id``."""

    id: UUID
    entitlement_id: UUID
    session_id: UUID | None
    agency: str | None
    cycle_id: UUID
    cycle_name: str
    year: int
    program_id: UUID
    program_code: str
    program_name: str
    family_id: UUID
    person_id: UUID | None
    region_code: str
    quantity: int
    unit: str
    value_idr: int
    returned_quantity: int
    received_by: Literal["self", "representative"]
    receiver_name: str | None
    receiver_relation: str | None
    serial_number: str | None
    proof: bool
    proof_upload_id: UUID | None
    delivered_on: date
    note: str | None
    recorded_at: datetime


class ReturnView(BaseModel):
    """What came back of a delivery."""

    id: UUID
    quantity: int
    value_idr: int
    reason: str
    returned_on: date
    recorded_at: datetime


class DeliveryDetail(DeliveryView):
    """A delivery with its returns."""

    returns: list[ReturnView]


class Found(BaseModel):
    """What a person or family is entitled to and got, within the caller's sight."""

    family_ids: list[UUID]
    entitlements: list[EntitlementView]
    deliveries: list[DeliveryView]


@router.post("", status_code=201)
@refuses(*HANDOVER)
async def deliver(body: Deliver, tx: Tx, response: Response, actor: Hand) -> ResultView:
    """Hand over one entitlement, wholly or in part."""
    [done] = await actions.deliver(
        tx,
        caller_of(actor),
        body.session_id,
        [actions.Handover(**body.model_dump(exclude={"session_id"}))],
        batch=False,
    )
    response.headers["Location"] = f"/v1/deliveries/{done.id}"
    return _result(done)


@router.post("/batch", status_code=201)
@refuses(
    errors.NotFound,
    errors.NotYourProgram,
    errors.SessionClosed,
    errors.CycleClosed,
    errors.BatchRefused,
)
async def deliver_batch(body: DeliverBatch, tx: Tx, actor: Hand) -> BatchView:
    """Hand over up to 1,000 entitlements of one session: all, or none with every fault listed."""
    try:
        done = await actions.deliver(
            tx,
            caller_of(actor),
            body.session_id,
            [row.handover() for row in body.rows],
            batch=True,
        )
    except BatchRefused as refused:
        raise batch_problem(refused) from refused
    return BatchView(data=[_result(one) for one in done])


@router.get("")
async def list_deliveries(
    *,
    request: Request,
    response: Response,
    tx: ReadTx,
    actor: RecipientReader,
    signer: Signer,
    family_id: UUID | None = None,
    person_id: UUID | None = None,
    program_id: UUID | None = None,
    cycle_id: UUID | None = None,
    session_id: UUID | None = None,
    proof: Annotated[bool | None, Query(description="Dengan atau tanpa bukti")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[DeliveryView]:
    """List deliveries of the caller's regions, the latest recorded first."""
    filters: dict[str, Any] = {
        "family_id": family_id,
        "person_id": person_id,
        "program_id": program_id,
        "cycle_id": cycle_id,
        "session_id": session_id,
        "proof": proof,
    }
    found = await paginate(
        tx, reads.query(sight_of(actor), **filters), keys=reads.KEYS, limit=limit, cursor=cursor,
        signer=signer, list_name=f"deliveries|{sorted(map(str, filters.items()))}",
    )  # fmt: skip
    page = found.page(view)
    link_next(request, response, page)
    return page


@router.post(
    "/search",
    openapi_extra={"x-no-idempotency": "it changes nothing but the access log"},
)
async def search_deliveries(body: Search, tx: Tx, keys: Keys, actor: Searcher) -> Found:
    """Find what a person or family got, by a number that never stands in a URL."""
    kind, number = ("nik", body.nik) if body.nik else ("kk", body.kk_number)
    indexes = [index for index, _ in KeyedIndex(keys).all_versions(kind, number or "")]
    found = await searches.by_number(
        tx, caller_of(actor), kind=kind, indexes=indexes, purpose=body.purpose
    )
    return Found(
        family_ids=found.family_ids,
        entitlements=[entitlement_view(row, actor) for row in found.entitlements],
        deliveries=[view(row) for row in found.deliveries],
    )


@router.get("/{delivery_id}")
@refuses(errors.NotFound)
async def read_delivery(delivery_id: UUID, tx: ReadTx, actor: RecipientReader) -> DeliveryDetail:
    """Return one delivery with what came back."""
    sight = sight_of(actor)
    row = await reads.get(tx, sight, delivery_id)
    if row is None:
        raise NotFound(what="delivery", id=str(delivery_id))
    returns = [
        ReturnView(**{name: back[name] for name in ReturnView.model_fields})
        for back in await tx.rows(reads.returns_query(sight, delivery_id))
    ]
    return DeliveryDetail(**view(row).model_dump(), returns=returns)


@router.post("/{delivery_id}/return", status_code=201)
@refuses(
    errors.NotFound, errors.NotYourProgram, errors.OverReturn, errors.IdTaken, errors.DateInFuture
)
async def give_back(delivery_id: UUID, body: GiveBack, tx: Tx, actor: Hand) -> ResultView:
    """Record that a delivery came back, wholly or in part."""
    done = await actions.give_back(
        tx,
        caller_of(actor),
        delivery_id,
        return_id=body.id,
        quantity=body.quantity,
        reason=body.reason,
        returned_on=body.returned_on,
    )
    return _result(done)


def _result(done: actions.Result) -> ResultView:
    return ResultView(
        id=done.id,
        entitlement_id=done.entitlement_id,
        value_idr=done.value_idr,
        remaining=done.remaining,
    )


def view(row: Any) -> DeliveryView:
    """Return a delivery row as callers see it."""
    fields = {name: row[name] for name in DeliveryView.model_fields if name in row}
    return DeliveryView(**fields, proof=row["proof_sha256"] is not None)
