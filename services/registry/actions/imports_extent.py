"""How far the cells of a worksheet reach, found without a reader that holds them.

A reader makes room for the whole rectangle of a sheet. Two cells in opposite corners, some bytes
in the file, would ask for gigabytes and end the worker, again at every attempt.
"""

import re
from collections.abc import Iterator
from xml.parsers import expat

from services.registry.domain.import_rules import XLSX_CELLS_MAX, FileRefusedError

MARK = b"sheetData"
"""No reader takes a part for a worksheet that has no such element, whatever the part's name."""

_REFERENCE = re.compile(r"([A-Za-z]{1,3})0*([1-9]\d{0,6})")
_LETTERS = 26


def check_extent(pieces: Iterator[bytes]) -> None:
    """Read one worksheet. Raise ``FileRefusedError`` when its rectangle is too large to hold."""
    extent = _Extent()
    parser = expat.ParserCreate()
    parser.StartElementHandler = extent.start
    try:
        for piece in pieces:
            parser.Parse(piece)
            extent.check()
        parser.Parse(b"", True)  # noqa: FBT003 - the standard library knows no keyword here
        extent.check()
    except (expat.ExpatError, ValueError) as error:
        raise FileRefusedError("not_a_workbook") from error


class _Extent:
    """Counts as a reader does: a row or cell without its place follows the one before it."""

    def __init__(self) -> None:
        self.rows = self.columns = 0
        self._row = self._column = 0

    def check(self) -> None:
        """Raise ``FileRefusedError`` when the rectangle is too large already."""
        if self.rows * self.columns > XLSX_CELLS_MAX:
            raise FileRefusedError("workbook_too_big")

    def start(self, name: str, attributes: dict[str, str]) -> None:
        name = name.rpartition(":")[2]
        place = attributes.get("r")
        if name == "row":
            self._row = self._row + 1 if place is None else int(place)
            self._column = 0
        elif name == "c":
            self._cell(place)
        elif name in ("v", "is"):
            # An empty cell that only has a colour takes no room.
            self.rows = max(self.rows, self._row)
            self.columns = max(self.columns, self._column)

    def _cell(self, place: str | None) -> None:
        if place is None:
            self._column += 1
            return
        found = _REFERENCE.fullmatch(place)
        if found is None:
            raise ValueError("not a cell")
        self._row = int(found[2])
        self._column = 0
        for letter in found[1].upper():
            self._column = self._column * _LETTERS + ord(letter) - ord("A") + 1
