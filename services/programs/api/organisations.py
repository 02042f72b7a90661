"""/v1/organisations: who gives aid."""

from typing import Annotated, Any, Literal

from fastapi import Query, Request, Response
from pydantic import BaseModel

from services.programs.actions.organisations import create_organisation
from services.programs.api import common
from services.programs.domain import errors
from services.programs.storage.organisations import list_organisations
from services.shared.auth import Actor, allow
from services.shared.http import ReadTx, Signer, Tx, refuses, service_router
from services.shared.pages import Cursor, Limit, Page, link_next
from services.shared.roles import Role

router = service_router(prefix="/v1/organisations", tags=["organisations"])

Kind = Literal["SKPD", "DESA", "KECAMATAN", "KEMENTERIAN", "BAZNAS", "PERUSAHAAN", "BANK"]


class CreateOrganisation(common.Request):
    """A new organisation. ``code`` is also the agency claim of its officers' tokens."""

    code: common.AgencyCode
    name: common.Name
    kind: Kind


class OrganisationView(BaseModel):
    """An organisation."""

    code: str
    name: str
    kind: Kind
    version: int


@router.post("", status_code=201)
@refuses(errors.OrganisationExists)
async def create(
    body: CreateOrganisation, tx: Tx, actor: Annotated[Actor, allow(Role.ADMIN_DINSOS)]
) -> OrganisationView:
    """Register an organisation."""
    made = await create_organisation(tx, actor, code=body.code, name=body.name, kind=body.kind)
    return OrganisationView.model_validate(made, from_attributes=True)


@router.get("")
async def list_all(
    *,
    request: Request,
    response: Response,
    tx: ReadTx,
    signer: Signer,
    _actor: Annotated[Actor, allow(*common.STAFF)],
    kind: Annotated[Kind | None, Query()] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[OrganisationView]:
    """Return organisations by code."""
    found = await list_organisations(tx, kind=kind, limit=limit, cursor=cursor, signer=signer)
    page = found.page(_view)
    link_next(request, response, page)
    return page


def _view(row: dict[str, Any]) -> OrganisationView:
    return OrganisationView.model_validate(row)
