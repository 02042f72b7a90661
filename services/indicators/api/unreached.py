"""Target families reached by nobody: counts by village, ranked, and the list itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Final, Literal
from uuid import UUID

from fastapi import Query, Request, Response
from pydantic import BaseModel

from services.indicators.actions import reach
from services.indicators.actions.reach import Terms
from services.indicators.api.common import (
    REGISTRY_LABEL,
    Freshness,
    FreshnessView,
    LabelView,
    Reader,
    RegionCode,
    Settings,
    hides_small_cells,
    places,
)
from services.indicators.domain.reach import (
    Reach,
    SourceState,
    SourceStatus,
    reach_of,
)
from services.indicators.domain.suppression import complete, reveals
from services.indicators.domain.targeting import ratio
from services.indicators.settings import IndicatorsSettings
from services.indicators.storage import coverage, unreached
from services.indicators.storage.unreached import Village
from services.shared.auth import Actor, allow
from services.shared.http import ReadTx, Signer, refuses, service_router
from services.shared.pages import LIMIT_DEFAULT, Cursor, Limit, Page, link_next, paginate
from services.shared.roles import Role
from services.shared.scope import REGION_FOREIGN

router = service_router(tags=["unreached"], prefix="/v1/unreached")

LIST_READERS: Final = (
    Role.PIMPINAN,
    Role.ADMIN_DINSOS,
    Role.VERIFIKATOR_DINSOS,
    Role.AUDITOR,
    Role.OPERATOR_DESA,
    Role.KADES,
    Role.CAMAT,
)
"""Who may see which families: neither analysts nor agencies (handbook 5.1, "Sees PII")."""

KECAMATAN_CHARS: Final = 8
"""A kecamatan's code is the first eight characters of a village's: 62.02.06."""

ListReader = Annotated[Actor, allow(*LIST_READERS)]


class WindowView(BaseModel):
    """A handover from the first to the last day, both included, counts as reaching."""

    since: date
    until: date


class SourceView(BaseModel):
    """An expected source with its newest word. ``region_code`` "" is the whole regency."""

    code: str
    name: str
    reporter_code: str
    program_code: str | None
    region_code: str
    max_age_days: int
    last_data_at: datetime | None
    status: SourceStatus


class ReachView(FreshnessView):
    """What "reached" means in this answer, and which sources it rests on."""

    window: WindowView
    target_desil_max: int
    sources: list[SourceView]
    label: LabelView


class UnreachedFamilyView(BaseModel):
    """One family: no name, no number. ``has_pending``: something may be under way."""

    family_id: UUID
    region_code: str
    region_name: str | None
    desil_low: int | None
    desil_high: int | None
    desil_as_of: date | None
    members: int
    status: Reach
    has_pending: bool


class UnreachedListView(ReachView, Page[UnreachedFamilyView]):
    """One page of unreached target families, by village."""


class UnreachedCountsView(BaseModel):
    """Target families and those whom no known delivery reaches, by what may be said of them."""

    families: int | None
    target_families: int | None
    unreached_families: int | None
    belum_tersentuh: int | None
    belum_diketahui: int | None
    unknown_desil_families: int | None
    rate: Decimal | None
    suppressed: bool


class UnreachedRowView(UnreachedCountsView):
    """One village or kecamatan; the highest number and the highest rate have rank 1."""

    region_code: str
    region_name: str | None
    rank_by_number: int | None
    rank_by_rate: int | None


class UnreachedSummaryView(ReachView):
    """Where unreached target families live: both number and rate, for priority places."""

    region: str | None
    by: Literal["desa", "kecamatan"]
    total: UnreachedCountsView
    data: list[UnreachedRowView]


@dataclass(frozen=True, slots=True)
class _Counts:
    families: int = 0
    target: int = 0
    not_reached: int = 0
    unknown: int = 0
    unknown_desil: int = 0

    @property
    def unreached(self) -> int:
        return self.not_reached + self.unknown

    def plus(self, other: "_Counts") -> "_Counts":
        return _Counts(
            self.families + other.families,
            self.target + other.target,
            self.not_reached + other.not_reached,
            self.unknown + other.unknown,
            self.unknown_desil + other.unknown_desil,
        )

    def revealing(self) -> tuple[int, ...]:
        reached = self.target - self.unreached
        return (self.target, self.not_reached, self.unknown, reached, self.unknown_desil)


@router.get("")
@refuses(REGION_FOREIGN)
async def list_unreached(
    *,
    request: Request,
    response: Response,
    tx: ReadTx,
    actor: ListReader,
    fresh: Freshness,
    settings: Settings,
    signer: Signer,
    region: RegionCode = None,
    cursor: Cursor = None,
    limit: Limit = LIMIT_DEFAULT,
) -> UnreachedListView:
    """Keluarga sasaran yang belum tersentuh program mana pun, atau belum diketahui."""
    patterns = places(actor, region)
    reaching = await reach.terms(tx, settings.reach_window_months)
    query = unreached.listed(
        patterns=patterns,
        since=reaching.since,
        until=reaching.until,
        desil_max=settings.target_desil_max,
    )
    found = await paginate(
        tx,
        query,
        keys=unreached.LIST_KEYS,
        limit=limit,
        cursor=cursor,
        signer=signer,
        list_name=f"unreached|{','.join(patterns)}",
    )
    names = await coverage.region_names(tx, sorted({row["region_code"] for row in found.rows}))
    page = UnreachedListView(
        **_terms(reaching, fresh, settings),
        data=[
            UnreachedFamilyView(
                **row,
                region_name=names.get(row["region_code"]),
                status=reach_of(row["region_code"], reaching.blind),
            )
            for row in found.rows
        ],
        next=found.next,
    )
    link_next(request, response, page)
    return page


@router.get("/summary")
@refuses(REGION_FOREIGN)
async def summarise_unreached(
    *,
    tx: ReadTx,
    actor: Reader,
    fresh: Freshness,
    settings: Settings,
    region: RegionCode = None,
    by: Annotated[Literal["desa", "kecamatan"], Query()] = "desa",
) -> UnreachedSummaryView:
    """Jumlah dan tingkat keluarga sasaran belum tersentuh per desa atau kecamatan."""
    reaching = await reach.terms(tx, settings.reach_window_months)
    villages = await unreached.by_village(
        tx,
        patterns=places(actor, region),
        since=reaching.since,
        until=reaching.until,
        desil_max=settings.target_desil_max,
    )
    counts = _count(villages, reaching.blind, by)
    total = _Counts()
    for row in counts.values():
        total = total.plus(row)
    hides = hides_small_cells(actor)
    names = await coverage.region_names(tx, list(counts))
    return UnreachedSummaryView(
        **_terms(reaching, fresh, settings),
        region=region,
        by=by,
        total=UnreachedCountsView(**_shown(total, hide=hides and reveals(total.revealing()))),
        data=_ranked(counts, names, hides=hides),
    )


def _terms(
    reaching: Terms, fresh: FreshnessView, settings: IndicatorsSettings
) -> dict[str, object]:
    return {
        **fresh.fields,
        "window": WindowView(since=reaching.since, until=reaching.until),
        "target_desil_max": settings.target_desil_max,
        "sources": [source_view(state) for state in reaching.states],
        "label": REGISTRY_LABEL,
    }


def source_view(state: SourceState) -> SourceView:
    """Return an expected source as answers show it."""
    source = state.source
    return SourceView(
        code=source.code,
        name=source.name,
        reporter_code=source.reporter_code,
        program_code=source.program_code,
        region_code=source.region_code,
        max_age_days=source.max_age_days,
        last_data_at=state.last_data_at,
        status=state.status,
    )


def _count(villages: Sequence[Village], blind: Sequence[str], by: str) -> dict[str, _Counts]:
    counts: dict[str, _Counts] = {}
    for village in villages:
        unknown = reach_of(village.region_code, blind) is Reach.UNKNOWN
        code = village.region_code if by == "desa" else village.region_code[:KECAMATAN_CHARS]
        row = _Counts(
            families=village.families,
            target=village.target,
            not_reached=0 if unknown else village.unreached,
            unknown=village.unreached if unknown else 0,
            unknown_desil=village.unknown_desil,
        )
        counts[code] = counts.get(code, _Counts()).plus(row)
    return counts


def _ranked(
    counts: dict[str, _Counts], names: dict[str, str], *, hides: bool
) -> list[UnreachedRowView]:
    """Order by number, then rate; hidden rows come last, unranked, in the order of their code."""
    codes = sorted(counts)
    rows = [counts[code] for code in codes]
    hidden = [False] * len(rows)
    if hides:
        primary = [reveals(row.revealing()) for row in rows]
        hidden = list(complete([row.target for row in rows], primary))
    shown = [code for code, hide in zip(codes, hidden, strict=True) if not hide]
    rates = {code: ratio(counts[code].unreached, counts[code].target) for code in shown}
    by_number = sorted(shown, key=lambda code: (-counts[code].unreached, -(rates[code] or 0), code))
    by_rate = sorted(shown, key=lambda code: (-(rates[code] or 0), -counts[code].unreached, code))
    rank_by_rate = {code: rank for rank, code in enumerate(by_rate, start=1)}
    ranked = [
        UnreachedRowView(
            region_code=code,
            region_name=names.get(code),
            rank_by_number=rank,
            rank_by_rate=rank_by_rate[code],
            **_shown(counts[code], hide=False),
        )
        for rank, code in enumerate(by_number, start=1)
    ]
    return ranked + [
        UnreachedRowView(
            region_code=code,
            region_name=names.get(code),
            rank_by_number=None,
            rank_by_rate=None,
            **_shown(counts[code], hide=True),
        )
        for code, hide in zip(codes, hidden, strict=True)
        if hide
    ]


def _shown(row: _Counts, *, hide: bool) -> dict[str, int | Decimal | bool | None]:
    fields: dict[str, int | Decimal | bool | None] = {
        "families": row.families,
        "target_families": row.target,
        "unreached_families": row.unreached,
        "belum_tersentuh": row.not_reached,
        "belum_diketahui": row.unknown,
        "unknown_desil_families": row.unknown_desil,
        "rate": ratio(row.unreached, row.target),
    }
    return {name: None if hide else value for name, value in fields.items()} | {"suppressed": hide}
