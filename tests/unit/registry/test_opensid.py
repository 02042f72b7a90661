"""Rows of an OpenSID list: what is rejected, what is warned about, what becomes of the codes."""

import json
from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.registry.actions import imports_files, imports_opensid
from services.registry.domain import identity, opensid
from services.registry.domain.import_rules import RULES
from services.registry.domain.imports import ImportFormat
from services.registry.domain.sheets import LAYOUTS
from tests.support import files

TODAY = date(2026, 11, 23)
LAYOUT = LAYOUTS[ImportFormat.OPENSID_RESIDENTS]


def judge(*rows: files.Row, xlsx: bool = False) -> pl.DataFrame:
    content = files.opensid_xlsx(rows) if xlsx else files.opensid_csv(rows)
    chunks = imports_files.read_chunks(content, LAYOUT)
    return pl.concat(imports_opensid.judge(chunk, TODAY) for chunk in chunks)


def findings(frame: pl.DataFrame, row: int = 0) -> set[str]:
    return set(filter(None, frame["findings"][row].split(",")))


def values(frame: pl.DataFrame, row: int = 0) -> dict:
    return json.loads(imports_opensid.values(frame)[row])


def test_a_clean_row_has_no_finding_and_arrives_in_the_registrys_codes():
    frame = judge(files.resident(kk_level="3", sex="2", nik=files.nik(1, "2"), hamil="1"))
    assert findings(frame) == set()
    assert values(frame) == {
        "name": "WARGA B", "sex": "P", "birth_date": "1990-07-01", "nik_missing_reason": None,
        "relation": 2, "address": "Jl. Betang 1", "rt": "002", "rw": "001", "marital": 2,
        "education": 5, "occupation": 9, "presence": 1, "condition": {"410": 1, "cacat": 7},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "finding"),
    [
        ({"nik": "620206410790900"}, "nik|number_not_16_digits"),
        ({"nik": "6,20206E+15"}, "nik|number_scientific"),
        ({"nik": "6.20206410790900E15"}, "nik|number_scientific"),
        ({"nik": "6202063102909000"}, "nik|number_date_impossible"),
        ({"nik": "6202060107900000"}, "nik|number_serial_zero"),
        ({"nik": "1111111111111111"}, "nik|number_repeated_digit"),
        ({"no_kk": ""}, "no_kk|number_missing"),
        ({"no_kk": "0"}, "no_kk|number_missing"),
        ({"nama": "  "}, "nama|name_missing"),
        ({"nama": "=HYPERLINK(1)"}, "nama|cell_is_formula"),
        ({"nama": "A" * 101}, "nama|name_too_long"),
        ({"tanggallahir": "31-02-1990"}, "tanggallahir|date_unreadable"),
        ({"tanggallahir": "1 Juli 1990"}, "tanggallahir|date_unreadable"),
        ({"tanggallahir": "1990"}, "tanggallahir|date_unreadable"),
        ({"tanggallahir": "2027-01-01"}, "tanggallahir|date_in_future"),
        ({"tanggallahir": "1890-01-01"}, "tanggallahir|date_too_old"),
        ({"sex": "9"}, "sex|code_unknown"),
        ({"sex": ""}, "sex|code_missing"),
        ({"kk_level": "12"}, "kk_level|code_unknown"),
        ({"status_dasar": "9"}, "status_dasar|status_invalid"),
    ],
)
def test_a_row_is_rejected_with_its_column_and_reason(changes, finding):
    frame = judge(files.resident(**changes))
    assert finding in findings(frame)
    assert frame["rejected"].to_list() == [True]


@pytest.mark.parametrize(
    ("changes", "finding"),
    [
        ({"nik": "9902060107909000"}, "nik|number_province_unknown"),
        ({"nik": "6202064107909000"}, "nik|nik_sex_differs"),
        ({"nik": "6202060207909000"}, "nik|nik_birth_differs"),
        ({"nik": "'6202 0601\u00a00790.9OOl"}, "nik|number_normalised"),
        ({"nik": "0"}, "nik|nik_absent"),
        ({"tanggallahir": "0000-00-00"}, "tanggallahir|date_missing"),
        ({"pekerjaan_id": "Petani"}, "pekerjaan_id|code_dropped"),
        ({"status_dasar": "6"}, "status_dasar|status_ambiguous"),
        ({"nama": "WARGA 2"}, "nama|name_has_digits"),
    ],
)
def test_a_row_with_a_lawful_oddity_is_kept_with_a_warning(changes, finding):
    frame = judge(files.resident(**changes))
    assert findings(frame) == {finding}
    assert frame["rejected"].to_list() == [False]


def test_a_numeric_cell_of_a_workbook_is_refused_because_excel_changed_its_last_digit():
    frame = judge(files.resident(nik=6202060107909001), xlsx=True)
    assert findings(frame) == {"nik|number_cell_numeric"}


@pytest.mark.parametrize(
    "written",
    ["1990-07-01", "01-07-1990", "1/7/1990", "01.07.1990", "1990/07/01", "33055",
     "1990-07-01 00:00:00"],
)  # fmt: skip
def test_a_birth_date_is_read_in_all_its_spellings(written):
    assert judge(files.resident(tanggallahir=written))["birth_date"].to_list() == [date(1990, 7, 1)]


def test_a_date_cell_and_a_serial_of_a_workbook_are_dates():
    rows = [files.resident(1, tanggallahir=date(1990, 7, 1)), files.resident(2, tanggallahir=33055)]
    assert judge(*rows, xlsx=True)["birth_date"].to_list() == [date(1990, 7, 1)] * 2


@pytest.mark.parametrize(
    ("shdk", "relation"),
    [("1", 1), ("2", 2), ("3", 2), ("4", 3), ("5", 4), ("6", 5), ("7", 6), ("8", 6), ("9", 8),
     ("10", 7), ("11", 8), ("Istri", 2), ("01", 1), ("1.0", 1)],
)  # fmt: skip
def test_opensids_relations_become_those_of_regsosek_409(shdk, relation):
    assert values(judge(files.resident(kk_level=shdk)))["relation"] == relation


@pytest.mark.parametrize(
    ("status", "presence"), [("1", 1), ("2", 2), ("3", 3), ("4", 6), ("6", None)]
)
def test_a_basic_status_becomes_a_presence_only_when_that_is_certain(status, presence):
    assert values(judge(files.resident(status_dasar=status)))["presence"] == presence


def test_without_a_nik_an_infant_has_none_yet_and_an_adult_for_an_unknown_reason():
    frame = judge(files.resident(1, nik="", tanggallahir="2026-09-01"), files.resident(2, nik="-"))
    assert frame["nik_number"].to_list() == [None, None]
    reasons = [values(frame, row)["nik_missing_reason"] for row in (0, 1)]
    assert reasons == ["BELUM_PUNYA", "TIDAK_DIKETAHUI"]


def test_every_finding_has_a_sentence_in_both_languages():
    for rule in RULES.values():
        assert rule.text_id
        assert rule.text_en
        assert rule.text_id != rule.text_en


def test_the_template_has_the_43_columns_of_opensid():
    assert len(opensid.COLUMNS) == len(set(opensid.COLUMNS)) == 43
    assert set(opensid.KEPT) <= set(opensid.COLUMNS)


SAME_RULE = {
    "format": "number_not_16_digits",
    "repeated_digit": "number_repeated_digit",
    "serial": "number_serial_zero",
    "date": "number_date_impossible",
    "province": "number_province_unknown",
    "sex_differs": "nik_sex_differs",
    "birth_date_differs": "nik_birth_differs",
}
near_niks = st.one_of(
    st.from_regex(r"[0-9]{14,17}", fullmatch=True),
    st.builds(
        "{:02d}{:04d}{:02d}{:02d}{:02d}{:04d}".format,
        st.integers(8, 99), st.integers(0, 9999), st.integers(0, 75), st.integers(0, 13),
        st.integers(0, 99), st.sampled_from([0, 1, 9000, 9999]),
    ),
)  # fmt: skip


@given(st.lists(near_niks, min_size=1, max_size=30))
def test_the_column_checks_agree_with_the_rules_of_one_nik(niks):
    frame = judge(*(files.resident(nik=nik) for nik in niks))
    for row, nik in enumerate(niks):
        said = {part.split("|")[1] for part in findings(frame, row) if part.startswith("nik|")}
        ruled = identity.check_nik(nik, today=TODAY, sex="L", birth_date=date(1990, 7, 1))
        assert said == {SAME_RULE[finding.code] for finding in ruled}, nik
