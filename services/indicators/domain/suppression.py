"""Small cells: which figures of a published aggregate must be hidden so that nobody is found.

A cell of 1 to 9 families is hidden (DESIGN section 4, People's data). A single hidden cell beside
a published total is no secret: the reader subtracts. So further cells are hidden (complementary
suppression) until at least two are hidden in a line and the hidden cells together hold no small
number either. Zero stays visible: it describes no family.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

CELL_MIN: Final = 10
"""Cells under 10 are suppressed in published aggregates, DESIGN section 4."""


def is_small(count: int, cell_min: int = CELL_MIN) -> bool:
    """Return whether a count could point at families: 1 up to ``cell_min`` - 1."""
    return 0 < count < cell_min


def reveals(counts: Iterable[int], cell_min: int = CELL_MIN) -> bool:
    """Return whether any of one row's counts, or of the differences given with them, is small."""
    return any(is_small(count, cell_min) for count in counts)


def complete(
    weights: Sequence[int], primary: Sequence[bool], cell_min: int = CELL_MIN
) -> tuple[bool, ...]:
    """Return the cells to hide of one line whose total is published.

    ``weights`` are the cells' counts, ``primary`` those hidden for their own sake. Cells are added
    from the smallest count up, ties by place, until two are hidden and they hold ``cell_min``
    together. A line with nothing to hide stays whole; a line too short is hidden whole.
    """
    hidden = list(primary)
    if not any(hidden):
        return tuple(hidden)
    candidates = sorted(
        (index for index, is_hidden in enumerate(hidden) if not is_hidden),
        key=lambda index: (weights[index] == 0, weights[index], index),
    )
    for index in candidates:
        held = sum(weight for weight, is_hidden in zip(weights, hidden, strict=True) if is_hidden)
        if sum(hidden) >= 2 and held >= cell_min:  # noqa: PLR2004 - one hidden cell is no secret
            break
        hidden[index] = True
    return tuple(hidden)


@dataclass(frozen=True, slots=True)
class HiddenTable:
    """What to hide of a table with both margins: cells by (row, column), rows, columns, total."""

    cells: frozenset[tuple[str, str]]
    rows: frozenset[str]
    columns: frozenset[str]
    total: bool


def hide_table(
    counts: Mapping[tuple[str, str], int],
    *,
    row_totals: Mapping[str, int],
    column_totals: Mapping[str, int],
    total: int,
    cell_min: int = CELL_MIN,
) -> HiddenTable:
    """Return what to hide of a table of (row, column) counts that is shown with its margins.

    Margins are lines like any other. Lines are completed in turn until nothing changes; every pass
    hides at least one cell more, so it ends. A line that cannot be completed loses its margin.
    """
    rows = sorted(row_totals)
    columns = sorted(column_totals)
    hidden = {place for place, count in counts.items() if is_small(count, cell_min)}
    lines = [[(row, column) for column in columns] for row in rows]
    lines += [[(row, column) for row in rows] for column in columns]
    changed = True
    while changed:
        before = len(hidden)
        for line in lines:
            flags = complete(
                [counts.get(place, 0) for place in line],
                [place in hidden for place in line],
                cell_min,
            )
            hidden.update(place for place, flag in zip(line, flags, strict=True) if flag)
        changed = len(hidden) > before
    hidden_rows = _hidden_margin(rows, row_totals, cell_min)
    hidden_columns = _hidden_margin(columns, column_totals, cell_min)
    return HiddenTable(frozenset(hidden), hidden_rows, hidden_columns, is_small(total, cell_min))


def _hidden_margin(
    names: Sequence[str], totals: Mapping[str, int], cell_min: int
) -> frozenset[str]:
    weights = [totals[name] for name in names]
    flags = complete(weights, [is_small(weight, cell_min) for weight in weights], cell_min)
    return frozenset(name for name, flag in zip(names, flags, strict=True) if flag)
