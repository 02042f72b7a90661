"""An official series against the targets of a planning document, worded neutrally."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Final

from fastapi import Query
from pydantic import BaseModel

from services.indicators.api.common import OFFICIAL_LABEL, READERS, REGISTRY_LABEL, Code, LabelView
from services.indicators.api.indicators import Region, find
from services.indicators.domain import errors
from services.indicators.domain.catalog import Definition
from services.indicators.domain.errors import IndicatorUnknown
from services.indicators.domain.official import PERIOD
from services.indicators.domain.progress import Direction, Way, YearProgress, progress
from services.indicators.storage import official, targets
from services.indicators.storage.targets import Recorded
from services.shared.auth import Actor, allow
from services.shared.http import ReadTx, refuses, service_router
from services.shared.roles import Role

router = service_router(tags=["indicators"], prefix="/v1/indicators")

Reader = Annotated[Actor, allow(*READERS, Role.INTEGRATOR)]

YEAR_CHARS: Final = 4

WAYS: Final = {
    Way.REACHED: LabelView(id="Target tahun itu tercapai", en="That year's target is reached"),
    Way.OFF_PATH: LabelView(id="Di luar jalur target", en="Off the target's path"),
    Way.TOO_FEW_POINTS: LabelView(
        id="Titik data belum cukup untuk menilai jalur",
        en="Too few points to speak of a path",
    ),
}
BANDS_EN: Final = {
    "sangat_tinggi": "very high",
    "tinggi": "high",
    "sedang": "medium",
    "rendah": "low",
    "sangat_rendah": "very low",
}


class YearView(BaseModel):
    """One year: published value with its source, target, and their difference."""

    year: int
    realised: Decimal | None
    source: str | None
    recorded_at: datetime | None
    target: Decimal | None
    target_interpolated: bool
    gap: Decimal | None
    achievement_percent: Decimal | None
    band: str | None


class TargetDocumentView(BaseModel):
    """The document whose targets are compared."""

    document: str
    document_source: str
    recorded_at: datetime


class ProgressView(BaseModel):
    """The way of an indicator. ``latest`` is the newest year with both value and target."""

    indicator: str
    name_id: str
    name_en: str
    region: str
    unit: str
    direction: Direction
    formula: str
    document: TargetDocumentView | None
    status: Way
    wording: LabelView
    points: int
    latest: YearView | None
    gap: Decimal | None
    gap_to_end: Decimal | None
    years: list[YearView]
    label: LabelView
    registry_note: LabelView


@router.get("/{code}/progress")
@refuses(errors.IndicatorUnknown)
async def read_progress(
    *,
    code: Code,
    tx: ReadTx,
    _actor: Reader,
    region: Region,
    document: Annotated[str | None, Query(max_length=200)] = None,
) -> ProgressView:
    """Deret resmi, jalur target, selisih dan capaian; tanpa proyeksi."""
    definition = find(code)
    if definition.direction is None:
        raise IndicatorUnknown
    points = {
        int(point.period): point
        for point in await official.series(tx, code, region)
        if len(point.period) == YEAR_CHARS and PERIOD.match(point.period)
    }
    recorded = _of_one_document(
        await targets.current(tx, indicator=code, region=region, document=document)
    )
    way = progress(
        {year: point.value for year, point in points.items()},
        {row.year: row.value for row in recorded},
        definition.direction,
    )
    years = [_year_view(year, points) for year in way.years]
    latest = next((year for year in reversed(years) if year.gap is not None), None)
    return ProgressView(
        indicator=code,
        name_id=definition.name_id,
        name_en=definition.name_en,
        region=region,
        unit=definition.unit,
        direction=definition.direction,
        formula=_formula(definition.direction),
        document=_document(recorded),
        status=way.way,
        wording=_wording(way.way, latest, definition),
        points=way.points,
        latest=latest,
        gap=latest.gap if latest else None,
        gap_to_end=way.gap_to_end,
        years=years,
        label=OFFICIAL_LABEL,
        registry_note=REGISTRY_LABEL,
    )


def _of_one_document(rows: list[Recorded]) -> list[Recorded]:
    """Keep the document that was recorded last: targets of two plans are not one path."""
    if not rows:
        return []
    newest = max(rows, key=lambda row: row.recorded_at).document
    return [row for row in rows if row.document == newest]


def _document(rows: list[Recorded]) -> TargetDocumentView | None:
    if not rows:
        return None
    newest = max(rows, key=lambda row: row.recorded_at)
    return TargetDocumentView(
        document=newest.document,
        document_source=newest.document_source,
        recorded_at=newest.recorded_at,
    )


def _year_view(year: YearProgress, points: dict[int, official.Point]) -> YearView:
    point = points.get(year.year)
    return YearView(
        year=year.year,
        realised=year.realised,
        source=point.source if point else None,
        recorded_at=point.recorded_at if point else None,
        target=year.target,
        target_interpolated=year.target_interpolated,
        gap=year.gap,
        achievement_percent=year.achievement_percent,
        band=year.band,
    )


def _formula(direction: Direction) -> str:
    lower = direction is Direction.LOWER_IS_BETTER
    return "(2T - r) / T x 100" if lower else "r / T x 100"


def _wording(way: Way, latest: YearView | None, definition: Definition) -> LabelView:
    """Say target, realised, gap and source without praise or blame."""
    said = WAYS[way]
    if latest is None or latest.band is None:
        return said
    numbers_id = (
        f"{definition.name_id} {latest.year}: realisasi {_comma(latest.realised)}, "
        f"target {_comma(latest.target)}, selisih {_comma(latest.gap)}, capaian "
        f"{_comma(latest.achievement_percent)}% ({latest.band.replace('_', ' ')}). "
    )
    numbers_en = (
        f"{definition.name_en} {latest.year}: realised {latest.realised}, target {latest.target}, "
        f"gap {latest.gap}, achievement {latest.achievement_percent}% ({BANDS_EN[latest.band]}). "
    )
    return LabelView(id=f"{numbers_id}{said.id}.", en=f"{numbers_en}{said.en}.")


def _comma(value: Decimal | None) -> str:
    return "-" if value is None else str(value).replace(".", ",")
