"""An enrolment's life, overlaps, quota and ceiling."""

from datetime import date
from uuid import UUID

import pytest

from services.programs.domain import errors
from services.programs.domain.enrolments import (
    ALLOWED,
    LIVE,
    EnrolmentAction,
    EnrolmentStatus,
    HeldProgram,
    StackingRule,
    YearBudget,
    allowed_actions,
    check_budget,
    check_override,
    next_status,
    overlaps,
)
from services.programs.domain.programs import Caller, Holding, ProgramStatus

BLT, PKH = UUID(int=1), UUID(int=2)
HOLDING = Holding("DPMD", "DPMD", sensitive=False, status=ProgramStatus.ACTIVE, proposed_by=None)
REVIEWER = Caller("cici", None, is_admin=False, is_reviewer=True, is_officer=False)
OFFICER = Caller("dodi", "DPMD", is_admin=False, is_reviewer=False, is_officer=True)
RULE = StackingRule(UUID(int=5), BLT, PKH, False, "PMK 7", date(2026, 1, 1), date(2026, 12, 31))
DAY = date(2026, 6, 1)


def test_an_enrolment_that_ended_stays_ended_and_only_live_ones_block():
    assert ALLOWED[EnrolmentStatus.ENDED] == {}
    assert LIVE.isdisjoint({EnrolmentStatus.REFUSED, EnrolmentStatus.ENDED})


def test_the_proposer_neither_approves_nor_refuses():
    for action in (EnrolmentAction.APPROVE, EnrolmentAction.REFUSE):
        with pytest.raises(errors.SameHand):
            next_status(
                EnrolmentStatus.PROPOSED, action, OFFICER, holding=HOLDING, proposed_by="dodi"
            )


def test_an_officer_of_another_agency_decides_nothing():
    other = Caller("edi", "DISDIK", is_admin=False, is_reviewer=False, is_officer=True)
    for status in EnrolmentStatus:
        assert allowed_actions(status, other, holding=HOLDING, proposed_by="dodi") == ()


def test_the_actions_shown_are_those_that_would_be_taken():
    def shown(caller: Caller, status: EnrolmentStatus) -> tuple[EnrolmentAction, ...]:
        return allowed_actions(status, caller, holding=HOLDING, proposed_by="dodi")

    assert shown(OFFICER, EnrolmentStatus.PROPOSED) == ()
    assert shown(REVIEWER, EnrolmentStatus.PROPOSED) == (
        EnrolmentAction.APPROVE,
        EnrolmentAction.REFUSE,
    )
    assert shown(OFFICER, EnrolmentStatus.GRANTED) == (
        EnrolmentAction.SUSPEND,
        EnrolmentAction.END,
    )


def test_an_override_needs_a_reason():
    check_override(EnrolmentStatus.PROPOSED, eligible=True, override_reason=None)
    check_override(EnrolmentStatus.PROPOSED, eligible=False, override_reason="kebakaran")
    for status, eligible in (
        (EnrolmentStatus.PROPOSED, False),
        (EnrolmentStatus.REFUSED, True),
    ):
        with pytest.raises(errors.NotEligible):
            check_override(status, eligible=eligible, override_reason=None)


def held(*, hidden: bool = False) -> dict[UUID, HeldProgram]:
    return {PKH: HeldProgram(PKH, "PKH", hidden)}


def test_an_excluding_program_in_force_is_named():
    found = overlaps(BLT, [RULE], held(), DAY)
    assert found.excluded
    assert found.reasons[0].text_id == "✗ Keluarga sudah menerima PKH (PMK 7)"
    assert not overlaps(BLT, [RULE], held(), date(2027, 1, 1)).reasons
    assert not overlaps(BLT, [RULE], {}, DAY).reasons


def test_a_warning_does_not_exclude():
    warning = StackingRule(UUID(int=6), PKH, BLT, True, "B04", date(2026, 1, 1), None)
    found = overlaps(BLT, [warning], held(), DAY)
    assert not found.excluded
    assert found.reasons[0].met


def test_a_program_that_must_not_be_known_is_not_named():
    found = overlaps(BLT, [RULE], held(hidden=True), DAY)
    assert found.excluded
    text = found.reasons[0].text_id + found.reasons[0].text_en
    assert "hubungi Dinsos" in text
    assert "PKH" not in text
    assert "PMK" not in text


def a_budget(**changes: int | None) -> YearBudget:
    values = {"quota": None, "aid_ceiling_idr": None, "cost_per_recipient_idr": None, "granted": 0}
    return YearBudget(**(values | changes))


def test_a_quota_is_reached_but_not_passed():
    check_budget(a_budget(quota=3, granted=2))
    with pytest.raises(errors.QuotaExceeded) as refused:
        check_budget(a_budget(quota=3, granted=3))
    assert refused.value.params["quota"] == 3


def test_a_ceiling_is_committed_to_the_last_rupiah_but_not_beyond():
    budget = {"aid_ceiling_idr": 1_000, "cost_per_recipient_idr": 250}
    check_budget(a_budget(**budget, granted=3))
    with pytest.raises(errors.CeilingExceeded) as refused:
        check_budget(a_budget(**budget, granted=4))
    assert refused.value.params["committed_idr"] == 1_000


def test_what_is_unknown_refuses_nobody():
    check_budget(a_budget(granted=10**6))
    check_budget(a_budget(aid_ceiling_idr=1, granted=10**6))
