"""A program's life, who may move it, its SIPD code, its money."""

import itertools

import pytest

from services.programs.domain import errors
from services.programs.domain.programs import (
    ALLOWED,
    Caller,
    Holding,
    ProgramAction,
    ProgramStatus,
    ProgramYear,
    allowed_actions,
    check_years,
    cost_per_recipient_idr,
    may_see,
    next_status,
    normalise_sub_kegiatan,
    year_aid_ceiling_idr,
    year_quota,
)


def a_caller(**changes: object) -> Caller:
    values = {
        "subject": "ani", "agency": "DINSOS", "is_admin": False, "is_reviewer": False,
        "is_officer": True,
    }  # fmt: skip
    return Caller(**(values | changes))


def a_holding(status: ProgramStatus = ProgramStatus.PROPOSED, **changes: object) -> Holding:
    values = {
        "owner_code": "DINSOS", "reporter_code": "DINSOS", "sensitive": False, "status": status,
        "proposed_by": "budi",
    }  # fmt: skip
    return Holding(**(values | changes))


def a_year(**changes: object) -> ProgramYear:
    values = {
        "year": 2026, "fund_source": "APBN", "ceiling_idr": 100, "aid_ceiling_idr": None,
        "quota": None,
    }  # fmt: skip
    return ProgramYear(**(values | changes))


def test_every_status_is_reached_from_draft_and_closed_is_the_end():
    reached, frontier = {ProgramStatus.DRAFT}, [ProgramStatus.DRAFT]
    while frontier:
        for target in ALLOWED[frontier.pop()].values():
            if target not in reached:
                reached.add(target)
                frontier.append(target)
    assert reached == set(ProgramStatus)
    assert ALLOWED[ProgramStatus.CLOSED] == {}


@pytest.mark.parametrize(
    ("status", "action"),
    [
        pair
        for pair in itertools.product(ProgramStatus, ProgramAction)
        if pair[1] not in ALLOWED[pair[0]]
    ],
)
def test_a_step_that_the_table_does_not_name_is_refused(status, action):
    with pytest.raises(errors.WrongStatus):
        next_status(a_holding(status), action, a_caller(is_admin=True, is_reviewer=True))


def test_who_proposed_does_not_approve_even_as_admin():
    admin = a_caller(subject="budi", is_admin=True, is_reviewer=True)
    with pytest.raises(errors.SameHand):
        next_status(a_holding(), ProgramAction.APPROVE, admin)


def test_a_colleague_or_a_reviewer_approves():
    reviewer = a_caller(is_officer=False, is_reviewer=True, agency=None)
    for caller in (a_caller(), reviewer):
        assert next_status(a_holding(), ProgramAction.APPROVE, caller) is ProgramStatus.APPROVED


def test_a_reviewer_approves_but_does_not_close():
    reviewer = a_caller(is_officer=False, is_reviewer=True)
    with pytest.raises(errors.NotYourAgency):
        next_status(a_holding(ProgramStatus.ACTIVE), ProgramAction.CLOSE, reviewer)


def test_the_reporting_agency_acts_for_a_program_that_it_does_not_own():
    holding = a_holding(ProgramStatus.ACTIVE, owner_code="KEMENSOS")
    assert allowed_actions(holding, a_caller()) == (ProgramAction.CLOSE,)
    assert allowed_actions(holding, a_caller(agency="DISDIK")) == ()


def test_a_sensitive_program_is_seen_by_its_owner_only():
    secret = a_holding(sensitive=True, reporter_code="DINSOS", owner_code="DP3AP2KB")
    assert may_see(secret, "DP3AP2KB")
    assert not may_see(secret, "DINSOS")
    assert not may_see(secret, None)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("1.06.05.02.02.0001", "1.06.05.2.02.0001"),
        ("1.06.05.2.02.0001", "1.06.05.2.02.0001"),
        (" 1.06.05.2.02.01 ", "1.06.05.2.02.01"),
        ("1.06.05.01.02", "1.06.05.1.02"),
        ("1.06.05", "1.06.05"),
        ("1.06", "1.06"),
    ],
)
def test_sipd_codes_are_normalised(raw, code):
    assert normalise_sub_kegiatan(raw) == code
    assert normalise_sub_kegiatan(code) == code


@pytest.mark.parametrize("raw", ["", "1", "1.6.5", "1.06.05.3.02", "1.06.05.2.02.1", "sosial"])
def test_what_is_no_sipd_code_is_refused(raw):
    with pytest.raises(errors.InvalidSubKegiatan):
        normalise_sub_kegiatan(raw)


def test_one_unknown_part_makes_the_whole_unknown():
    assert year_quota([a_year(quota=3), a_year(quota=4)]) == 7
    assert year_quota([a_year(quota=3), a_year(quota=None)]) is None
    assert year_quota([]) is None


def test_the_aid_part_counts_and_the_whole_ceiling_where_it_is_not_told():
    lines = [a_year(aid_ceiling_idr=60), a_year(fund_source="CSR", ceiling_idr=40)]
    assert year_aid_ceiling_idr(lines) == 100
    assert year_aid_ceiling_idr([*lines, a_year(ceiling_idr=None)]) is None


def test_years_are_checked():
    check_years([a_year(), a_year(fund_source="CSR")])
    with pytest.raises(errors.InvalidYears):
        check_years([a_year(), a_year()])
    with pytest.raises(errors.InvalidYears):
        check_years([a_year(aid_ceiling_idr=101)])


def test_the_cost_of_a_recipient_counts_the_handovers_of_a_year():
    def cost(frequency: str, value: int | None = 300) -> int | None:
        return cost_per_recipient_idr(quantity=2, unit_value_idr=value, frequency=frequency)

    assert cost("bulanan") == 7_200
    assert cost("sekali") == 600
    assert cost("kalau ada") == 600
    assert cost("bulanan", None) is None
