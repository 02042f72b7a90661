"""When a cycle (tahap) may be opened, changed and closed, and what one recipient gets in it."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from services.distribution.domain.errors import (
    CycleClosed,
    CycleInUse,
    DatesReversed,
    ProgramNotRunning,
    UnitValueUnknown,
    YearNotPlanned,
)

RUNNING = frozenset({"approved", "active"})
"""Program statuses under which aid may be planned and handed over."""


class CycleStatus(StrEnum):
    """A closed cycle is never opened again: a new one is made."""

    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Benefit:
    """What one recipient gets in one cycle. A null unit value is unknown, never zero."""

    quantity: int
    unit_value_idr: int | None


def check_dates(opens_on: date, closes_on: date) -> None:
    """Refuse a cycle that would close before it opens."""
    if closes_on < opens_on:
        raise DatesReversed(opens_on=opens_on.isoformat(), closes_on=closes_on.isoformat())


def check_program(status: str, years: frozenset[int], year: int) -> None:
    """Refuse a cycle of a program that is not running or has no such budget year."""
    if status not in RUNNING:
        raise ProgramNotRunning(status=status)
    if year not in years:
        raise YearNotPlanned(year=year, years=", ".join(map(str, sorted(years))))


def check_open(status: str) -> None:
    """Refuse anything new in a closed cycle."""
    if status != CycleStatus.OPEN:
        raise CycleClosed


def check_benefit_change(*, entitled: int) -> None:
    """Refuse another quantity or unit value once ``entitled`` recipients have the old one."""
    if entitled:
        raise CycleInUse(entitlements=entitled)


def benefit_of(program: Benefit, quantity: int | None, unit_value_idr: int | None) -> Benefit:
    """Return what a recipient gets: the cycle's own numbers win over the program's."""
    unit_value = program.unit_value_idr if unit_value_idr is None else unit_value_idr
    if unit_value is None:
        raise UnitValueUnknown
    return Benefit(program.quantity if quantity is None else quantity, unit_value)
