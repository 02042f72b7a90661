from decimal import Decimal

import pytest

from services.indicators.domain.errors import PeriodInvalid, RowsRefused
from services.indicators.domain.official import Known, check_period, plan, read_csv

HEADER = "wilayah,kode_kemendagri,periode,indikator,nilai,satuan,sumber,catatan\n"
ROW = "Kotawaringin Timur,62.02,2025,P0,5.83,persen,pers mengutip BPS,\n"


def refused(text):
    with pytest.raises(RowsRefused) as refusal:
        read_csv(text)
    return [(fault.line, fault.column, fault.code) for fault in refusal.value.faults]


def test_a_figure_is_read_exactly_as_printed():
    ((line, figure),) = read_csv("\ufeff" + HEADER + ROW.replace("5.83", "1.00"))
    assert line == 2
    assert str(figure.value) == "1.00"
    assert figure.source == "pers mengutip BPS"


def test_a_figure_without_source_is_refused_with_its_line():
    assert refused(HEADER + ROW + ROW.replace("pers mengutip BPS", "").replace("2025", "2024")) == [
        (3, "sumber", "empty")
    ]


def test_every_fault_is_told_at_once():
    bad = "X,6202,2025-13,P 0,5;83,persen,BPS,\n"
    assert refused(HEADER + bad) == [
        (2, "kode_kemendagri", "invalid"),
        (2, "periode", "invalid"),
        (2, "indikator", "invalid"),
        (2, "nilai", "invalid"),
    ]


def test_the_same_figure_twice_in_a_file_is_refused():
    assert refused(HEADER + ROW + ROW) == [(3, "indikator", "repeated")]


def test_a_file_without_the_columns_or_without_rows_is_refused():
    assert ("sumber" in {column for _, column, _ in refused("wilayah,periode\n")}) is True
    assert refused(HEADER) == [(1, "", "no_rows")]


def test_a_known_figure_is_unchanged_and_a_changed_one_needs_a_reason():
    figures = read_csv(HEADER + ROW)
    key = figures[0][1].key
    same = {key: Known(1, Decimal("5.83"), "persen", "")}
    assert plan(figures, same, None).unchanged == 1
    other = {key: Known(1, Decimal("5.85"), "persen", "")}
    with pytest.raises(RowsRefused):
        plan(figures, other, None)
    (entry,) = plan(figures, other, "salah ketik").entries
    assert entry.revision == 2


@pytest.mark.parametrize("period", ["2025", "2025-03", "2025-S1"])
def test_periods_are_years_months_or_half_years(period):
    assert check_period(period) == period


def test_another_period_is_refused():
    with pytest.raises(PeriodInvalid):
        check_period("2025-Q1")
