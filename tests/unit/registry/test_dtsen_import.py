"""Rows of a DTSEN extract: ranks that are known, ranges or unknown; answers in range."""

import json
from datetime import date

import polars as pl
import pytest

from services.registry.actions import imports_dtsen, imports_files
from services.registry.domain.imports import ImportFormat
from services.registry.domain.sheets import LAYOUTS
from tests.support import files

TODAY = date(2026, 11, 23)
CUT_OFF = date(2026, 9, 30)


def judge(*rows: files.Row) -> pl.DataFrame:
    chunks = imports_files.read_chunks(files.dtsen_csv(rows), LAYOUTS[ImportFormat.DTSEN_EXTRACT])
    return pl.concat(imports_dtsen.judge(chunk, TODAY, "62.02", CUT_OFF) for chunk in chunks)


def values(frame: pl.DataFrame) -> dict:
    return json.loads(imports_dtsen.values(frame)[0])


@pytest.mark.parametrize(
    ("written", "low", "high", "reason"),
    [
        ("1", 1, 1, None),
        ("10", 10, 10, None),
        ("6-10", 6, 10, None),
        ("6 \u2013 10", 6, 10, None),
        ("0", None, None, "BELUM_DIPERINGKAT"),
        ("", None, None, "BELUM_DIPERINGKAT"),
    ],
)
def test_a_desil_is_a_number_a_range_or_unranked_with_a_reason(written, low, high, reason):
    frame = judge(files.welfare(desil_nasional=written))
    found = values(frame)
    assert (found["low"], found["high"], found["unranked_reason"]) == (low, high, reason)
    assert frame["rejected"].to_list() == [False]


@pytest.mark.parametrize("written", ["11", "-1", "0-4", "7-3", "miskin", "1,5"])
def test_a_desil_that_means_nothing_rejects_the_row(written):
    frame = judge(files.welfare(desil_nasional=written))
    assert frame["findings"].to_list() == ["desil_nasional|desil_unknown"]
    assert frame["rejected"].to_list() == [True]


def test_an_inactive_family_keeps_no_rank():
    found = values(judge(files.welfare(status_dtsen="DTSEN NONAKTIF")))
    assert (found["low"], found["unranked_reason"]) == (None, "DTSEN_NONAKTIF")


def test_answers_are_numbered_as_in_regsosek_and_walking_is_428c():
    found = values(judge(files.welfare(id_berjalan_atau_naik_tangga="2")))
    assert found["condition"]["428c"] == 2
    assert (found["housing"]["303"], found["housing"]["302"]) == (8, 36)


def test_an_answer_out_of_its_list_is_left_empty_with_a_warning():
    frame = judge(files.welfare(id_lantai_terluas="12", luas_lantai_bangunan="5000"))
    assert set(frame["findings"][0].split(",")) == {
        "id_lantai_terluas|code_dropped",
        "luas_lantai_bangunan|number_out_of_range",
    }
    assert values(frame)["housing"]["303"] is None
    assert frame["rejected"].to_list() == [False]


def test_a_family_of_another_regency_and_another_cut_off_are_rejected():
    frame = judge(files.welfare(kode_desa="62.03.06.2005"), files.welfare(2, cut_off="30/06/2026"))
    assert frame["findings"].to_list() == [
        "kode_desa|region_outside",
        "cut_off|period_mismatch",
    ]
