"""One program's year: plan, recipients, handovers, spread, accuracy (DESIGN question 5)."""

from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

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
from services.indicators.api.coverage import TargetingView, TargetView, shown
from services.indicators.domain import errors
from services.indicators.domain.errors import ProgramUnknown
from services.indicators.domain.suppression import complete, reveals
from services.indicators.domain.targeting import ratio, tally
from services.indicators.storage import coverage, programs
from services.indicators.storage.programs import Aid, Enrolled
from services.shared.http import ReadTx, refuses, service_router
from services.shared.scope import REGION_FOREIGN

router = service_router(tags=["programs"], prefix="/v1/indicators/programs")


class EnrolledView(BaseModel):
    """Enrolments in one status."""

    status: str
    enrolments: int | None
    families: int | None
    suppressed: bool


class AidView(BaseModel):
    """A program's aid in a place: distinct families, quantities and rupiah net of returns."""

    families_entitled: int | None
    families_reached: int | None
    entitlements: int | None
    entitled_idr: int | None
    reserved_idr: int | None
    delivered_quantity: int | None
    delivered_idr: int | None
    suppressed: bool


class KecamatanAidView(AidView):
    """The aid in one kecamatan."""

    region_code: str
    region_name: str | None


class ProgramSummaryView(FreshnessView):
    """Question 5. ``accuracy`` counts beneficiaries by desil against desil 1 to ``target``."""

    program_id: UUID
    code: str
    name: str
    owner_code: str
    klaster: str
    strategi: str
    bidang: str
    unit: str
    status: str
    year: int
    region: str | None
    ceiling_idr: int | None
    aid_ceiling_idr: int | None
    quota: int | None
    realisation_ratio: Decimal | None
    quota_filled_ratio: Decimal | None
    enrolled: list[EnrolledView]
    aid: AidView
    by_kecamatan: list[KecamatanAidView]
    target: TargetView
    accuracy: TargetingView
    share_to_target: Decimal | None
    label: LabelView


@router.get("/{program_id}/summary")
@refuses(errors.ProgramUnknown, REGION_FOREIGN)
async def summarise_program(
    *,
    program_id: UUID,
    tx: ReadTx,
    actor: Reader,
    fresh: Freshness,
    settings: Settings,
    year: Year = None,
    region: RegionCode = None,
) -> ProgramSummaryView:
    """Pagu, kuota, penetapan, hak, penyerahan, sebaran per kecamatan, ketepatan sasaran."""
    chosen, patterns, agency = year_or_now(year), places(actor, region), own_agency(actor)
    program = await programs.find(tx, program_id, agency)
    if program is None:
        raise ProgramUnknown
    plan = await programs.plan(tx, program_id, chosen)
    enrolled = await programs.enrolled(tx, program_id, chosen, patterns)
    *kecamatan, whole = await programs.aid(tx, program_id, chosen, patterns)
    desil_max = program.target_desil_max or settings.target_desil_max
    accuracy = tally(
        await coverage.groups(
            tx, year=chosen, patterns=patterns, program_id=program_id, viewer_agency=agency
        ),
        desil_max,
    )
    # An agency knows its own recipients; everybody else without sight of families does not.
    hides = hides_small_cells(actor) and program.owner_code != agency
    hide_accuracy = hides and reveals(accuracy.revealing_counts())
    granted = sum(row.enrolments for row in enrolled if row.status == "granted")
    names = await coverage.region_names(tx, [row.kecamatan or "" for row in kecamatan])
    return ProgramSummaryView(
        **fresh.fields,
        program_id=program_id,
        code=program.code,
        name=program.name,
        owner_code=program.owner_code,
        klaster=program.klaster,
        strategi=program.strategi,
        bidang=program.bidang,
        unit=program.unit,
        status=program.status,
        year=chosen,
        region=region,
        ceiling_idr=plan.ceiling_idr,
        aid_ceiling_idr=plan.aid_ceiling_idr,
        quota=plan.quota,
        realisation_ratio=ratio(whole.delivered_idr, plan.ceiling_idr),
        quota_filled_ratio=None if hides else ratio(granted, plan.quota),
        enrolled=_enrolled(enrolled, hides=hides),
        aid=AidView(**_aid(whole, hide=hides and reveals(_counts(whole)))),
        by_kecamatan=_by_kecamatan(kecamatan, names, hides=hides),
        target=TargetView(
            desil_max=desil_max,
            source="default" if program.target_desil_max is None else "program",
        ),
        accuracy=TargetingView(**shown(accuracy, hide=hide_accuracy)),
        share_to_target=None if hide_accuracy else accuracy.share_to_target,
        label=REGISTRY_LABEL,
    )


def _enrolled(rows: Sequence[Enrolled], *, hides: bool) -> list[EnrolledView]:
    hidden = [False] * len(rows)
    if hides:
        primary = [reveals((row.enrolments, row.families)) for row in rows]
        hidden = list(complete([row.families for row in rows], primary))
    return [
        EnrolledView(
            status=row.status,
            enrolments=None if hide else row.enrolments,
            families=None if hide else row.families,
            suppressed=hide,
        )
        for row, hide in zip(rows, hidden, strict=True)
    ]


def _by_kecamatan(
    rows: Sequence[Aid], names: dict[str, str], *, hides: bool
) -> list[KecamatanAidView]:
    hidden = [False] * len(rows)
    if hides:
        primary = [reveals(_counts(row)) for row in rows]
        hidden = list(complete([row.families_reached for row in rows], primary))
    return [
        KecamatanAidView(
            region_code=row.kecamatan or "",
            region_name=names.get(row.kecamatan or ""),
            **_aid(row, hide=hide),
        )
        for row, hide in zip(rows, hidden, strict=True)
    ]


def _counts(row: Aid) -> tuple[int, ...]:
    return (row.families_entitled, row.families_reached)


def _aid(row: Aid, *, hide: bool) -> dict[str, int | bool | None]:
    fields = {
        "families_entitled": row.families_entitled,
        "families_reached": row.families_reached,
        "entitlements": row.entitlements,
        "entitled_idr": row.entitled_idr,
        "reserved_idr": row.reserved_idr,
        "delivered_quantity": row.delivered_quantity,
        "delivered_idr": row.delivered_idr,
    }
    return {name: None if hide else value for name, value in fields.items()} | {"suppressed": hide}
