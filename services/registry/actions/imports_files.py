"""Reading an uploaded list: XLSX or CSV bytes become frames of text, some thousand rows each.

Every cell becomes text, so that no reader guesses a type; for identity numbers a second column
``<name>_numeric`` says that the workbook held a number, which is how Excel's damage shows. Columns
that are not kept are left in the file. Nothing here judges a row; see ``imports_opensid`` and
``imports_dtsen``. Whole-file problems raise ``FileRefusedError``.
"""

import codecs
import csv
import io
import itertools
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time
from typing import Any

import polars as pl
from python_calamine import CalamineError, CalamineWorkbook

from services.registry.actions.imports_extent import MARK, check_extent
from services.registry.domain import import_rules
from services.registry.domain.import_rules import FileRefusedError
from services.registry.domain.sheets import Layout, column_positions, count_titles

CHUNK_ROWS = 10_000
HEADER_ROWS_MAX = 10
"""Titles above the header (a letterhead) are skipped up to here."""
FIELD_CHARS_MAX = 10_000
ROW_TOO_LONG = "_row_too_long"
"""Marks rows with text beyond the last title: a separator inside a cell moved its neighbours."""

_ZIP_START = b"PK\x03\x04"
_OLE_START = b"\xd0\xcf\x11\xe0"
_READ_BYTES = 1 << 20
_ENTRIES_MAX = 500
_OTHER_KINDS = frozenset({"content.xml", "xl/workbook.bin"})
"""Parts by which the reader would take the file for ODS or XLSB, whose cells nobody counted."""
_BROKEN_ARCHIVE = (
    zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError,
)  # fmt: skip
"""What zipfile raises for cut, damaged, encrypted or unsupported archives."""

Row = Sequence[Any]
NumberedRow = tuple[int, Row]


def read_chunks(content: bytes, layout: Layout) -> Iterator[pl.DataFrame]:
    """Yield frames with ``row`` (1-based number in the file), the kept columns as text, flags.

    Raises:
        FileRefusedError: the file as a whole is of no use; the code says why.
    """
    if not content[:_READ_BYTES].strip():
        raise FileRefusedError("file_empty")
    rows = _workbook_rows(content, layout) if is_workbook(content) else _csv_rows(content)
    width, positions, body = _after_header(rows, layout)
    if layout.end_mark:
        body = _until_mark(body, layout.end_mark)
    is_empty = True
    while chunk := list(itertools.islice(body, CHUNK_ROWS)):
        frame = _frame(chunk, positions, width, layout)
        if frame.height:
            is_empty = False
            yield frame
    if is_empty:
        raise FileRefusedError("no_rows")


def is_workbook(content: bytes) -> bool:
    """Tell an XLSX by its first bytes. Raise for an old or protected workbook."""
    if content.startswith(_OLE_START):
        raise FileRefusedError("old_workbook")
    return content.startswith(_ZIP_START)


def _after_header(
    rows: Iterator[NumberedRow], layout: Layout
) -> tuple[int, dict[str, int], Iterator[NumberedRow]]:
    head = list(itertools.islice(rows, HEADER_ROWS_MAX))
    if not head:
        raise FileRefusedError("file_empty")
    titles = [[_text(cell) for cell in row] for _, row in head]
    counts = [count_titles(layout, row) for row in titles]
    best = counts.index(max(counts))
    positions = column_positions(layout, titles[best])
    width = max(i for i, title in enumerate(titles[best]) if title.strip()) + 1
    return width, positions, itertools.chain(head[best + 1 :], rows)


def _until_mark(rows: Iterator[NumberedRow], mark: str) -> Iterator[NumberedRow]:
    for number, row in rows:
        if row and (mark in row or (isinstance(row[0], str) and row[0].startswith(mark))):
            return
        yield number, row


def _frame(
    chunk: list[NumberedRow], positions: dict[str, int], width: int, layout: Layout
) -> pl.DataFrame:
    """Turn rows into columns of text; rows without any kept value are left out."""
    columns: dict[str, pl.Series] = {
        "row": pl.Series([number for number, _ in chunk], dtype=pl.Int32)
    }
    for name in layout.kept:
        cells = _cells(chunk, positions.get(name))
        columns[name] = pl.Series([_text(cell) for cell in cells], dtype=pl.String)
        if name in layout.identity:
            numeric = [isinstance(cell, float | int) for cell in cells]
            columns[f"{name}_numeric"] = pl.Series(numeric, dtype=pl.Boolean)
    too_long = [any(_text(cell).strip() for cell in row[width:]) for _, row in chunk]
    columns[ROW_TOO_LONG] = pl.Series(too_long, dtype=pl.Boolean)
    has_value = pl.any_horizontal(pl.col(name).str.strip_chars() != "" for name in layout.kept)
    return pl.DataFrame(columns).filter(has_value)


def _cells(chunk: list[NumberedRow], position: int | None) -> list[Any]:
    if position is None:
        return [None] * len(chunk)
    return [row[position] if position < len(row) else None for _, row in chunk]


def _text(cell: Any) -> str:
    """Write a typed cell as the text a person would have typed; dates in ISO."""
    if isinstance(cell, str):
        return cell
    if cell is None:
        return ""
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else repr(cell)
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    return str(int(cell)) if isinstance(cell, bool) else str(cell)


def _csv_rows(content: bytes) -> Iterator[NumberedRow]:
    if len(content) > import_rules.CSV_BYTES_MAX:
        raise FileRefusedError("file_too_big")
    if b"\0" in content[:4096]:
        raise FileRefusedError("not_text")
    # The buffer is shared, not copied; lines are decoded as they are read.
    text = io.TextIOWrapper(
        io.BytesIO(content), encoding=_encoding(content), errors="replace", newline=""
    )
    start = text.read(64 * 1024)
    text.seek(0)
    csv.field_size_limit(FIELD_CHARS_MAX)
    reader = csv.reader(text, delimiter=_delimiter(start))
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise FileRefusedError("not_text") from error
        yield reader.line_num, row


def _encoding(content: bytes) -> str:
    """UTF-8 when every byte agrees, else what Excel on Indonesian Windows writes."""
    if content.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    decoder = codecs.getincrementaldecoder("utf-8")()
    view = memoryview(content)
    try:
        for start in range(0, len(view), _READ_BYTES):
            decoder.decode(view[start : start + _READ_BYTES])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _delimiter(start: str) -> str:
    head = start.split("\n", maxsplit=HEADER_ROWS_MAX)[:HEADER_ROWS_MAX]
    return max((";", ",", "\t"), key=lambda mark: max(line.count(mark) for line in head))


def _workbook_rows(content: bytes, layout: Layout) -> Iterator[NumberedRow]:
    if len(content) > import_rules.XLSX_BYTES_MAX:
        raise FileRefusedError("file_too_big")
    _check_archive(content)
    try:
        with CalamineWorkbook.from_filelike(io.BytesIO(content)) as book:
            names = book.sheet_names
            wanted = [
                name for name in names if name.strip().lower() == (layout.sheet or "").lower()
            ]
            sheet = book.get_sheet_by_name((wanted or names)[0])
            # The reader yields from the sheet's first row, whatever its first filled row is.
            yield from enumerate(sheet.iter_rows(), start=1)
    except (CalamineError, IndexError, ValueError, OSError) as error:
        raise FileRefusedError("not_a_workbook") from error


def _check_archive(content: bytes) -> None:
    """Inflate each part once, counting: the directory's sizes are a claim, not a fact.

    This finds bombs, cut files and sheets of too many rows before a reader holds them in memory.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = archive.infolist()
            if sum(part.file_size for part in parts) > import_rules.XLSX_INFLATED_BYTES_MAX:
                raise FileRefusedError("workbook_too_big")
            if len(parts) > _ENTRIES_MAX:
                raise FileRefusedError("workbook_too_big")
            names = {part.filename.replace("\\", "/").lower() for part in parts}
            is_other_kind = not names.isdisjoint(_OTHER_KINDS)
            if is_other_kind or not any(name.startswith("xl/worksheets/") for name in names):
                raise FileRefusedError("not_a_workbook")
            inflated = 0
            for part in parts:
                inflated += _inflate(archive, part, inflated)
    except _BROKEN_ARCHIVE as error:
        raise FileRefusedError("not_a_workbook") from error


def _inflate(archive: zipfile.ZipFile, part: zipfile.ZipInfo, before: int) -> int:
    is_sheet = part.filename.startswith("xl/worksheets/sheet")
    size = rows = 0
    has_cells = False
    tail = b""
    with archive.open(part) as stream:
        while piece := stream.read(_READ_BYTES):
            size += len(piece)
            if before + size > import_rules.XLSX_INFLATED_BYTES_MAX:
                raise FileRefusedError("workbook_too_big")
            if is_sheet:
                rows += (tail[-4:] + piece).count(b"<row ")
            has_cells = has_cells or MARK in tail + piece
            tail = piece[-len(MARK) :]
    # One row is the header; letterhead and notes may add a few.
    if rows > import_rules.XLSX_ROWS_MAX + HEADER_ROWS_MAX:
        raise FileRefusedError("too_many_rows")
    if has_cells:
        with archive.open(part) as stream:
            check_extent(iter(lambda: stream.read(_READ_BYTES), b""))
    return size
