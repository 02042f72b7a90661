"""Official statistics: entered with their source as CSV, listed as published, never recomputed."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from fastapi import Body, Query, Request, Response
from pydantic import BaseModel

from services.indicators.actions import official as actions
from services.indicators.api.common import OFFICIAL_LABEL, READERS, LabelView, RegionCode
from services.indicators.api.errors import CATALOGUE
from services.indicators.domain import errors
from services.indicators.domain.errors import RowsRefused
from services.indicators.storage import official
from services.shared.auth import Actor, allow
from services.shared.http import ReadTx, Signer, Tx, refuses, service_router
from services.shared.pages import LIMIT_DEFAULT, Cursor, Limit, Page, link_next, paginate
from services.shared.problems import (
    MEDIA_TYPE_UNSUPPORTED,
    FieldError,
    Problem,
    ProblemType,
)
from services.shared.roles import Role
from services.shared.routes import BODY_BYTES_MAX

router = service_router(tags=["official-statistics"], prefix="/v1/official-statistics")

Editor = Annotated[Actor, allow(Role.ADMIN_DINSOS)]
Reader = Annotated[Actor, allow(*READERS)]

CSV_EXAMPLE = (
    "wilayah,kode_kemendagri,periode,indikator,nilai,satuan,sumber,catatan\n"
    "Kotawaringin Timur,62.02,2024,p0,5.50,persen,BPS Berita Resmi Statistik,\n"
)
CSV_TYPES = ("text/csv", "text/plain", "application/csv")

NOT_UTF_8 = ProblemType("not_utf8", 422, "Berkas bukan teks UTF-8", "The file is not UTF-8 text")


class ImportView(BaseModel):
    """What an import did."""

    recorded: int
    corrected: int
    unchanged: int


class OfficialFigureView(BaseModel):
    """A figure as its source published it. Revision 2 and up are corrections with a reason."""

    id: UUID
    indicator: str
    region: str
    region_name: str
    period: str
    value: Decimal
    unit: str
    source: str
    note: str
    revision: int
    reason: str | None
    recorded_at: datetime


class OfficialFiguresView(Page[OfficialFigureView]):
    """One page of official figures."""

    label: LabelView


@router.post("/import", status_code=201)
@refuses(NOT_UTF_8, errors.RowsRefused)
async def import_official_statistics(
    request: Request,
    tx: Tx,
    actor: Editor,
    _body: Annotated[
        bytes,
        Body(
            media_type="text/csv",
            max_length=BODY_BYTES_MAX,
            description="wilayah,kode_kemendagri,periode,indikator,nilai,satuan,sumber,catatan",
            examples=[CSV_EXAMPLE],
        ),
    ],
    reason: Annotated[
        str | None, Query(min_length=3, max_length=500, description="Alasan koreksi")
    ] = None,
) -> ImportView:
    """Catat angka resmi dari CSV; seluruh berkas atau tidak sama sekali."""
    media_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if media_type not in CSV_TYPES:
        raise Problem(MEDIA_TYPE_UNSUPPORTED)
    try:
        text = (await request.body()).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Problem(NOT_UTF_8) from error
    try:
        plan = await actions.import_statistics(tx, text, reason=reason, actor=actor.id)
    except RowsRefused as refused:
        raise _problem(refused) from refused
    corrected = sum(entry.revision > 1 for entry in plan.entries)
    return ImportView(
        recorded=len(plan.entries) - corrected,
        corrected=corrected,
        unchanged=plan.unchanged,
    )


@router.get("")
async def list_official_statistics(
    *,
    request: Request,
    response: Response,
    tx: ReadTx,
    _actor: Reader,
    signer: Signer,
    indicator: Annotated[str | None, Query(max_length=60)] = None,
    region: RegionCode = None,
    history: Annotated[bool, Query(description="Sertakan angka sebelum koreksi")] = False,
    cursor: Cursor = None,
    limit: Limit = LIMIT_DEFAULT,
) -> OfficialFiguresView:
    """Angka resmi dengan sumbernya."""
    found = await paginate(
        tx,
        official.listed(indicator=indicator, region=region, history=history),
        keys=official.LIST_KEYS,
        limit=limit,
        cursor=cursor,
        signer=signer,
        list_name=f"official|{indicator}|{region}|{history}",
    )
    page = OfficialFiguresView(
        data=[_view(row) for row in found.rows], next=found.next, label=OFFICIAL_LABEL
    )
    link_next(request, response, page)
    return page


def _view(row: dict[str, object]) -> OfficialFigureView:
    return OfficialFigureView.model_validate(
        {**row, "indicator": row["indicator_code"], "region": row["region_code"]}
    )


def _problem(refused: RowsRefused) -> Problem:
    """Say each fault at its line and column."""
    return Problem(
        CATALOGUE[RowsRefused],
        params=refused.params,
        errors=[
            FieldError(
                f"#/lines/{fault.line}/{fault.column}", fault.code, fault.detail_id, fault.detail_en
            )
            for fault in refused.faults
        ],
    )
