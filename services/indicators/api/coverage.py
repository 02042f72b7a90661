"""Coverage and leakage of aid that was handed over, by desil or by kecamatan."""

from collections import defaultdict
from decimal import Decimal
from typing import Annotated, Final, Literal
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel

from services.indicators.api.common import (
    REGISTRY_LABEL,
    Freshness,
    FreshnessView,
    LabelView,
    Reader,
    RegionCode,
    Settings,
    Year,
    hides_small_cells,
    own_agency,
    places,
    year_or_now,
)
from services.indicators.domain import errors
from services.indicators.domain.errors import ProgramUnknown
from services.indicators.domain.suppression import complete, reveals
from services.indicators.domain.targeting import Group, Targeting, desil_label, tally
from services.indicators.storage import coverage, programs
from services.shared.http import ReadTx, refuses, service_router
from services.shared.scope import REGION_FOREIGN

router = service_router(tags=["coverage"], prefix="/v1/coverage")

DENOMINATORS: Final = {
    "coverage": "target_families",
    "exclusion_error": "target_families",
    "inclusion_error": "beneficiaries_of_known_desil",
    "inclusion_error_of_non_target": "non_target_families",
    "inclusion_error_by_value": "delivered_idr_to_families_of_known_desil",
}
"""What each ratio is divided by: some use another denominator for the same word."""


class TargetView(BaseModel):
    """Who is meant: desil 1 to ``desil_max``, by the program or by the regency's default."""

    desil_max: int
    source: Literal["program", "default"]


class TargetingView(BaseModel):
    """Counts of families, net rupiah and ratios. A ratio without denominator is null."""

    families: int | None
    target_families: int | None
    target_reached: int | None
    non_target_families: int | None
    non_target_reached: int | None
    unknown_desil_families: int | None
    unknown_desil_reached: int | None
    beneficiaries: int | None
    delivered_idr: int | None
    delivered_to_target_idr: int | None
    coverage: Decimal | None
    exclusion_error: Decimal | None
    inclusion_error: Decimal | None
    inclusion_error_of_non_target: Decimal | None
    inclusion_error_by_value: Decimal | None
    suppressed: bool


class CoverageRowView(TargetingView):
    """One kecamatan or one desil (``belum_diketahui`` for families without a known one)."""

    key: str
    name: str | None


class StrangersView(BaseModel):
    """Beneficiaries that are no active family of registry; in no ratio."""

    families: int | None
    delivered_idr: int | None
    suppressed: bool


class CoverageView(FreshnessView):
    """Coverage and leakage of a year."""

    year: int
    region: str | None
    program_id: UUID | None
    by: Literal["desil", "kecamatan"]
    target: TargetView
    total: TargetingView
    data: list[CoverageRowView]
    beneficiaries_not_in_registry: StrangersView
    denominators: dict[str, str]
    label: LabelView


@router.get("")
@refuses(errors.ProgramUnknown, REGION_FOREIGN)
async def read_coverage(
    *,
    tx: ReadTx,
    actor: Reader,
    fresh: Freshness,
    settings: Settings,
    program_id: UUID | None = None,
    year: Year = None,
    region: RegionCode = None,
    by: Annotated[Literal["desil", "kecamatan"], Query()] = "kecamatan",
) -> CoverageView:
    """Cakupan dan kebocoran bantuan yang diserahkan; tanpa program: semua yang menjangkau."""
    chosen, patterns, agency = year_or_now(year), places(actor, region), own_agency(actor)
    target = TargetView(desil_max=settings.target_desil_max, source="default")
    if program_id is not None:
        program = await programs.find(tx, program_id, agency)
        if program is None:
            raise ProgramUnknown
        if program.target_desil_max is not None:
            target = TargetView(desil_max=program.target_desil_max, source="program")
    asked = {
        "year": chosen,
        "patterns": patterns,
        "program_id": program_id,
        "viewer_agency": agency,
    }
    groups = await coverage.groups(tx, **asked)  # type: ignore[arg-type]  # a dict loses types
    strangers = await coverage.strangers(tx, **asked)  # type: ignore[arg-type]  # as above
    rows = _rows(groups, by, target.desil_max)
    names: dict[str, str] = {}
    if by == "kecamatan":
        names = await coverage.region_names(tx, list(rows))
    total = tally(groups, target.desil_max)
    hides = hides_small_cells(actor)
    hide_strangers = hides and reveals([strangers.families])
    hidden = _hidden(list(rows.values())) if hides else [False] * len(rows)
    return CoverageView(
        **fresh.fields,
        year=chosen,
        region=region,
        program_id=program_id,
        by=by,
        target=target,
        total=TargetingView(**shown(total, hide=hides and reveals(total.revealing_counts()))),
        data=[
            CoverageRowView(key=key, name=names.get(key), **shown(row, hide=hide))
            for (key, row), hide in zip(rows.items(), hidden, strict=True)
        ],
        beneficiaries_not_in_registry=StrangersView(
            families=None if hide_strangers else strangers.families,
            delivered_idr=None if hide_strangers else strangers.delivered_idr,
            suppressed=hide_strangers,
        ),
        denominators=DENOMINATORS,
        label=REGISTRY_LABEL,
    )


def shown(row: Targeting, *, hide: bool) -> dict[str, int | Decimal | bool | None]:
    """Return the fields of a ``TargetingView``; a hidden row keeps nothing."""
    fields: dict[str, int | Decimal | bool | None] = {
        "families": row.families,
        "target_families": row.target,
        "target_reached": row.target_reached,
        "non_target_families": row.non_target,
        "non_target_reached": row.non_target_reached,
        "unknown_desil_families": row.unknown,
        "unknown_desil_reached": row.unknown_reached,
        "beneficiaries": row.beneficiaries,
        "delivered_idr": row.delivered_idr,
        "delivered_to_target_idr": row.target_idr,
        "coverage": row.coverage,
        "exclusion_error": row.exclusion_error,
        "inclusion_error": row.inclusion_error,
        "inclusion_error_of_non_target": row.inclusion_error_of_non_target,
        "inclusion_error_by_value": row.inclusion_error_by_value,
    }
    return {name: None if hide else value for name, value in fields.items()} | {"suppressed": hide}


def _rows(groups: list[Group], by: str, desil_max: int) -> dict[str, Targeting]:
    keyed: dict[tuple[int, str], list[Group]] = defaultdict(list)
    for group in groups:
        if by == "kecamatan":
            keyed[0, group.region_code].append(group)
        else:
            label = desil_label(group.desil_low, group.desil_high)
            keyed[group.desil_low or 99, label].append(group)
    return {key[1]: tally(keyed[key], desil_max) for key in sorted(keyed)}


def _hidden(rows: list[Targeting]) -> list[bool]:
    primary = [reveals(row.revealing_counts()) for row in rows]
    return list(complete([row.families for row in rows], primary))
