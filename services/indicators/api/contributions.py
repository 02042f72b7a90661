"""Four fields x three groups, and what each agency contributed: distinct families, net rupiah."""

from collections.abc import Mapping

from pydantic import BaseModel

from services.indicators.api.common import (
    REGISTRY_LABEL,
    Freshness,
    FreshnessView,
    LabelView,
    Reader,
    RegionCode,
    Year,
    hides_small_cells,
    own_agency,
    places,
    year_or_now,
)
from services.indicators.domain.contributions import (
    FIELDS,
    GROUPS,
    Figures,
    Matrix,
    group_label,
    matrix,
)
from services.indicators.domain.suppression import HiddenTable, complete, hide_table, reveals
from services.indicators.storage import contributions
from services.indicators.storage.contributions import AgencyFigures, Organisation
from services.shared.auth import Actor
from services.shared.http import ReadTx, refuses, service_router
from services.shared.scope import REGION_FOREIGN

router = service_router(tags=["contributions"], prefix="/v1/contributions")

NOTHING_HIDDEN = HiddenTable(frozenset(), frozenset(), frozenset(), total=False)


class FiguresView(BaseModel):
    """Distinct families and net rupiah; null and ``suppressed`` where the cell is too small."""

    families_entitled: int | None
    families_reached: int | None
    delivered_idr: int | None
    suppressed: bool


class CellView(FiguresView):
    """One cell: a field (bidang) and a group (klaster I, II, III or lainnya)."""

    bidang: str
    kelompok: str


class FieldView(FiguresView):
    """A field over all groups; not the sum of its cells, families are counted once."""

    bidang: str


class GroupView(FiguresView):
    """A group over all fields."""

    kelompok: str


class MatrixView(FreshnessView):
    """The table of the founding article."""

    year: int
    region: str | None
    cells: list[CellView]
    by_bidang: list[FieldView]
    by_kelompok: list[GroupView]
    total: FiguresView
    label: LabelView


class ContributionView(FiguresView):
    """One agency's contribution. ``persons_reached`` are recipients named as persons."""

    owner_code: str
    owner_name: str | None
    owner_kind: str | None
    persons_reached: int | None


class ContributionTotalView(FiguresView):
    """All agencies together, each family once."""

    persons_reached: int | None


class ContributionsView(FreshnessView):
    """What each agency contributed in a year."""

    year: int
    region: str | None
    data: list[ContributionView]
    total: ContributionTotalView
    label: LabelView


@router.get("/matrix")
@refuses(REGION_FOREIGN)
async def read_matrix(
    tx: ReadTx, actor: Reader, fresh: Freshness, year: Year = None, region: RegionCode = None
) -> MatrixView:
    """Keluarga berhak, tersentuh dan nilai diserahkan per bidang dan kelompok."""
    chosen, patterns = year_or_now(year), places(actor, region)
    table = matrix(
        await contributions.masks(tx, chosen, patterns),
        await contributions.values(tx, chosen, patterns),
    )
    hidden = _hidden(table) if hides_small_cells(actor) else NOTHING_HIDDEN
    return _matrix_view(table, hidden, fresh, chosen, region)


@router.get("")
@refuses(REGION_FOREIGN)
async def list_contributions(
    tx: ReadTx, actor: Reader, fresh: Freshness, year: Year = None, region: RegionCode = None
) -> ContributionsView:
    """Keluarga dan orang tersentuh serta nilai diserahkan per organisasi pemilik program."""
    chosen, patterns = year_or_now(year), places(actor, region)
    rows = await contributions.by_agency(tx, chosen, patterns, own_agency(actor))
    owners = [row for row in rows if row.owner_code is not None]
    total = next((row for row in rows if row.owner_code is None), None)
    names = await contributions.organisations(tx, [row.owner_code or "" for row in owners])
    hidden, total_hidden = _hidden_agencies(owners, total, actor)
    return ContributionsView(
        **fresh.fields,
        year=chosen,
        region=region,
        data=[
            _contribution_view(row, names, hide=hide)
            for row, hide in zip(owners, hidden, strict=True)
        ],
        total=_total_view(total, hide=total_hidden),
        label=REGISTRY_LABEL,
    )


def _hidden(table: Matrix) -> HiddenTable:
    """Hide what either count reveals: a cell is shown with both counts or with none."""
    entitled = hide_table(
        {cell: figures.families_entitled for cell, figures in table.cells.items()},
        row_totals={name: f.families_entitled for name, f in table.by_field.items()},
        column_totals={name: f.families_entitled for name, f in table.by_group.items()},
        total=table.total.families_entitled,
    )
    reached = hide_table(
        {cell: figures.families_reached for cell, figures in table.cells.items()},
        row_totals={name: f.families_reached for name, f in table.by_field.items()},
        column_totals={name: f.families_reached for name, f in table.by_group.items()},
        total=table.total.families_reached,
    )
    return HiddenTable(
        cells=entitled.cells | reached.cells,
        rows=entitled.rows | reached.rows,
        columns=entitled.columns | reached.columns,
        total=entitled.total or reached.total,
    )


def _matrix_view(
    table: Matrix, hidden: HiddenTable, fresh: FreshnessView, year: int, region: str | None
) -> MatrixView:
    return MatrixView(
        **fresh.fields,
        year=year,
        region=region,
        cells=[
            CellView(
                bidang=cell[0],
                kelompok=group_label(cell[1]),
                **_shown(figures, hide=cell in hidden.cells),
            )
            for cell, figures in table.cells.items()
        ],
        by_bidang=[
            FieldView(bidang=name, **_shown(table.by_field[name], hide=name in hidden.rows))
            for name in FIELDS
        ],
        by_kelompok=[
            GroupView(
                kelompok=group_label(name),
                **_shown(table.by_group[name], hide=name in hidden.columns),
            )
            for name in GROUPS
        ],
        total=FiguresView(**_shown(table.total, hide=hidden.total)),
        label=REGISTRY_LABEL,
    )


def _hidden_agencies(
    owners: list[AgencyFigures], total: AgencyFigures | None, actor: Actor
) -> tuple[list[bool], bool]:
    """Return which rows are hidden, and whether the total is; one's own agency is shown."""
    if not hides_small_cells(actor):
        return [False] * len(owners), False
    primary = [reveals(_counts(row)) for row in owners]
    flags = complete([row.families_reached for row in owners], primary)
    own = own_agency(actor)
    hidden = [flag and row.owner_code != own for row, flag in zip(owners, flags, strict=True)]
    return hidden, total is not None and reveals(_counts(total))


def _counts(row: AgencyFigures) -> tuple[int, ...]:
    return (row.families_entitled, row.families_reached, row.persons_reached)


def _contribution_view(
    row: AgencyFigures, names: Mapping[str, Organisation], *, hide: bool
) -> ContributionView:
    code = row.owner_code or ""
    organisation = names.get(code)
    return ContributionView(
        owner_code=code,
        owner_name=organisation.name if organisation else None,
        owner_kind=organisation.kind if organisation else None,
        persons_reached=None if hide else row.persons_reached,
        **_shown(row, hide=hide),
    )


def _total_view(total: AgencyFigures | None, *, hide: bool) -> ContributionTotalView:
    if total is None:
        nothing = Figures(0, 0, 0)
        return ContributionTotalView(persons_reached=0, **_shown(nothing, hide=False))
    return ContributionTotalView(
        persons_reached=None if hide else total.persons_reached, **_shown(total, hide=hide)
    )


def _shown(figures: Figures | AgencyFigures, *, hide: bool) -> dict[str, int | bool | None]:
    return {
        "families_entitled": None if hide else figures.families_entitled,
        "families_reached": None if hide else figures.families_reached,
        "delivered_idr": None if hide else figures.delivered_idr,
        "suppressed": hide,
    }
