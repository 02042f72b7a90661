"""Whatever the order of steps, four eyes hold and no limit is passed."""

from hypothesis import given
from hypothesis import strategies as st

from services.programs.domain import errors
from services.programs.domain.enrolments import YearBudget, check_budget
from services.programs.domain.programs import (
    Caller,
    Holding,
    ProgramAction,
    ProgramStatus,
    allowed_actions,
    next_status,
    normalise_sub_kegiatan,
)

CALLERS = st.builds(
    Caller,
    subject=st.sampled_from("abc"),
    agency=st.sampled_from(("DINSOS", "DISDIK", None)),
    is_admin=st.booleans(),
    is_reviewer=st.booleans(),
    is_officer=st.booleans(),
)


@given(steps=st.lists(st.tuples(st.sampled_from(ProgramAction), CALLERS), max_size=30))
def test_no_program_becomes_active_without_a_second_person(
    steps: list[tuple[ProgramAction, Caller]],
) -> None:
    status, proposer, approver = ProgramStatus.DRAFT, None, None
    for action, caller in steps:
        holding = Holding("DINSOS", "DINSOS", False, status, proposer)
        shown = allowed_actions(holding, caller)
        try:
            status = next_status(holding, action, caller)
        except errors.DomainError:
            assert action not in shown
            continue
        assert action in shown
        if action is ProgramAction.SUBMIT:
            proposer = caller.subject
        if action is ProgramAction.APPROVE:
            approver = caller.subject
    if status in {ProgramStatus.APPROVED, ProgramStatus.ACTIVE, ProgramStatus.CLOSED}:
        assert approver is not None
        assert approver != proposer


@given(
    quota=st.none() | st.integers(0, 20),
    ceiling=st.none() | st.integers(0, 2_000),
    cost=st.none() | st.integers(0, 300),
    asked=st.integers(0, 40),
)
def test_neither_quota_nor_ceiling_is_ever_passed(
    quota: int | None, ceiling: int | None, cost: int | None, asked: int
) -> None:
    granted = 0
    for _ in range(asked):
        try:
            check_budget(YearBudget(quota, ceiling, cost, granted))
        except (errors.QuotaExceeded, errors.CeilingExceeded):
            break
        granted += 1
    assert quota is None or granted <= quota
    assert ceiling is None or cost is None or granted * cost <= ceiling
    limited = (quota is not None and granted == quota) or (
        ceiling is not None and cost is not None and (granted + 1) * cost > ceiling
    )
    assert granted == asked or limited


@given(text=st.text(alphabet="0123456789. ", max_size=22))
def test_a_normalised_code_stays_as_it_is(text: str) -> None:
    try:
        code = normalise_sub_kegiatan(text)
    except errors.InvalidSubKegiatan:
        return
    assert normalise_sub_kegiatan(code) == code
