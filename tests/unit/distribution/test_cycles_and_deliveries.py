from datetime import date

import pytest

from services.distribution.domain import errors
from services.distribution.domain.cycles import (
    Benefit,
    benefit_of,
    check_benefit_change,
    check_dates,
    check_open,
    check_program,
)
from services.distribution.domain.deliveries import check_day, check_proof, check_receiver

OPENS = date(2026, 3, 1)


def test_a_cycle_may_open_and_close_on_one_day_but_not_backwards():
    check_dates(OPENS, OPENS)
    with pytest.raises(errors.DatesReversed):
        check_dates(OPENS, date(2026, 2, 28))


def test_a_cycle_needs_a_running_program_and_a_planned_year():
    check_program("active", frozenset({2026}), 2026)
    with pytest.raises(errors.ProgramNotRunning):
        check_program("draft", frozenset({2026}), 2026)
    with pytest.raises(errors.YearNotPlanned) as refused:
        check_program("approved", frozenset({2025, 2024}), 2026)
    assert refused.value.params == {"year": 2026, "years": "2024, 2025"}


def test_a_closed_cycle_takes_nothing():
    check_open("open")
    with pytest.raises(errors.CycleClosed):
        check_open("closed")


def test_quantity_and_value_stay_once_recipients_have_them():
    check_benefit_change(entitled=0)
    with pytest.raises(errors.CycleInUse):
        check_benefit_change(entitled=1)


def test_the_cycles_own_numbers_win_and_an_unknown_value_is_refused():
    assert benefit_of(Benefit(1, 7), None, None) == Benefit(1, 7)
    assert benefit_of(Benefit(1, 7), 3, 0) == Benefit(3, 0)
    with pytest.raises(errors.UnitValueUnknown):
        benefit_of(Benefit(1, None), 3, None)


def test_a_representative_needs_a_name_and_a_relation():
    check_receiver("self", None, None)
    check_receiver("representative", "Siti", "anak")
    with pytest.raises(errors.ReceiverIncomplete):
        check_receiver("representative", "Siti", None)


def test_a_handover_lies_between_the_opening_and_today():
    today = date(2026, 3, 10)
    check_day(today, opens_on=OPENS, today=today)
    with pytest.raises(errors.DateInFuture):
        check_day(date(2026, 3, 11), opens_on=OPENS, today=today)
    with pytest.raises(errors.DeliveredBeforeCycle):
        check_day(date(2026, 2, 28), opens_on=OPENS, today=today)


def test_goods_need_a_photo_and_cash_does_not():
    check_proof(benefit_kind="cash", has_proof=False)
    check_proof(benefit_kind="goods", has_proof=True)
    with pytest.raises(errors.ProofRequired):
        check_proof(benefit_kind="goods", has_proof=False)
