"""When a family counts as reached, and when nobody can know, DESIGN section 1 question 2.

Reached = something of a program that counts as reaching was handed over within the window and not
returned. A family without it is ``belum_tersentuh`` only if every source that should have told us
has done so recently enough; otherwise it is ``belum_diketahui``.
"""

import calendar
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

WHOLE_REGENCY: Final = ""
"""The place of a source that covers every region."""


class SourceStatus(StrEnum):
    """CURRENT: told lately. STALE: older than its limit. MISSING: never told."""

    CURRENT = "current"
    STALE = "stale"
    MISSING = "missing"


class Reach(StrEnum):
    """A target family that no known delivery reaches, and what may be said of it."""

    NOT_REACHED = "belum_tersentuh"
    UNKNOWN = "belum_diketahui"


@dataclass(frozen=True, slots=True)
class ExpectedSource:
    """Who should tell us, how old the newest word may be, for which regions (prefix or "")."""

    code: str
    name: str
    reporter_code: str
    program_code: str | None
    region_code: str
    year: int
    max_age_days: int


@dataclass(frozen=True, slots=True)
class SourceState:
    """An expected source with the time of its newest word."""

    source: ExpectedSource
    last_data_at: datetime | None
    status: SourceStatus


def judge(source: ExpectedSource, last_data_at: datetime | None, now: datetime) -> SourceState:
    """Say whether a source's silence must be reckoned with at ``now``."""
    if last_data_at is None:
        status = SourceStatus.MISSING
    elif now - last_data_at > timedelta(days=source.max_age_days):
        status = SourceStatus.STALE
    else:
        status = SourceStatus.CURRENT
    return SourceState(source, last_data_at, status)


def blind_regions(states: Iterable[SourceState], *, distribution_told: bool) -> tuple[str, ...]:
    """Return the region prefixes where nobody can know; "" among them means everywhere.

    When distribution has never told anything, every region is blind: an empty store is no proof.
    """
    if not distribution_told:
        return (WHOLE_REGENCY,)
    silent = {s.source.region_code for s in states if s.status is not SourceStatus.CURRENT}
    return (WHOLE_REGENCY,) if WHOLE_REGENCY in silent else tuple(sorted(silent))


def reach_of(region_code: str, blind: Sequence[str]) -> Reach:
    """Return what may be said of an unreached target family of ``region_code``."""
    covered = any(
        prefix in {WHOLE_REGENCY, region_code} or region_code.startswith(prefix + ".")
        for prefix in blind
    )
    return Reach.UNKNOWN if covered else Reach.NOT_REACHED


def window_start(today: date, months: int) -> date:
    """Return the first day that still counts: the same day ``months`` back, cut to month's end."""
    index = today.year * 12 + today.month - 1 - months
    year, month = divmod(index, 12)
    day = min(today.day, calendar.monthrange(year, month + 1)[1])
    return date(year, month + 1, day)


class Topic(StrEnum):
    """A kind of data that figures are made of. ``producer`` tells whose word it is."""

    REGIONS = "regions"
    FAMILIES = "families"
    ORGANISATIONS = "organisations"
    PROGRAMS = "programs"
    ENROLMENTS = "enrolments"
    CYCLES = "cycles"
    ENTITLEMENTS = "entitlements"
    DELIVERIES = "deliveries"
    OFFICIAL = "official_statistics"
    TARGETS = "targets"
    SOURCES = "expected_sources"

    @property
    def producer(self) -> str:
        return PRODUCERS.get(self, "indicators")


PRODUCERS: Final = {
    Topic.REGIONS: "registry",
    Topic.FAMILIES: "registry",
    Topic.ORGANISATIONS: "programs",
    Topic.PROGRAMS: "programs",
    Topic.ENROLMENTS: "programs",
    Topic.CYCLES: "distribution",
    Topic.ENTITLEMENTS: "distribution",
    Topic.DELIVERIES: "distribution",
}
