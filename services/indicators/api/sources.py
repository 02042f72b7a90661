"""Which sources are expected to report in a year, and how fresh each is."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from services.indicators.actions import sources as actions
from services.indicators.api.common import (
    Freshness,
    FreshnessView,
    RegencyReader,
    Year,
    year_or_now,
)
from services.indicators.api.unreached import SourceView, source_view
from services.indicators.domain import errors
from services.indicators.domain.reach import WHOLE_REGENCY, ExpectedSource, judge
from services.indicators.storage import sources
from services.shared.auth import Actor, allow
from services.shared.http import ReadTx, Tx, refuses, service_router
from services.shared.roles import Role
from services.shared.shapes import Flag
from services.shared.shapes import Year as BudgetYear

router = service_router(tags=["sources"], prefix="/v1/indicators/expected-sources")

Editor = Annotated[Actor, allow(Role.ADMIN_DINSOS)]


class ExpectSource(BaseModel):
    """Say that a reporter should tell of its handovers in a year, and how often.

    ``program_code`` narrows it to one program, ``region_code`` to the places it covers. A second
    request for the same year and code is a change and needs ``reason``.
    """

    model_config = ConfigDict(extra="forbid")

    year: BudgetYear
    code: str = Field(pattern=r"^[A-Z0-9][A-Z0-9-]{1,39}$")
    name: str = Field(min_length=3, max_length=200)
    reporter_code: str = Field(min_length=1, max_length=60)
    program_code: str | None = Field(default=None, min_length=1, max_length=60)
    region_code: str | None = Field(default=None, pattern=r"^\d{2}\.\d{2}(\.\d{2}(\.\d{4})?)?$")
    max_age_days: int = Field(strict=True, ge=1, le=3660)
    active: Flag = True
    reason: str | None = Field(default=None, min_length=3, max_length=500)


class SourceRecordedView(BaseModel):
    """The recorded revision of an expected source."""

    year: int
    code: str
    revision: int
    active: bool
    recorded_at: datetime


class SourcesView(FreshnessView):
    """The expected sources of a year."""

    year: int
    data: list[SourceView]


@router.get("")
async def list_expected_sources(
    tx: ReadTx, _actor: RegencyReader, fresh: Freshness, year: Year = None
) -> SourcesView:
    """Sumber yang diharapkan melapor, dengan tanggal data terakhirnya."""
    chosen = year_or_now(year)
    found = await sources.expected(tx, chosen)
    return SourcesView(
        **fresh.fields,
        year=chosen,
        data=[source_view(judge(source, last, tx.now)) for source, last in found],
    )


@router.post("", status_code=201)
@refuses(errors.ReasonMissing)
async def expect_source(body: ExpectSource, tx: Tx, actor: Editor) -> SourceRecordedView:
    """Catat sumber yang diharapkan; perubahan memerlukan alasan."""
    source = ExpectedSource(
        code=body.code,
        name=body.name,
        reporter_code=body.reporter_code,
        program_code=body.program_code,
        region_code=body.region_code or WHOLE_REGENCY,
        year=body.year,
        max_age_days=body.max_age_days,
    )
    revision = await actions.expect_source(
        tx, source, active=body.active, reason=body.reason, actor=actor.id
    )
    return SourceRecordedView(
        year=body.year,
        code=body.code,
        revision=revision,
        active=body.active,
        recorded_at=tx.now,
    )
