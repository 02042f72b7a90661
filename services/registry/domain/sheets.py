"""Which columns a kind of list has, whatever its file looks like; how titles are recognised."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.registry.domain import dtsen, opensid
from services.registry.domain.import_rules import FileRefusedError
from services.registry.domain.imports import ImportFormat

_NOT_TITLE = re.compile(r"[^a-z0-9]")
RECOGNISED_MIN = 3
"""A row with fewer known titles is no header of this list."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of a list: all of a template, those that are read, those that must be there."""

    title: str
    columns: tuple[str, ...]
    kept: tuple[str, ...]
    required: tuple[str, ...]
    aliases: Mapping[str, str]
    sheet: str | None = None
    end_mark: str | None = None
    identity: tuple[str, ...] = ("no_kk", "nik")


LAYOUTS: Mapping[ImportFormat, Layout] = {
    ImportFormat.OPENSID_RESIDENTS: Layout(
        "daftar penduduk OpenSID",
        opensid.COLUMNS,
        opensid.KEPT,
        opensid.REQUIRED,
        opensid.ALIASES,
        opensid.SHEET,
        opensid.END_MARK,
    ),
    ImportFormat.DTSEN_EXTRACT: Layout(
        "ekstrak DTSEN", dtsen.COLUMNS, dtsen.KEPT, dtsen.REQUIRED, dtsen.ALIASES
    ),
}


def column_positions(layout: Layout, titles: Sequence[str]) -> dict[str, int]:
    """Map each kept column to its place in a row of titles, whatever case, order and blanks.

    Raises:
        FileRefusedError: ``wrong_file``, ``columns_missing`` or ``columns_twice``.
    """
    positions, twice = _positions(layout, titles)
    if len(positions) < RECOGNISED_MIN:
        raise FileRefusedError("wrong_file", {"expected": layout.title})
    missing = [column for column in layout.required if column not in positions]
    if missing:
        raise FileRefusedError("columns_missing", {"columns": ", ".join(missing)})
    if twice:
        raise FileRefusedError("columns_twice", {"columns": ", ".join(twice)})
    return positions


def count_titles(layout: Layout, titles: Sequence[str]) -> int:
    """Count known titles in a row: the header of a file is the row that has most."""
    return len(_positions(layout, titles)[0])


def _positions(layout: Layout, titles: Sequence[str]) -> tuple[dict[str, int], list[str]]:
    """Return places and titles that stand twice. A column's own title wins over its aliases."""
    squashed = [_squash(title) for title in titles]
    known = {_squash(column): column for column in layout.kept}
    aliases = {_squash(alias): column for alias, column in layout.aliases.items()}
    positions: dict[str, int] = {}
    twice: list[str] = []
    for names in (known, aliases):
        for position, title in enumerate(squashed):
            column = names.get(title)
            if column is None:
                continue
            if squashed.count(title) > 1 and column not in twice:
                twice.append(column)
            positions.setdefault(column, position)
    return positions, twice


def _squash(title: str) -> str:
    return _NOT_TITLE.sub("", title.lower())
