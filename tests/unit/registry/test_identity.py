"""NIK and KK numbers: the rules of handbook 2.1 and 2.2, and its test vectors."""

from datetime import date

import pytest

from services.registry.domain.identity import (
    Severity,
    age_on,
    blocks,
    check_kk,
    check_nik,
    normalise_number,
    parse_nik,
)

TODAY = date(2026, 11, 23)


def codes(number: str, **about: object) -> dict[str, Severity]:
    return {one.code: one.severity for one in check_nik(number, today=TODAY, **about)}


@pytest.mark.parametrize(
    ("nik", "sex", "born", "prefix"),
    [
        ("6202064107909001", "P", date(1990, 7, 1), "62.02.06"),
        ("6206016203959002", "P", date(1995, 3, 22), "62.06.01"),
        ("6202060107909001", "L", date(1990, 7, 1), "62.02.06"),
        ("6202062902009001", "L", date(2000, 2, 29), "62.02.06"),
        ("6202060107309001", "L", date(1930, 7, 1), "62.02.06"),
    ],
)
def test_a_nik_tells_sex_birth_date_and_place_of_first_registration(nik, sex, born, prefix):
    parts = parse_nik(nik, today=TODAY)
    assert parts is not None
    assert (parts.sex, parts.birth_date, parts.region_prefix) == (sex, born, prefix)
    assert codes(nik) == {}


@pytest.mark.parametrize(
    ("nik", "code"),
    [
        ("6202063102909001", "date"),
        ("6202067202909001", "date"),
        ("6202060113909001", "date"),
        ("6202063590909001", "date"),
        ("6202064107900000", "serial"),
        ("620206410790900", "format"),
        ("62020641079090011", "format"),
        ("620206410790900A", "format"),
        ("٦٢٠٢٠٦٤١٠٧٩٠٩٠٠١", "format"),
        ("", "format"),
        ("2222222222222222", "repeated_digit"),
    ],
)
def test_a_number_that_cannot_be_a_nik_is_an_error(nik, code):
    assert codes(nik)[code] is Severity.ERROR
    assert blocks(check_nik(nik, today=TODAY))


def test_an_unknown_province_warns_on_import_and_blocks_a_new_entry():
    nik = "9902064107909001"
    assert codes(nik) == {"province": Severity.WARNING}
    assert codes(nik, imported=False) == {"province": Severity.ERROR}


def test_a_mismatch_of_sex_or_birth_date_only_warns_because_a_nik_is_never_reissued():
    found = codes("6202064107909001", sex="L", birth_date=date(1991, 7, 1))
    assert found == {"sex_differs": Severity.WARNING, "birth_date_differs": Severity.WARNING}


def test_the_century_is_not_in_a_nik_so_it_cannot_differ():
    assert codes("6202060107209001", birth_date=date(1920, 7, 1)) == {}


def test_a_nik_of_another_regency_is_only_told():
    found = check_nik("6206016203959002", today=TODAY, region_code="62.02.06.2005")
    assert [one.severity for one in found] == [Severity.INFO]
    assert not blocks(found)


def test_a_kk_number_holds_the_day_of_issue_without_the_forty():
    assert check_kk("6202060107159001", today=TODAY) == []
    assert [one.code for one in check_kk("6202064107159001", today=TODAY)] == ["date"]


def test_typing_and_spreadsheet_noise_is_taken_out():
    assert normalise_number("'6202 0641.0790\u00a09OOl") == "6202064107909001"


@pytest.mark.parametrize(
    ("born", "day", "age"),
    [
        (date(2000, 2, 29), date(2026, 2, 28), 25),
        (date(2000, 2, 29), date(2026, 3, 1), 26),
        (date(2026, 11, 23), TODAY, 0),
        (date(1990, 11, 24), TODAY, 35),
    ],
)
def test_age_counts_completed_years(born, day, age):
    assert age_on(born, day) == age
