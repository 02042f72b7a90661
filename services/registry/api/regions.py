"""Regions over HTTP: ``/v1/regions``. Names of places are public knowledge; callers are not."""

from datetime import date
from typing import Annotated

from fastapi import Path, Query, Request, Response
from pydantic import BaseModel

from services.registry.api.callers import Everyone
from services.registry.domain import errors
from services.registry.domain.errors import RegionNotFoundError
from services.registry.domain.regions import Level
from services.registry.storage import regions as storage
from services.shared.http import ReadTx, Signer, refuses, service_router
from services.shared.pages import LIMIT_DEFAULT, Cursor, Limit, Page, link_next, paginate

router = service_router(tags=["regions"])

REGION = r"^\d{2}(\.\d{2}(\.\d{2}(\.\d{4})?)?)?$"
RegionCode = Annotated[str, Path(pattern=REGION, max_length=13)]


class RegionView(BaseModel):
    """A region as it is today."""

    code: str
    name: str
    level: Level
    parent_code: str | None
    postal_code: str | None
    valid_from: date


@router.get("/v1/regions")
async def list_regions(
    *,
    request: Request,
    response: Response,
    tx: ReadTx,
    signer: Signer,
    _actor: Everyone,
    parent: Annotated[str | None, Query(pattern=REGION, max_length=13)] = None,
    level: Level | None = None,
    limit: Limit = LIMIT_DEFAULT,
    cursor: Cursor = None,
) -> Page[RegionView]:
    """Return the regions of today by code, all or those directly under ``parent``."""
    found = await paginate(
        tx,
        storage.listing(parent_code=parent, level=level),
        keys=storage.LISTING_KEYS,
        limit=limit,
        cursor=cursor,
        signer=signer,
        list_name=f"regions {parent} {level}",
    )
    page = found.page(RegionView.model_validate)
    link_next(request, response, page)
    return page


@router.get("/v1/regions/{code}")
@refuses(errors.RegionNotFoundError)
async def get_region(code: RegionCode, tx: ReadTx, _actor: Everyone) -> RegionView:
    """Return one region."""
    row = await storage.find(tx, code)
    if row is None:
        raise RegionNotFoundError
    return RegionView.model_validate(row)
