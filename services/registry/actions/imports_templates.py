"""Files for people: an empty template of each list, and the rejected rows to mend."""

import csv
import io
from collections.abc import AsyncIterator, Sequence
from uuid import UUID

import xlsxwriter

from services.registry.domain.import_rules import RULES, Finding, Severity
from services.registry.domain.imports import ImportFormat
from services.registry.domain.sheets import LAYOUTS, Layout
from services.registry.storage import import_rows
from services.registry.storage.import_rows import StagedContent
from services.shared.db import Database
from services.shared.sealing import Keyring, Sealer

ROWS_PER_READ = 1_000
REASON_COLUMN = "alasan"
ROW_COLUMN = "baris"
BYTE_ORDER_MARK = "\ufeff"
"""Without it Excel reads UTF-8 as Windows-1252."""
_FORMULA_STARTS = ("=", "+", "@", "\t", "\r")
_COLUMN_WIDTH = 18


def template(import_format: ImportFormat) -> bytes:
    """Return an empty workbook: titles, identity columns as text so that Excel keeps a NIK."""
    layout = LAYOUTS[import_format]
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        as_text = book.add_format({"num_format": "@"})
        required = book.add_format({"bold": True, "bg_color": "#FFF2CC"})
        sheet = book.add_worksheet(layout.sheet or "Data")
        for place, column in enumerate(layout.columns):
            is_text = column in layout.identity or column.startswith("tanggal")
            sheet.set_column(place, place, _COLUMN_WIDTH, as_text if is_text else None)
            sheet.write_string(0, place, column, required if column in layout.required else None)
        sheet.freeze_panes(1, 0)
    return buffer.getvalue()


def findings_of(row: StagedContent) -> list[Finding]:
    """Return a row's findings with the cell that each is about, numbers of identity left out."""
    layout_values = row.original
    found = []
    for column, code, *other_row in row.findings:
        value = other_row[0] if other_row else layout_values.get(column)
        hidden = column in ("nik", "no_kk") and not other_row
        found.append(Finding(column, code, None if hidden else value))
    return found


async def rejected_csv(
    db: Database, keyring: Keyring, import_id: UUID, import_format: ImportFormat, language: str
) -> AsyncIterator[str]:
    """Yield the rejected rows as a semicolon CSV in the columns of the file, with the reasons.

    Columns that Betang does not read are there, empty, so that the file can be uploaded again.
    """
    layout, sealer = LAYOUTS[import_format], Sealer(keyring)
    yield BYTE_ORDER_MARK + _csv([[*layout.columns, ROW_COLUMN, REASON_COLUMN]])
    after = 0
    while True:
        async with db.reading() as tx:
            rows = await import_rows.rejected(tx, import_id, after, ROWS_PER_READ, sealer)
        if not rows:
            return
        after = rows[-1].row_number
        yield _csv([_line(row, layout, language) for row in rows])


def _line(row: StagedContent, layout: Layout, language: str) -> list[str]:
    cells = [_safe(row.original.get(column) or "", column, layout) for column in layout.columns]
    reasons = [
        finding.text(language)
        for finding in findings_of(row)
        if RULES[finding.code].severity is Severity.ERROR
    ]
    return [*cells, str(row.row_number), "; ".join(reasons)]


def _safe(cell: str, column: str, layout: Layout) -> str:
    """Keep Excel from computing a cell, and from shortening a NIK, with its mark for text."""
    is_number = column in layout.identity and cell[:1].isdigit()
    return f"'{cell}" if is_number or cell.startswith(_FORMULA_STARTS) else cell


def _csv(lines: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=";").writerows(lines)
    return text.getvalue()
