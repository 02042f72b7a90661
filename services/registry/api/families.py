"""Families over HTTP: ``/v1/families``."""

import functools
import re
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.registry.actions.access import search_families
from services.registry.actions.families import correct_domicile
from services.registry.api.callers import (
    CORRECTORS,
    Corrector,
    FamilyViewer,
    NumbersDep,
    Reader,
    Searcher,
)
from services.registry.api.moments import AT_A_MOMENT, Moment, asked
from services.registry.api.views import (
    FamilySummary,
    FamilyThenView,
    FamilyView,
    family_json,
    family_then_json,
)
from services.registry.domain import errors
from services.registry.domain.errors import FamilyNotFoundError, FamilyNotThereThenError
from services.registry.domain.families import FamilyStatus
from services.registry.domain.purposes import PURPOSE_CHARS_MAX, PURPOSE_CHARS_MIN
from services.registry.storage import aid, families
from services.registry.storage.family_history import family_then
from services.shared import clock
from services.shared.auth import Actor
from services.shared.db import Pool
from services.shared.http import (
    NOT_MODIFIED,
    ReadTx,
    Signer,
    Tx,
    etag,
    not_modified,
    refuses,
    require_match,
    service_router,
)
from services.shared.pages import LIMIT_DEFAULT, LIMIT_MAX, Cursor, Limit, Page, link_next, paginate
from services.shared.position import POSITION_CHARS_MAX, as_of, wait_for
from services.shared.scope import REGION_FOREIGN
from services.shared.shapes import Day, IfMatch, exactly_one

router = service_router(tags=["families"])

Purpose = Annotated[str, Field(min_length=PURPOSE_CHARS_MIN, max_length=PURPOSE_CHARS_MAX)]
REGION = r"^\d{2}(\.\d{2}(\.\d{2}(\.\d{4})?)?)?$"
ONE_NUMBER = exactly_one("kk_number", "nik") | {
    "examples": [{"nik": "6202060107909001", "purpose": "Pengecekan sebelum musdes"}]
}

_DAY = re.compile(r'\.\d{8}"')
"""The day in a family's ETag: ages change with it, a correction does not depend on it."""


class FamilyIds(BaseModel):
    """Which families to summarise."""

    ids: list[UUID] = Field(min_length=1, max_length=LIMIT_MAX)


class SearchFamilies(BaseModel):
    """One number, and why it is looked up."""

    model_config = ConfigDict(json_schema_extra=ONE_NUMBER)

    kk_number: str | None = Field(default=None, max_length=40)
    nik: str | None = Field(default=None, max_length=40)
    purpose: Purpose

    @model_validator(mode="after")
    def _exactly_one(self) -> "SearchFamilies":
        if (self.kk_number is None) == (self.nik is None):
            raise ValueError("kk_number or nik, one of them")
        return self


class CorrectDomicile(BaseModel):
    """What changes of where the family lives; fields left out stay. ``effective_on`` not later."""

    address: str | None = Field(default=None, max_length=300)
    rt: str | None = Field(default=None, pattern=r"^\d{1,3}$")
    rw: str | None = Field(default=None, pattern=r"^\d{1,3}$")
    region_code: str = Field(default_factory=str, pattern=r"^\d{2}\.\d{2}\.\d{2}\.\d{4}$")
    reason: str = Field(min_length=5, max_length=500)
    effective_on: Day | None = None

    def given(self) -> dict[str, Any]:
        """Return the fields that the caller named."""
        return self.model_dump(include={"address", "rt", "rw", "region_code"}, exclude_unset=True)


class FamilyChanged(BaseModel):
    """The family's version after a change."""

    id: UUID
    version: int


class AidCount(BaseModel):
    """How many enrolments or entitlements of a status, and what was delivered of them."""

    kind: str
    status: str
    count: int
    value_idr: int


class FamilyAid(BaseModel):
    """What programs and distribution reported about a family, sensitive programs left out."""

    family_id: UUID
    data: list[AidCount]
    as_of: dict[str, datetime | None]
    stale: bool


@router.get("/v1/families")
async def list_families(
    *,
    request: Request,
    response: Response,
    tx: ReadTx,
    signer: Signer,
    actor: Reader,
    region: Annotated[str | None, Query(pattern=REGION, max_length=13)] = None,
    desil_max: Annotated[int | None, Query(ge=1, le=10)] = None,
    status: FamilyStatus = FamilyStatus.ACTIVE,
    limit: Limit = LIMIT_DEFAULT,
    cursor: Cursor = None,
) -> Page[FamilySummary]:
    """Return the families of the caller's regions, by region, or by desil with ``desil_max``."""
    found = await paginate(
        tx,
        families.listing(actor.scope, region=region, desil_max=desil_max, status=status),
        keys=families.LIST_KEYS if desil_max is None else families.DESIL_KEYS,
        limit=limit,
        cursor=cursor,
        signer=signer,
        list_name=f"families {region} {desil_max} {status}",
    )
    page = found.page(FamilySummary.model_validate)
    link_next(request, response, page)
    return page


@router.get(
    "/v1/families/{family_id}",
    response_model=FamilyView | FamilyThenView,
    responses=NOT_MODIFIED,
    openapi_extra=AT_A_MOMENT,
)
@refuses(errors.FamilyNotFoundError, errors.FamilyNotThereThenError)
async def get_family(family_id: UUID, request: Request, actor: FamilyViewer) -> Response:
    """Return one family; answer 304 to who has this version of today.

    Dengan ``as_of`` atau ``known_at``: keluarga seperti pada saat itu (``FamilyThenView``), tanpa
    ETag, bagi siapa pun yang hari ini boleh melihatnya. / With ``as_of`` or ``known_at``: the
    family as it was then (``FamilyThenView``), without an ETag, for whoever may see it today.
    """
    if (moment := asked(request)) is not None:
        return await _family_then(family_id, request, actor, moment)
    row = await families.family(request.app.state.db.pool, family_id, actor.scope)
    if row is None:
        raise FamilyNotFoundError
    today = clock.today()
    tag = etag(f"{row['version']}.{today:%Y%m%d}")
    return not_modified(request, tag) or Response(
        family_json(dict(row), today=today, may_correct=actor.has(*CORRECTORS)),
        headers={"ETag": tag, "Cache-Control": "private, no-cache"},
        media_type="application/json",
    )


async def _family_then(family_id: UUID, request: Request, actor: Actor, moment: Moment) -> Response:
    row = await family_then(request.app.state.db.pool, family_id, actor.scope, *moment)
    if row is None:
        raise FamilyNotFoundError
    body = dict(row)
    if not body.pop("there"):
        raise FamilyNotThereThenError(
            as_of=moment.as_of.isoformat(), known_at=moment.known_at.isoformat()
        )
    return Response(
        family_then_json(body | moment._asdict(), today=clock.today()),
        headers={"Cache-Control": "private, no-cache"},
        media_type="application/json",
    )


@router.get("/v1/families/{family_id}/aid")
@refuses(errors.FamilyNotFoundError)
async def get_family_aid(
    *,
    family_id: UUID,
    request: Request,
    tx: ReadTx,
    actor: FamilyViewer,
    min_position: Annotated[str | None, Query(max_length=POSITION_CHARS_MAX)] = None,
) -> FamilyAid:
    """Return how much aid is known of a family; the details are with programs, distribution."""
    stale = await wait_for(min_position, _aid_readers(request.app.state.db.pool))
    if not await families.some(tx, [family_id], actor.scope):
        raise FamilyNotFoundError
    rows = await aid.of_family(tx, family_id, actor.scope)
    return FamilyAid(
        family_id=family_id,
        data=[AidCount.model_validate(row) for row in rows],
        as_of=await as_of(tx),
        stale=stale,
    )


def _aid_readers(pool: Pool) -> dict[str, Callable[[str], Awaitable[tuple[int, int] | None]]]:
    return {
        f"{producer}.{kind}.state.v1": functools.partial(aid.guard, pool, kind)
        for producer, kind in (("programs", "enrolment"), ("distribution", "entitlement"))
    }


@router.post("/v1/families/batch")
async def batch_families(body: FamilyIds, tx: ReadTx, actor: FamilyViewer) -> Page[FamilySummary]:
    """Return masked summaries of up to 200 families; who is out of scope is left out."""
    rows = await families.some(tx, body.ids, actor.scope)
    return Page(data=[FamilySummary.model_validate(row) for row in rows], next=None)


@router.post(
    "/v1/families/search",
    openapi_extra={"x-no-idempotency": "a look-up; each one is logged, also a repeated one"},
)
@refuses(errors.InvalidNumberError)
async def search(
    body: SearchFamilies, tx: Tx, numbers: NumbersDep, actor: Searcher
) -> Page[FamilySummary]:
    """Find families by KK number, present or former, or by a member's NIK. Logged."""
    rows = await search_families(
        tx,
        numbers,
        actor,
        kind="nik" if body.nik is not None else "kk",
        number=body.nik or body.kk_number or "",
        purpose=body.purpose,
    )
    return Page(data=[FamilySummary.model_validate(row) for row in rows], next=None)


@router.patch("/v1/families/{family_id}")
@refuses(
    errors.FamilyNotFoundError,
    errors.RegionNotFoundError,
    errors.StatusForbidsError,
    errors.NothingToChangeError,
    REGION_FOREIGN,
)
async def patch_family(
    *,
    family_id: UUID,
    body: CorrectDomicile,
    response: Response,
    tx: Tx,
    actor: Corrector,
    if_match: IfMatch = None,
) -> FamilyChanged:
    """Correct where a family lives; the former domicile stays in its history."""
    seen = None if if_match is None else _DAY.sub('"', if_match)
    version = await correct_domicile(
        tx,
        actor,
        family_id,
        body.given(),
        day=min(body.effective_on or clock.today(), clock.today()),
        reason=body.reason,
        check_version=lambda present: require_match(seen, present),
    )
    response.headers["ETag"] = etag(version)
    return FamilyChanged(id=family_id, version=version)
