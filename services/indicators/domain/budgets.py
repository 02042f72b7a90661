"""Value handed over against the ceiling, INDICATORS 1.7.

Four different rupiah, never mixed: the ceiling (pagu), its aid part, what is reserved for
recipients, and what was handed over.
"""

import calendar
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from services.indicators.domain.targeting import RATIO_DIGITS, ratio


@dataclass(frozen=True, slots=True)
class ProgramBudget:
    """One program in one year. ``None`` is an unknown ceiling, never zero."""

    ceiling_idr: int | None
    aid_ceiling_idr: int | None
    reserved_idr: int
    delivered_idr: int


@dataclass(frozen=True, slots=True)
class Budget:
    """An agency's year. A ceiling is null as soon as one program's is: a part is not the whole."""

    programs: int
    ceiling_idr: int | None
    aid_ceiling_idr: int | None
    known_ceiling_idr: int
    programs_without_ceiling: int
    reserved_idr: int
    delivered_idr: int

    @property
    def realisation(self) -> Decimal | None:
        """Handed over / ceiling; null when the ceiling is unknown or 0."""
        return ratio(self.delivered_idr, self.ceiling_idr)

    @property
    def aid_realisation(self) -> Decimal | None:
        """Handed over / aid part of the ceiling; null when that is unknown or 0."""
        return ratio(self.delivered_idr, self.aid_ceiling_idr)


def add_up(programs: Iterable[ProgramBudget]) -> Budget:
    """Add an agency's programs up, keeping the unknown apart."""
    rows = tuple(programs)
    ceilings = [row.ceiling_idr for row in rows]
    return Budget(
        programs=len(rows),
        ceiling_idr=_whole(ceilings),
        aid_ceiling_idr=_whole([row.aid_ceiling_idr for row in rows]),
        known_ceiling_idr=sum(value for value in ceilings if value is not None),
        programs_without_ceiling=ceilings.count(None),
        reserved_idr=sum(row.reserved_idr for row in rows),
        delivered_idr=sum(row.delivered_idr for row in rows),
    )


def _whole(values: list[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known and len(known) == len(values) else None


def elapsed_share(year: int, today: date) -> Decimal:
    """Return which part of the year is over at the end of ``today``: 0 before it, 1 after it."""
    if today.year != year:
        return Decimal(1 if today.year > year else 0)
    days = 366 if calendar.isleap(year) else 365
    share = Decimal(today.timetuple().tm_yday) / days
    return share.quantize(RATIO_DIGITS, rounding=ROUND_HALF_UP)
