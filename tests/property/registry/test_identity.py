"""Any NIK that the law can issue parses back; any text whatever is judged without an accident."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.registry.domain.identity import (
    NUMBER_LENGTH,
    PROVINCES,
    age_on,
    blocks,
    check_kk,
    check_nik,
    normalise_number,
    parse_nik,
)

TODAY = date(2026, 11, 23)
BIRTHS = st.dates(date(1926, 11, 24), TODAY)


@st.composite
def issued(draw: st.DrawFn) -> tuple[str, str, date]:
    """Draw a NIK with the sex and birth date that it was made from; serials of test data."""
    born = draw(BIRTHS)
    sex = draw(st.sampled_from("LP"))
    day = born.day + (40 if sex == "P" else 0)
    prefix = f"{draw(st.sampled_from(sorted(PROVINCES)))}{draw(st.integers(0, 9999)):04d}"
    return f"{prefix}{day:02d}{born:%m%y}{draw(st.integers(9000, 9999))}", sex, born


@given(issued())
def test_an_issued_nik_tells_what_it_was_made_from_and_has_no_finding(drawn):
    nik, sex, born = drawn
    parts = parse_nik(nik, today=TODAY)
    assert parts is not None
    assert (parts.sex, parts.birth_date) == (sex, born)
    assert check_nik(nik, today=TODAY, sex=sex, birth_date=born) == []


@given(issued(), st.sampled_from("LP"), BIRTHS, st.booleans())
def test_what_people_say_of_themselves_never_blocks_an_issued_nik(drawn, sex, born, imported):
    findings = check_nik(
        drawn[0],
        today=TODAY,
        sex=sex,
        birth_date=born,
        region_code="62.02.06.2005",
        imported=imported,
    )
    assert not blocks(findings)


@given(st.text(max_size=30) | st.from_regex(r"\A[0-9]{16}\Z"))
def test_any_text_is_judged_and_what_is_not_blocked_has_sixteen_digits_and_a_date(text):
    for check in (check_nik, check_kk):
        if not blocks(check(text, today=TODAY)):
            assert len(text) == NUMBER_LENGTH
            assert text.isascii()
            assert text.isdigit()
    if not blocks(check_nik(text, today=TODAY)):
        assert parse_nik(text, today=TODAY) is not None


@given(issued(), st.lists(st.tuples(st.integers(0, 16), st.sampled_from(" .'-\u00a0")), max_size=6))
def test_noise_between_the_digits_changes_nothing(drawn, noise):
    dirty = drawn[0]
    for place, character in noise:
        dirty = dirty[:place] + character + dirty[place:]
    assert normalise_number(dirty) == drawn[0]


@given(BIRTHS, BIRTHS)
def test_age_rises_by_one_a_year_and_never_falls(one, other):
    born, day = min(one, other), max(one, other)
    age = age_on(born, day)
    assert 0 <= age <= 100
    assert 0 <= age_on(born, day + timedelta(days=1)) - age <= 1
