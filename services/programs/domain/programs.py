"""A program's life, who may move it, its SIPD code and its yearly money. Pure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NewType
from uuid import UUID

from services.programs.domain.errors import (
    InvalidBenefit,
    InvalidSubKegiatan,
    InvalidYears,
    NotYourAgency,
    SameHand,
    WrongStatus,
)

ProgramId = NewType("ProgramId", UUID)


class ProgramStatus(StrEnum):
    """Where a program stands on its way from a draft to its end."""

    DRAFT = "draft"
    PROPOSED = "proposed"
    APPROVED = "approved"
    ACTIVE = "active"
    CLOSED = "closed"


class ProgramAction(StrEnum):
    """What may be done to a program."""

    EDIT = "edit"
    SUBMIT = "submit"
    RETURN = "return"
    APPROVE = "approve"
    ACTIVATE = "activate"
    CLOSE = "close"


ALLOWED: dict[ProgramStatus, dict[ProgramAction, ProgramStatus]] = {
    ProgramStatus.DRAFT: {
        ProgramAction.EDIT: ProgramStatus.DRAFT,
        ProgramAction.SUBMIT: ProgramStatus.PROPOSED,
    },
    ProgramStatus.PROPOSED: {
        ProgramAction.APPROVE: ProgramStatus.APPROVED,
        ProgramAction.RETURN: ProgramStatus.DRAFT,
    },
    ProgramStatus.APPROVED: {ProgramAction.ACTIVATE: ProgramStatus.ACTIVE},
    ProgramStatus.ACTIVE: {ProgramAction.CLOSE: ProgramStatus.CLOSED},
    ProgramStatus.CLOSED: {},
}

BY_ANOTHER_PERSON = frozenset({ProgramAction.APPROVE, ProgramAction.RETURN})
"""Four eyes: these need a second person, who may sit in Dinsos or in the agency itself."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who acts: subject, agency, and whether as Dinsos admin, Dinsos reviewer, or officer."""

    subject: str
    agency: str | None
    is_admin: bool
    is_reviewer: bool
    is_officer: bool


@dataclass(frozen=True, slots=True)
class Holding:
    """Whose program it is: enough of it to decide who may see and move it."""

    owner_code: str
    reporter_code: str
    sensitive: bool
    status: ProgramStatus
    proposed_by: str | None


def may_see(holding: Holding, agency: str | None) -> bool:
    """Say whether a caller of ``agency`` may know that the program exists (DESIGN section 4)."""
    return not holding.sensitive or agency == holding.owner_code


def acts_for(holding: Holding, caller: Caller) -> bool:
    """Say whether the caller is an officer of the owner, or of the agency that reports for it."""
    return caller.is_officer and caller.agency in {holding.owner_code, holding.reporter_code}


def next_status(holding: Holding, action: ProgramAction, caller: Caller) -> ProgramStatus:
    """Return the status after ``action``.

    Raises:
        WrongStatus: the status table has no such step.
        NotYourAgency: the caller speaks neither for the agency nor for Dinsos.
        SameHand: the caller proposed it.
    """
    target = ALLOWED[holding.status].get(action)
    if target is None:
        raise WrongStatus(status=holding.status.value, action=action.value)
    reviewing = action in BY_ANOTHER_PERSON and caller.is_reviewer
    if not (caller.is_admin or reviewing or acts_for(holding, caller)):
        raise NotYourAgency(agency=holding.owner_code)
    if action in BY_ANOTHER_PERSON and caller.subject == holding.proposed_by:
        raise SameHand
    return target


def allowed_actions(holding: Holding, caller: Caller) -> tuple[ProgramAction, ...]:
    """Return what this caller may do now, in the order of the program's life."""
    allowed = []
    for action in ALLOWED[holding.status]:
        try:
            next_status(holding, action, caller)
        except (NotYourAgency, SameHand):
            continue
        allowed.append(action)
    return tuple(allowed)


_SIPD = re.compile(r"^\d\.\d{2}(\.\d{2}(\.[12]\.\d{2}(\.\d{2,4})?)?)?$")
_LEVEL_WITH_ZERO = re.compile(r"^(\d\.\d{2}\.\d{2})\.0([12])(\.|$)")


def normalise_sub_kegiatan(raw: str) -> str:
    """Return the SIPD code of ``raw``: "1.06.05.02.02.0001" becomes "1.06.05.2.02.0001".

    Some applications write the level (1 province, 2 regency) with a zero (handbook 1.11); the
    caller keeps the raw text.

    Raises:
        InvalidSubKegiatan: the text has no such shape.
    """
    code = _LEVEL_WITH_ZERO.sub(r"\1.\2\3", raw.strip())
    if not _SIPD.match(code):
        raise InvalidSubKegiatan(raw)
    return code


@dataclass(frozen=True, slots=True)
class ProgramYear:
    """One fund source of one budget year. Null is unknown, never zero."""

    year: int
    fund_source: str
    ceiling_idr: int | None
    aid_ceiling_idr: int | None
    quota: int | None


AMOUNT_MAX_IDR = 10**15
"""A thousand trillion rupiah: several hundred times the regency's budget, and fits a bigint."""
COUNT_MAX = 10_000_000
YEARS = range(2000, 2101)


def check_benefit(*, quantity: int, unit_value_idr: int | None) -> None:
    """Refuse a benefit of nothing, and a value that cannot be. Raise ``InvalidBenefit``."""
    if not 1 <= quantity <= COUNT_MAX or not 0 <= (unit_value_idr or 0) <= AMOUNT_MAX_IDR:
        raise InvalidBenefit


def check_years(years: Sequence[ProgramYear]) -> None:
    """Refuse two lines for one (year, fund source), and amounts that cannot be.

    Raises:
        InvalidYears: also for an aid part above its ceiling.
    """
    for line in years:
        amounts = (line.ceiling_idr or 0, line.aid_ceiling_idr or 0)
        in_range = all(0 <= amount <= AMOUNT_MAX_IDR for amount in amounts)
        if line.year not in YEARS or not in_range or not 0 <= (line.quota or 0) <= COUNT_MAX:
            raise InvalidYears("an amount is out of range", year=line.year)
    keys = {(line.year, line.fund_source) for line in years}
    if len(keys) != len(years):
        raise InvalidYears("the same year and fund source twice")
    for line in years:
        known = line.ceiling_idr is not None and line.aid_ceiling_idr is not None
        if known and (line.aid_ceiling_idr or 0) > (line.ceiling_idr or 0):
            raise InvalidYears("aid_ceiling_idr exceeds ceiling_idr", year=line.year)


def year_quota(lines: Iterable[ProgramYear]) -> int | None:
    """Sum the quotas of one year's fund sources; one unknown part makes the whole unknown."""
    return _sum_known([line.quota for line in lines])


def year_aid_ceiling_idr(lines: Iterable[ProgramYear]) -> int | None:
    """Sum the aid parts of one year, or the whole ceiling where the aid part is not told."""
    parts = [
        line.ceiling_idr if line.aid_ceiling_idr is None else line.aid_ceiling_idr for line in lines
    ]
    return _sum_known(parts)


def _sum_known(parts: list[int | None]) -> int | None:
    known = [part for part in parts if part is not None]
    return sum(known) if parts and len(known) == len(parts) else None


HANDOVERS_PER_YEAR = {"sekali": 1, "tahunan": 1, "semester": 2, "triwulan": 4, "bulanan": 12}
"""Frequencies whose count per year is known; any other counts as one, the least it can be."""


def cost_per_recipient_idr(
    *, quantity: int, unit_value_idr: int | None, frequency: str
) -> int | None:
    """Return what one recipient costs in a year at least, or null where the value is unknown."""
    if unit_value_idr is None:
        return None
    return quantity * unit_value_idr * HANDOVERS_PER_YEAR.get(frequency.strip().lower(), 1)
