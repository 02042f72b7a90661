"""Builders of the files that villages and the ministry really send, with synthetic people.

A row is a dict of column -> cell; builders give a valid row and take what a test wants changed.
NIK and KK numbers have serials from 9000 on, so they belong to nobody.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any

import xlsxwriter

from services.registry.domain import dtsen, opensid

Row = dict[str, Any]
FIRST_SERIAL = 9000


def kk_number(number: int) -> str:
    """A KK number of Kotim; ``number`` picks serial and date of issue."""
    day, serial = divmod(number, 1000)
    issued = date(2010, 1, 1) + timedelta(days=day)
    return f"620206{issued:%d%m%y}{FIRST_SERIAL + serial}"


def nik(number: int, sex: str = "1", born: date = date(1990, 7, 1)) -> str:
    """A synthetic NIK that agrees with sex (1 man, 2 woman) and birth date."""
    district, serial = divmod(number, 1000)
    day = born.day + (40 if sex == "2" else 0)
    return f"6202{district % 90 + 1:02d}{day:02d}{born:%m%y}{FIRST_SERIAL + serial}"


def resident(number: int = 1, family: int = 1, **changes: Any) -> Row:
    """One OpenSID row: the head of family ``family`` unless changed."""
    sex = str(changes.get("sex", "1"))
    born = date(1990, 7, 1)
    row: Row = {
        "alamat": "Jl. Betang 1", "dusun": "Dusun I", "rw": "001", "rt": "002",
        "nama": f"WARGA {_letters(number)}", "no_kk": kk_number(family),
        "nik": nik(number, sex, born),
        "sex": sex, "tempatlahir": "Sampit", "tanggallahir": born.isoformat(), "agama_id": "7",
        "pendidikan_kk_id": "5", "pekerjaan_id": "9", "status_kawin": "2", "kk_level": "1",
        "warganegara_id": "1", "golongan_darah_id": "13", "cacat_id": "7", "hamil": "2",
        "status_dasar": "1", "suku": "Dayak", "lat": "-2.5", "lng": "112.9",
    }  # fmt: skip
    return row | changes


def village(families: int, members: int = 3, first: int = 0) -> list[Row]:
    """``families`` of head, spouse and children, with NIKs that agree with sex and birth."""
    rows: list[Row] = []
    for family in range(first, first + families):
        for member in range(members):
            number = family * members + member
            is_child = member > 1
            sex = "2" if member == 1 else "1"
            born = date(2012, 3, 4) if is_child else date(1980, 5, 6)
            rows.append(
                resident(
                    number,
                    family,
                    sex=sex,
                    nik=nik(number, sex, born),
                    tanggallahir=born.isoformat(),
                    kk_level="4" if is_child else ("3" if member == 1 else "1"),
                    status_kawin="1" if is_child else "2",
                )
            )
    return rows


def welfare(number: int = 1, family: int = 1, **changes: Any) -> Row:
    """One DTSEN row: desil 1, an earth floor, nobody with difficulties."""
    row: Row = {
        "no_kk": kk_number(family), "nik": nik(number), "nama": f"WARGA {_letters(number)}",
        "kode_desa": "6202062005", "desil_nasional": "1", "status_dtsen": dtsen.STATUS_ACTIVE,
        "cut_off": "2026-09-30", "id_lantai_terluas": "8", "luas_lantai_bangunan": "36",
        "id_sumber_airminum": "9", "id_berjalan_atau_naik_tangga": "4", "id_penglihatan": "4",
    }  # fmt: skip
    return row | changes


def opensid_csv(rows: Iterable[Row], **options: Any) -> bytes:
    return as_csv(rows, opensid.COLUMNS, **options)


def dtsen_csv(rows: Iterable[Row], **options: Any) -> bytes:
    return as_csv(rows, dtsen.COLUMNS, **options)


def opensid_xlsx(rows: Iterable[Row], **options: Any) -> bytes:
    return as_xlsx(rows, opensid.COLUMNS, sheet=opensid.SHEET, **options)


def as_csv(
    rows: Iterable[Row],
    columns: Sequence[str],
    *,
    separator: str = ";",
    encoding: str = "utf-8-sig",
    tail: Sequence[Sequence[str]] = (),
) -> bytes:
    """Return a CSV as Excel writes it: semicolons, byte-order mark, CRLF."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator)
    writer.writerow(columns)
    writer.writerows([row.get(column, "") for column in columns] for row in rows)
    writer.writerows(tail)
    return text.getvalue().encode(encoding)


def as_xlsx(
    rows: Iterable[Row],
    columns: Sequence[str],
    *,
    sheet: str = "Sheet1",
    tail: Sequence[Sequence[str]] = (),
    first_line: int = 0,
) -> bytes:
    """Return a workbook whose cells keep their type: text, number, date."""
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True, "strings_to_numbers": False})
    page = book.add_worksheet(sheet)
    dates = book.add_format({"num_format": "dd/mm/yyyy"})
    page.write_row(first_line, 0, columns)
    line = first_line
    for line, row in enumerate(rows, start=first_line + 1):
        for place, column in enumerate(columns):
            cell = row.get(column)
            if isinstance(cell, date):
                page.write_datetime(line, place, cell, dates)
            elif isinstance(cell, str):
                page.write_string(line, place, cell)
            elif cell is not None:
                page.write(line, place, cell)
    for offset, cells in enumerate(tail, start=line + 1):
        page.write_row(offset, 0, cells)
    book.close()
    return buffer.getvalue()


def _letters(number: int) -> str:
    """A number as letters, because digits in a name are a warning."""
    text = ""
    while True:
        number, place = divmod(number, 26)
        text = chr(ord("A") + place) + text
        if number == 0:
            return text
