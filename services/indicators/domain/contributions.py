"""The founding article's table: four fields times three groups, in distinct families.

A family helped by two programs is one family in each cell, each margin and the total, so margins
are never sums of cells. The store gives, per set of cells a family stands in, how many families
stand in exactly that set; every distinct count follows from those few rows.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

FIELDS: Final = ("PENDIDIKAN", "KESEHATAN", "INFRASTRUKTUR", "EKONOMI")
"""The four bidang of the founding article, handbook 1.3."""

GROUPS: Final = ("I", "II", "III", "IV")
"""Klaster of Perpres 15/2010; I-III are the article's three groups, IV came later: lainnya."""

OTHER_GROUP: Final = "lainnya"

Cell = tuple[str, str]

CELLS: Final[tuple[Cell, ...]] = tuple((field, group) for field in FIELDS for group in GROUPS)


def group_label(klaster: str) -> str:
    """Return the group as the table shows it: I, II, III, or lainnya for IV."""
    return klaster if klaster in GROUPS[:3] else OTHER_GROUP


def bit(field: str, klaster: str) -> int:
    """Return the bit that stands for a cell in a family's mask."""
    return 1 << CELLS.index((field, klaster))


@dataclass(frozen=True, slots=True)
class MaskCount:
    """So many families stand in exactly these cells, entitled and reached."""

    entitled_mask: int
    reached_mask: int
    families: int


@dataclass(frozen=True, slots=True)
class Figures:
    """One cell or margin: distinct families entitled and reached, rupiah net of returns."""

    families_entitled: int
    families_reached: int
    delivered_idr: int


@dataclass(frozen=True, slots=True)
class Matrix:
    """All sixteen cells and the margins; every count is of distinct families."""

    cells: dict[Cell, Figures]
    by_field: dict[str, Figures]
    by_group: dict[str, Figures]
    total: Figures


def matrix(masks: Iterable[MaskCount], delivered_idr: dict[Cell, int]) -> Matrix:
    """Build the table from mask counts and the rupiah per cell (rupiah do add up)."""
    counted = tuple(masks)

    def figures(cells: Iterable[Cell]) -> Figures:
        places = tuple(cells)
        wanted = sum(bit(*cell) for cell in places)
        return Figures(
            families_entitled=sum(m.families for m in counted if m.entitled_mask & wanted),
            families_reached=sum(m.families for m in counted if m.reached_mask & wanted),
            delivered_idr=sum(delivered_idr.get(cell, 0) for cell in places),
        )

    return Matrix(
        cells={cell: figures([cell]) for cell in CELLS},
        by_field={field: figures((field, group) for group in GROUPS) for field in FIELDS},
        by_group={group: figures((field, group) for field in FIELDS) for group in GROUPS},
        total=figures(CELLS),
    )
