"""Targets of planning documents (RPJMD), each with the place where the document states it."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema, field_validator

from services.indicators.actions import targets as actions
from services.indicators.api.common import READERS, RegionCode
from services.indicators.domain import catalog, errors
from services.indicators.domain.errors import IndicatorUnknown
from services.indicators.domain.targets import Target
from services.indicators.storage import targets
from services.shared.auth import Actor, allow
from services.shared.http import ReadTx, Tx, refuses, service_router
from services.shared.roles import Role
from services.shared.shapes import Year as BudgetYear

router = service_router(tags=["targets"], prefix="/v1/targets")

Figure = Annotated[
    Decimal,
    Field(max_digits=18, decimal_places=6, allow_inf_nan=False),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": r"^-?\d{1,12}(\.\d{1,6})?$", "maxLength": 20},
                {"type": "integer", "minimum": -999_999_999_999, "maximum": 999_999_999_999},
            ],
            "examples": ["5.25"],
        },
        mode="validation",
    ),
]
"""A decimal number, best as text: JSON's own numbers lose digits on the way."""

Editor = Annotated[Actor, allow(Role.ADMIN_DINSOS)]
Reader = Annotated[Actor, allow(*READERS)]


class YearTarget(BaseModel):
    """The target of one year."""

    model_config = ConfigDict(extra="forbid")

    year: BudgetYear
    value: Figure


class RecordTargets(BaseModel):
    """The yearly targets of one indicator as a document states them.

    A year that is recorded with another value is a correction and needs ``reason``.
    """

    model_config = ConfigDict(extra="forbid")

    indicator: str = Field(min_length=1, max_length=60)
    region: str = Field(pattern=r"^\d{2}(\.\d{2}(\.\d{2}(\.\d{4})?)?)?$")
    document: str = Field(min_length=3, max_length=200)
    document_source: str = Field(min_length=3, max_length=500)
    unit: str = Field(min_length=1, max_length=60)
    years: list[YearTarget] = Field(min_length=1, max_length=30)
    reason: str | None = Field(default=None, min_length=3, max_length=500)

    @field_validator("years")
    @classmethod
    def _years_differ(cls, value: list[YearTarget]) -> list[YearTarget]:
        if len({target.year for target in value}) != len(value):
            raise ValueError("a year stands twice")
        return value


class TargetsRecordedView(BaseModel):
    """How many entries were appended; 0 when everything was known already."""

    recorded: int


class TargetItemView(BaseModel):
    """One year's target with its origin."""

    indicator: str
    region: str
    document: str
    document_source: str
    year: int
    value: Decimal
    unit: str
    revision: int
    reason: str | None
    recorded_at: datetime


class TargetsView(BaseModel):
    """The current targets."""

    data: list[TargetItemView]


@router.post("", status_code=201)
@refuses(errors.IndicatorUnknown, errors.ReasonMissing)
async def record_targets(body: RecordTargets, tx: Tx, actor: Editor) -> TargetsRecordedView:
    """Catat target tahunan dari dokumen perencanaan."""
    if body.indicator not in catalog.BY_CODE:
        raise IndicatorUnknown
    stated = [
        Target(
            indicator_code=body.indicator,
            region_code=body.region,
            document=body.document,
            document_source=body.document_source,
            year=target.year,
            value=target.value,
            unit=body.unit,
        )
        for target in body.years
    ]
    count = await actions.record_targets(tx, stated, reason=body.reason, actor=actor.id)
    return TargetsRecordedView(recorded=count)


@router.get("")
async def list_targets(
    tx: ReadTx,
    _actor: Reader,
    indicator: Annotated[str | None, Query(max_length=60)] = None,
    region: RegionCode = None,
    document: Annotated[str | None, Query(max_length=200)] = None,
) -> TargetsView:
    """Target yang berlaku, dengan dokumen sumbernya."""
    rows = await targets.current(tx, indicator=indicator, region=region, document=document)
    return TargetsView(
        data=[
            TargetItemView(
                indicator=row.indicator_code,
                region=row.region_code,
                document=row.document,
                document_source=row.document_source,
                year=row.year,
                value=row.value,
                unit=row.unit,
                revision=row.revision,
                reason=row.reason,
                recorded_at=row.recorded_at,
            )
            for row in rows
        ]
    )
