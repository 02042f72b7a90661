"""Files as they really arrive: encodings, separators, typed cells, damage, bombs."""

import io
import zipfile
from datetime import date

import polars as pl
import pytest

from services.registry.actions import imports_files
from services.registry.domain import import_rules, opensid
from services.registry.domain.import_rules import FileRefusedError
from services.registry.domain.imports import ImportFormat
from services.registry.domain.sheets import LAYOUTS
from tests.support import files

OPENSID = LAYOUTS[ImportFormat.OPENSID_RESIDENTS]
DTSEN = LAYOUTS[ImportFormat.DTSEN_EXTRACT]


def read(content: bytes, layout=OPENSID) -> pl.DataFrame:
    return pl.concat(imports_files.read_chunks(content, layout))


def refusal(content: bytes, layout=OPENSID) -> FileRefusedError:
    with pytest.raises(FileRefusedError) as caught:
        read(content, layout)
    return caught.value


@pytest.mark.parametrize("separator", [";", ",", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_a_csv_is_read_whatever_its_separator_and_encoding(separator, encoding):
    rows = [files.resident(nama="ANDRÉ; S.Pd", alamat="Jl. Betang, RT 2")]
    frame = read(files.opensid_csv(rows, separator=separator, encoding=encoding))
    assert frame["nama"].to_list() == ["ANDRÉ; S.Pd"]
    assert frame["alamat"].to_list() == ["Jl. Betang, RT 2"]
    assert frame["nik"].to_list() == [files.nik(1)]


def test_columns_are_found_in_any_order_case_and_spacing():
    titles = {"no_kk": " No KK ", "nik": "NIK", "tanggallahir": "Tanggal Lahir", "nama": "Nama"}
    columns = list(reversed(opensid.COLUMNS))
    content = files.as_csv([files.resident()], columns).decode("utf-8-sig")
    for column, title in titles.items():
        content = content.replace(f";{column};", f";{title};", 1)
    frame = read(content.encode())
    assert frame["tanggallahir"].to_list() == ["1990-07-01"]
    assert frame["no_kk"].to_list() == [files.kk_number(1)]


def test_columns_without_a_purpose_are_never_read():
    frame = read(files.opensid_xlsx([files.resident()]))
    unread = {"agama_id", "suku", "golongan_darah_id", "cara_kb_id", "dokumen_pasport", "ayah_nik"}
    assert not unread & set(frame.columns)
    assert "Dayak" not in str(frame.to_dicts())


def test_rows_after_the_marker_are_notes():
    tail = [["###"], ["Catatan untuk operator"] * 43]
    for content in (
        files.opensid_csv([files.resident()], tail=tail),
        files.opensid_xlsx([files.resident()], tail=tail),
    ):
        assert read(content).height == 1


def test_row_numbers_are_those_that_the_operator_sees_in_excel():
    rows = [files.resident(1), {}, files.resident(2)]
    assert read(files.opensid_xlsx(rows, first_line=2))["row"].to_list() == [4, 6]
    assert read(files.opensid_csv(rows))["row"].to_list() == [2, 4]


def test_a_workbook_says_which_identity_cells_were_numbers_and_keeps_dates():
    rows = [files.resident(1, nik=6202060107909000, tanggallahir=date(1990, 7, 1))]
    frame = read(files.opensid_xlsx(rows))
    assert frame["nik_numeric"].to_list() == [True]
    assert frame["no_kk_numeric"].to_list() == [False]
    assert frame["tanggallahir"].to_list() == ["1990-07-01"]


def test_a_row_with_text_beyond_the_last_title_is_marked():
    content = files.opensid_csv([files.resident()]) + b";".join([b"x"] * 44) + b"\r\n"
    assert read(content)[imports_files.ROW_TOO_LONG].to_list() == [False, True]


def test_a_second_sheet_is_chosen_by_its_name():
    buffer = io.BytesIO()
    import xlsxwriter  # noqa: PLC0415 - only this test builds two sheets

    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        book.add_worksheet("Petunjuk").write_row(0, 0, ["baca", "dulu"])
        page = book.add_worksheet("data penduduk")
        page.write_row(0, 0, opensid.COLUMNS)
        page.write_row(1, 0, [files.resident().get(column, "") for column in opensid.COLUMNS])
    assert read(buffer.getvalue())["nama"].to_list() == ["WARGA B"]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "file_empty"),
        (b"  \r\n \r\n", "file_empty"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 100, "not_text"),
        (b"\xd0\xcf\x11\xe0" + b"x" * 600, "old_workbook"),
        (b"PK\x03\x04 not a zip", "not_a_workbook"),
        (b"satu;dua;tiga\r\n1;2;3\r\n", "wrong_file"),
        (files.opensid_csv([]), "no_rows"),
        (files.opensid_xlsx([]), "no_rows"),
        (files.opensid_xlsx([files.resident()])[:-300], "not_a_workbook"),
        (files.opensid_xlsx([files.resident()] * 50)[:2000], "not_a_workbook"),
    ],
)
def test_a_file_that_is_no_use_is_refused_with_its_reason(content, code):
    refused = refusal(content)
    assert refused.code == code
    assert refused.text("id") != refused.text("en")


def test_a_missing_column_is_named():
    content = files.as_csv([files.resident()], [c for c in opensid.COLUMNS if c != "nik"])
    refused = refusal(content)
    assert (refused.code, refused.params) == ("columns_missing", {"columns": "nik"})


def test_a_column_that_stands_twice_is_named():
    refused = refusal(files.as_csv([files.resident()], [*opensid.COLUMNS, "nik"]))
    assert (refused.code, refused.params) == ("columns_twice", {"columns": "nik"})


def test_a_column_and_its_alias_may_stand_side_by_side():
    content = files.as_csv([files.welfare()], ["no_kk", "cut_off_keluarga", "nik", "cut_off",
                                               "desil_nasional"])  # fmt: skip
    assert read(content, DTSEN)["cut_off"].to_list() == ["2026-09-30"]


def test_a_residents_file_is_not_taken_for_an_extract():
    assert refusal(files.opensid_csv([files.resident()]), DTSEN).code in {
        "wrong_file",
        "columns_missing",
    }


def test_a_workbook_with_too_many_rows_is_refused_before_it_is_read(monkeypatch):
    monkeypatch.setattr(import_rules, "XLSX_ROWS_MAX", 20)
    assert refusal(files.opensid_xlsx(files.village(20))).code == "too_many_rows"


def test_a_zip_bomb_is_refused_by_what_it_inflates_to_not_by_what_it_claims(monkeypatch):
    monkeypatch.setattr(import_rules, "XLSX_INFLATED_BYTES_MAX", 1_000_000)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 50_000_000)
    honest = buffer.getvalue()
    assert len(honest) < 100_000
    assert refusal(honest).code == "workbook_too_big"
    # The same bomb claiming to inflate to 1,000 bytes, in its directory and its local header.
    size = (50_000_000).to_bytes(4, "little")
    liar = honest.replace(size, (1000).to_bytes(4, "little"))
    assert liar != honest
    assert refusal(liar).code in {"not_a_workbook", "workbook_too_big"}


def with_part(workbook: bytes, change, extra: tuple[str, ...] = ()) -> bytes:
    """Return the workbook with ``change`` applied to its sheet, and empty parts added."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook)) as old, zipfile.ZipFile(buffer, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            is_sheet = name.startswith("xl/worksheets/sheet")
            new.writestr(name, change(content) if is_sheet else content)
        for name in extra:
            new.writestr(name, b"")
    return buffer.getvalue()


@pytest.mark.parametrize(
    "far",
    [
        b"<row r='1048576'><c r='XFD1048576'><v>1</v></c></row>",
        b"<row r='1048576'><c><v>1</v></c></row>",
        b"<row><c r = 'xfd99999' t='inlineStr'><is><t>x</t></is></c></row>",
        b"<row r='" + b" " * 100_000 + b"1048576'><c><v>1</v></c></row>",
    ],
)
def test_a_cell_in_a_far_corner_is_refused_before_a_reader_makes_room_for_it(far):
    bomb = with_part(
        files.opensid_xlsx(files.village(2)),
        lambda sheet: sheet.replace(b"</sheetData>", far + b"</sheetData>"),
    )
    assert refusal(bomb).code == "workbook_too_big"


def test_a_far_row_without_content_does_not_disturb():
    # LibreOffice writes the last row of the sheet when all rows have a height of their own.
    far = b"<row r='1048576' ht='12.8'><c r='A1048576' s='1'/></row></sheetData>"
    workbook = with_part(
        files.opensid_xlsx(files.village(2)), lambda sheet: sheet.replace(b"</sheetData>", far)
    )
    assert read(workbook).height == len(list(files.village(2)))


@pytest.mark.parametrize("name", ["content.xml", "XL\\workbook.bin"])
def test_another_kind_of_workbook_in_disguise_is_refused(name):
    disguised = with_part(files.opensid_xlsx(files.village(2)), lambda sheet: sheet, (name,))
    assert refusal(disguised).code == "not_a_workbook"


def test_a_sheet_that_is_no_xml_is_refused():
    torn = with_part(files.opensid_xlsx(files.village(2)), lambda sheet: sheet + b"<")
    assert refusal(torn).code == "not_a_workbook"


def test_a_csv_over_its_limit_is_refused(monkeypatch):
    monkeypatch.setattr(import_rules, "CSV_BYTES_MAX", 1000)
    assert refusal(files.opensid_csv(files.village(20))).code == "file_too_big"
