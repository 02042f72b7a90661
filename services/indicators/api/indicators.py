"""The catalog of indicators, their values, and freezing a value."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

from services.indicators.actions import publications as actions
from services.indicators.actions import values
from services.indicators.api.common import (
    READERS,
    Code,
    Freshness,
    FreshnessView,
    LabelView,
    Settings,
    hides_small_cells,
)
from services.indicators.domain import catalog, errors
from services.indicators.domain.catalog import Definition, Origin
from services.indicators.domain.errors import IndicatorUnknown
from services.indicators.domain.official import check_period
from services.indicators.domain.progress import Direction
from services.indicators.storage import official, publications
from services.indicators.storage.publications import Publication
from services.shared import clock
from services.shared.auth import Actor, allow
from services.shared.http import ReadTx, Tx, refuses, service_router
from services.shared.roles import Role
from services.shared.scope import REGION_FOREIGN

router = service_router(tags=["indicators"], prefix="/v1/indicators")

CatalogReader = Annotated[Actor, allow(*READERS, Role.INTEGRATOR)]
Publisher = Annotated[Actor, allow(Role.ADMIN_DINSOS, Role.PIMPINAN)]
Region = Annotated[str, Query(pattern=r"^\d{2}(\.\d{2}(\.\d{2}(\.\d{4})?)?)?$")]


class DefinitionView(BaseModel):
    """One indicator with its Satu Data metadata (MS-Ind)."""

    code: str
    version: int
    origin: Origin
    name_id: str
    name_en: str
    concept: str
    definition: str
    interpretation: str
    formula: str
    unit: str
    classification: tuple[str, ...]
    source: str
    producer: str
    frequency: str
    direction: Direction | None
    label: LabelView


class CatalogView(BaseModel):
    """All indicators."""

    data: list[DefinitionView]


class ValueView(BaseModel):
    """One value. ``official`` as its source printed it, ``published`` frozen, ``live`` of now."""

    kind: Literal["official", "published", "live"]
    period: str
    value: Decimal | None
    suppressed: bool
    source: str
    note: str | None
    revision: int | None
    definition_version: int
    data_as_of: datetime | None
    recorded_at: datetime | None


class ValuesView(FreshnessView):
    """The values of an indicator in a region. Official and registry figures never mix."""

    code: str
    region: str
    unit: str
    data: list[ValueView]
    label: LabelView


class PublishIndicator(BaseModel):
    """Freeze the present value of a region and budget year."""

    model_config = ConfigDict(extra="forbid")

    region: str = Field(pattern=r"^\d{2}(\.\d{2}(\.\d{2}(\.\d{4})?)?)?$")
    period: str = Field(pattern=r"^20\d{2}$", description="Tahun anggaran")


class PublicationView(BaseModel):
    """A frozen value; null and ``suppressed`` when fewer than ten families stand behind it."""

    publication_id: UUID
    code: str
    definition_version: int
    region: str
    period: str
    value: Decimal | None
    suppressed: bool
    unit: str
    data_as_of: datetime
    published_at: datetime


@router.get("")
async def list_indicators(_actor: CatalogReader) -> CatalogView:
    """Daftar indikator dengan metadata Satu Data."""
    return CatalogView(data=[_definition_view(each) for each in catalog.DEFINITIONS])


@router.get("/{code}")
@refuses(errors.IndicatorUnknown)
async def read_indicator(code: Code, _actor: CatalogReader) -> DefinitionView:
    """Definisi, rumus, satuan, sumber dan versi satu indikator."""
    return _definition_view(find(code))


@router.get("/{code}/values")
@refuses(errors.IndicatorUnknown, REGION_FOREIGN, errors.PeriodInvalid)
async def list_values(
    *,
    code: Code,
    region: Region,
    tx: ReadTx,
    actor: CatalogReader,
    fresh: Freshness,
    settings: Settings,
    period: Annotated[str | None, Query(max_length=10)] = None,
) -> ValuesView:
    """Nilai resmi, atau nilai yang diterbitkan dan nilai sekarang."""
    definition = find(code)
    if period is not None:
        check_period(period)
    if definition.origin is Origin.OFFICIAL:
        points = await official.series(tx, code, region, period)
        data = [_official_view(point, definition) for point in points]
    else:
        actor.scope.require(region)
        published = await publications.listed(tx, code, region, period)
        data = [_published_view(publication, definition) for publication in published]
        data += await _live(
            tx, definition, region=region, period=period, actor=actor, settings=settings
        )
    return ValuesView(
        **fresh.fields,
        code=code,
        region=region,
        unit=definition.unit,
        data=data,
        label=_label(definition),
    )


@router.post("/{code}/publish", status_code=201)
@refuses(
    errors.IndicatorUnknown,
    REGION_FOREIGN,
    errors.PeriodInvalid,
    errors.OfficialFigureNotOurs,
    errors.NothingToPublish,
)
async def publish_indicator(
    code: Code, body: PublishIndicator, tx: Tx, actor: Publisher, settings: Settings
) -> PublicationView:
    """Bekukan dan terbitkan nilai sekarang."""
    actor.scope.require(body.region)
    publication = await actions.publish(
        tx,
        find(code),
        region=body.region,
        period=body.period,
        window_months=settings.reach_window_months,
        desil_max=settings.target_desil_max,
        actor=actor.id,
    )
    return PublicationView(
        publication_id=publication.id,
        code=publication.indicator_code,
        definition_version=publication.definition_version,
        region=publication.region_code,
        period=publication.period,
        value=publication.value,
        suppressed=publication.suppressed,
        unit=publication.unit,
        data_as_of=publication.data_as_of,
        published_at=publication.published_at,
    )


def find(code: str) -> Definition:
    """Return a definition; raise ``IndicatorUnknown``."""
    definition = catalog.BY_CODE.get(code)
    if definition is None:
        raise IndicatorUnknown
    return definition


async def _live(
    tx: ReadTx,
    definition: Definition,
    *,
    region: str,
    period: str | None,
    actor: Actor,
    settings: Settings,
) -> list[ValueView]:
    """Return the value of now; nothing for a period that is no budget year."""
    asked = period or str(clock.today().year)
    if not asked.isdigit():
        return []
    present = await values.present(
        tx,
        definition.code,
        region=region,
        year=int(asked),
        window_months=settings.reach_window_months,
        desil_max=settings.target_desil_max,
    )
    hide = present.small and hides_small_cells(actor)
    return [
        ValueView(
            kind="live",
            period=asked,
            value=None if hide else present.value,
            suppressed=hide,
            source=definition.source,
            note=None,
            revision=None,
            definition_version=definition.version,
            data_as_of=await values.data_as_of(tx),
            recorded_at=None,
        )
    ]


def _label(definition: Definition) -> LabelView:
    return LabelView(id=definition.label_id, en=definition.label_en)


def _definition_view(definition: Definition) -> DefinitionView:
    return DefinitionView(
        code=definition.code,
        version=definition.version,
        origin=definition.origin,
        name_id=definition.name_id,
        name_en=definition.name_en,
        concept=definition.concept,
        definition=definition.definition,
        interpretation=definition.interpretation,
        formula=definition.formula,
        unit=definition.unit,
        classification=definition.classification,
        source=definition.source,
        producer=definition.producer,
        frequency=definition.frequency,
        direction=definition.direction,
        label=_label(definition),
    )


def _official_view(point: official.Point, definition: Definition) -> ValueView:
    return ValueView(
        kind="official",
        period=point.period,
        value=point.value,
        suppressed=False,
        source=point.source,
        note=point.note or None,
        revision=point.revision,
        definition_version=definition.version,
        data_as_of=None,
        recorded_at=point.recorded_at,
    )


def _published_view(publication: Publication, definition: Definition) -> ValueView:
    return ValueView(
        kind="published",
        period=publication.period,
        value=publication.value,
        suppressed=publication.suppressed,
        source=definition.source,
        note=None,
        revision=None,
        definition_version=publication.definition_version,
        data_as_of=publication.data_as_of,
        recorded_at=publication.published_at,
    )
