"""Cycles (tahap): open, read, change, close, and make their entitlements."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Query, Request, Response
from pydantic import BaseModel, ConfigDict

from services.distribution.actions import cycles as actions
from services.distribution.actions import entitlements as entitling
from services.distribution.api.permissions import Manager, PlanReader, caller_of, sight_of
from services.distribution.api.shapes import Name, NotNull, Quantity, UnitValue
from services.distribution.domain import errors
from services.distribution.storage import cycles as reads
from services.shared.auth import Actor
from services.shared.http import ReadTx, Signer, Tx, etag, refuses, require_match, service_router
from services.shared.pages import Cursor, Limit, Page, link_next, paginate
from services.shared.roles import Role
from services.shared.shapes import Day, Flag, IfMatch, IfMatchOptional, Year

router = service_router(tags=["cycles"], prefix="/v1/cycles")


class OpenCycle(BaseModel):
    """A new cycle. Quantity and unit value, when given, replace the program's."""

    model_config = ConfigDict(extra="forbid")

    program_id: UUID
    name: Name
    year: Year
    opens_on: Day
    closes_on: Day
    quantity: Quantity | None = None
    unit_value_idr: UnitValue | None = None


class ChangeCycle(BaseModel):
    """What is left out stays. Quantity and unit value stay once recipients have them."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[Name | None, NotNull] = None
    opens_on: Annotated[Day | None, NotNull] = None
    closes_on: Annotated[Day | None, NotNull] = None
    quantity: Quantity | None = None
    unit_value_idr: UnitValue | None = None


class CloseCycle(BaseModel):
    """``release_rest`` gives what nobody fetched back to the budget."""

    model_config = ConfigDict(extra="forbid")

    release_rest: Flag = False


class CycleView(BaseModel):
    """A cycle with its program's name. ``version`` is the ETag."""

    id: UUID
    program_id: UUID
    program_code: str
    program_name: str
    owner_code: str
    name: str
    year: int
    opens_on: date
    closes_on: date
    quantity: int
    unit: str
    unit_value_idr: int | None
    steps: list[str]
    status: Literal["open", "closed"]
    version: int
    created_at: datetime
    allowed_actions: list[str]


class StatusSum(BaseModel):
    """What the entitlements of one status add up to, in the caller's regions."""

    status: str
    recipients: int
    quantity: int
    value_idr: int
    delivered_quantity: int
    delivered_value_idr: int


class CycleDetail(CycleView):
    """A cycle with the sums of its entitlements."""

    entitlements: list[StatusSum]


class ClosedView(BaseModel):
    """The closed cycle, and how many entitlements were released."""

    cycle: CycleView
    released: int


class GeneratedView(BaseModel):
    """``blocked`` were left out (died, moved); ``unbudgeted_idr`` is carried by no ceiling."""

    created: int
    blocked: int
    reserved_idr: int
    unbudgeted_idr: int


@router.post("", status_code=201)
@refuses(
    errors.NotFound,
    errors.NotYourProgram,
    errors.ProgramNotRunning,
    errors.YearNotPlanned,
    errors.NameTaken,
    errors.DatesReversed,
)
async def open_cycle(body: OpenCycle, tx: Tx, response: Response, actor: Manager) -> CycleView:
    """Open a cycle of a running program of the caller's agency."""
    cycle_id = await actions.open_cycle(tx, caller_of(actor), **body.model_dump())
    response.headers["Location"] = f"/v1/cycles/{cycle_id}"
    response.headers["ETag"] = etag(1)
    return view(await reads.get(tx, sight_of(actor), cycle_id), actor)


@router.get("")
async def list_cycles(
    *,
    request: Request,
    response: Response,
    tx: ReadTx,
    actor: PlanReader,
    signer: Signer,
    program_id: UUID | None = None,
    year: Annotated[int | None, Query(ge=2000, le=2100)] = None,
    status: Literal["open", "closed"] | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[CycleView]:
    """List cycles, the latest first."""
    stmt = reads.query(sight_of(actor), program_id=program_id, year=year, status=status)
    found = await paginate(
        tx, stmt, keys=reads.KEYS, limit=limit, cursor=cursor, signer=signer,
        list_name=f"cycles|{program_id}|{year}|{status}",
    )  # fmt: skip
    page = found.page(lambda row: view(row, actor))
    link_next(request, response, page)
    return page


@router.get("/{cycle_id}")
@refuses(errors.NotFound)
async def read_cycle(
    cycle_id: UUID, tx: ReadTx, response: Response, actor: PlanReader
) -> CycleDetail:
    """Return one cycle and what its entitlements add up to."""
    sight = sight_of(actor)
    row = await reads.get(tx, sight, cycle_id)
    sums = [StatusSum(**one) for one in await reads.summary(tx, sight, cycle_id)]
    response.headers["ETag"] = etag(row["version"])
    return CycleDetail(**view(row, actor).model_dump(), entitlements=sums)


@router.patch("/{cycle_id}")
@refuses(
    errors.NotFound,
    errors.NotYourProgram,
    errors.CycleClosed,
    errors.CycleInUse,
    errors.NameTaken,
    errors.DatesReversed,
)
async def change_cycle(
    *,
    cycle_id: UUID,
    body: ChangeCycle,
    tx: Tx,
    response: Response,
    actor: Manager,
    if_match: IfMatch = None,
) -> CycleView:
    """Change an open cycle. Needs If-Match."""
    await actions.change_cycle(
        tx,
        caller_of(actor),
        cycle_id,
        body.model_dump(exclude_unset=True),
        lambda version: require_match(if_match, version),
    )
    row = await reads.get(tx, sight_of(actor), cycle_id)
    response.headers["ETag"] = etag(row["version"])
    return view(row, actor)


@router.post("/{cycle_id}/close")
@refuses(errors.NotFound, errors.NotYourProgram, errors.CycleClosed)
async def close_cycle(
    *,
    cycle_id: UUID,
    body: CloseCycle,
    tx: Tx,
    response: Response,
    actor: Manager,
    if_match: IfMatchOptional = None,
) -> ClosedView:
    """Close for good. With If-Match only when nobody changed it since."""

    def check_version(version: int) -> None:
        if if_match is not None:
            require_match(if_match, version)

    released = await actions.close_cycle(
        tx,
        caller_of(actor),
        cycle_id,
        release_rest=body.release_rest,
        check_version=check_version,
    )
    row = await reads.get(tx, sight_of(actor), cycle_id)
    response.headers["ETag"] = etag(row["version"])
    return ClosedView(cycle=view(row, actor), released=released)


@router.post("/{cycle_id}/entitlements/generate")
@refuses(
    errors.NotFound,
    errors.NotYourProgram,
    errors.CycleClosed,
    errors.UnitValueUnknown,
    errors.CeilingExceeded,
)
async def generate_entitlements(cycle_id: UUID, tx: Tx, actor: Manager) -> GeneratedView:
    """Entitle every granted enrolment that has none in this cycle, and reserve their value."""
    done = await entitling.generate(tx, caller_of(actor), cycle_id)
    return GeneratedView(
        created=done.created,
        blocked=done.blocked,
        reserved_idr=done.reserved_idr,
        unbudgeted_idr=done.unbudgeted_idr,
    )


def view(row: Any, actor: Actor) -> CycleView:
    """Return a cycle row as callers see it."""
    manages = actor.has(Role.ADMIN_DINSOS) or (
        actor.has(Role.PETUGAS_SKPD) and actor.agency == row["owner_code"]
    )
    may = ["change", "close", "generate", "plan_session"]
    own = row["quantity"], row["unit_value_idr"]
    told = row["benefit"]
    fields = {name: row[name] for name in CycleView.model_fields if name in row}
    return CycleView(
        **{
            **fields,
            "quantity": told["quantity"] if own[0] is None else own[0],
            "unit": told["unit"],
            "unit_value_idr": told["unit_value_idr"] if own[1] is None else own[1],
            "allowed_actions": may if manages and row["status"] == "open" else [],
        }
    )
