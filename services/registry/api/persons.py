"""Persons over HTTP: ``/v1/persons``."""

from datetime import datetime
from uuid import UUID

from fastapi import Request, Response
from pydantic import BaseModel, Field

from services.registry.actions.access import reveal_nik, search_persons
from services.registry.api.callers import (
    REVEALERS,
    NumbersDep,
    Officer,
    PersonViewer,
    Revealer,
    Searcher,
)
from services.registry.api.families import Purpose
from services.registry.api.views import PersonSummary, PersonView, age, person_json
from services.registry.domain import errors
from services.registry.domain.errors import PersonNotFoundError
from services.registry.storage import persons
from services.shared import clock
from services.shared.http import (
    NOT_MODIFIED,
    ReadTx,
    Signer,
    Tx,
    etag,
    not_modified,
    refuses,
    service_router,
)
from services.shared.pages import LIMIT_DEFAULT, Cursor, Limit, Page, link_next, paginate

router = service_router(tags=["persons"])


class SearchPersons(BaseModel):
    """One NIK, and why it is looked up."""

    nik: str = Field(max_length=40)
    purpose: Purpose


class RevealNik(BaseModel):
    """Why the caller must see the whole number."""

    purpose: Purpose


class RevealedNik(BaseModel):
    """A full NIK. Not to be stored or logged by who receives it."""

    person_id: UUID
    nik: str


class AccessView(BaseModel):
    """One look at a person's identity."""

    id: int
    action: str
    actor: str
    actor_name: str | None
    agency: str | None
    purpose: str
    found: bool
    at: datetime


@router.get("/v1/persons/{person_id}", response_model=PersonView, responses=NOT_MODIFIED)
@refuses(errors.PersonNotFoundError)
async def get_person(person_id: UUID, request: Request, actor: PersonViewer) -> Response:
    """Return one person, masked; answer 304 to who has this version of today."""
    row = await persons.person(request.app.state.db.pool, person_id, actor.scope)
    if row is None:
        raise PersonNotFoundError
    today = clock.today()
    tag = etag(f"{row['version']}.{today:%Y%m%d}")
    return not_modified(request, tag) or Response(
        person_json(dict(row), today=today, may_reveal=actor.has(*REVEALERS)),
        headers={"ETag": tag, "Cache-Control": "private, no-cache"},
        media_type="application/json",
    )


@router.post(
    "/v1/persons/search",
    openapi_extra={"x-no-idempotency": "a look-up; each one is logged, also a repeated one"},
)
@refuses(errors.InvalidNumberError)
async def search(
    body: SearchPersons, tx: Tx, numbers: NumbersDep, actor: Searcher
) -> Page[PersonSummary]:
    """Find who claims a NIK; two persons while it is disputed. Logged."""
    today = clock.today()
    rows = await search_persons(tx, numbers, actor, nik=body.nik, purpose=body.purpose)
    data = [
        PersonSummary.model_validate(row | {"age": age(row["birth_date"], today)}) for row in rows
    ]
    return Page(data=data, next=None)


@router.post(
    "/v1/persons/{person_id}/reveal",
    openapi_extra={"x-no-idempotency": "the answer holds a NIK and must not be kept for replay"},
)
@refuses(errors.PersonNotFoundError, errors.PersonHasNoNikError)
async def reveal(
    *,
    person_id: UUID,
    body: RevealNik,
    response: Response,
    tx: Tx,
    numbers: NumbersDep,
    actor: Revealer,
) -> RevealedNik:
    """Return the full NIK and note who saw it and why, in one transaction."""
    response.headers["Cache-Control"] = "no-store"
    nik = await reveal_nik(tx, numbers, actor, person_id, body.purpose)
    return RevealedNik(person_id=person_id, nik=nik)


@router.get("/v1/persons/{person_id}/accesses")
@refuses(errors.PersonNotFoundError)
async def list_accesses(
    *,
    person_id: UUID,
    request: Request,
    response: Response,
    tx: ReadTx,
    signer: Signer,
    actor: Officer,
    limit: Limit = LIMIT_DEFAULT,
    cursor: Cursor = None,
) -> Page[AccessView]:
    """Return who looked at this person's identity, newest first."""
    if not await persons.some(tx, [person_id], actor.scope):
        raise PersonNotFoundError
    found = await paginate(
        tx,
        persons.accesses(person_id),
        keys=persons.ACCESS_KEYS,
        limit=limit,
        cursor=cursor,
        signer=signer,
        list_name=f"accesses {person_id}",
    )
    page = found.page(AccessView.model_validate)
    link_next(request, response, page)
    return page
