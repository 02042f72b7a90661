"""The only place that reads the time. Instants are aware and UTC; WIB exists at the edge only."""

from datetime import UTC, date, datetime, timedelta, timezone

WIB = timezone(timedelta(hours=7), "WIB")
"""Waktu Indonesia Barat, UTC+7 without daylight saving: the local time of the first regency."""


def now() -> datetime:
    """Return the present instant, aware and in UTC."""
    return datetime.now(UTC)  # noqa: TID251 - this is that module


def today(zone: timezone = WIB) -> date:
    """Return the calendar day in ``zone``: a deadline's day ends at local midnight."""
    return datetime.now(zone).date()  # noqa: TID251 - this is that module


def local(instant: datetime, zone: timezone = WIB) -> datetime:
    """Return ``instant`` (aware) as local time, for people to read."""
    return instant.astimezone(zone)


def parse(text: str) -> datetime:
    """Read an RFC 3339 instant and return it in UTC."""
    return datetime.fromisoformat(text.upper()).astimezone(UTC)
