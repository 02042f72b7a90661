"""What programs knows of a family when it decides: the values of the projection. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from services.programs.domain.errors import MalformedFact

ABSENT = frozenset({2, 3, 4, 6})
"""Regsosek 404: dead, living elsewhere, living abroad, not found. Unknown counts as present."""

MONTHS_PER_YEAR = 12


@dataclass(frozen=True, slots=True)
class Rank:
    """A welfare rank. ``low`` = ``high`` for one desil; a range or null proves no desil."""

    period: str
    source: str
    low: int | None
    high: int | None
    as_of: date

    @property
    def desil(self) -> int | None:
        """The one desil, or null: "6-10" is no desil and neither is "unranked"."""
        return self.low if self.low == self.high else None


@dataclass(frozen=True, slots=True)
class MemberFacts:
    """A person of the family. ``born_month`` counts months since year 0."""

    person_id: UUID
    sex: str | None
    born_month: int | None
    presence: int | None
    answers: Mapping[str, int] = field(default_factory=dict)

    @property
    def present(self) -> bool:
        """Whether the person lives in the family, as far as is known."""
        return self.presence not in ABSENT


@dataclass(frozen=True, slots=True)
class FamilyFacts:
    """A family with its members, its dwelling's answers, its ranks, and the programs it holds."""

    family_id: UUID
    region_code: str
    region_kind: str | None
    current: bool
    members: tuple[MemberFacts, ...]
    dwelling: Mapping[str, int]
    ranks: tuple[Rank, ...]
    holds: frozenset[UUID] = frozenset()
    version: tuple[int, int] = (0, 0)

    def member(self, person_id: UUID) -> MemberFacts | None:
        """Return the present member with this id."""
        return next((m for m in self.members if m.person_id == person_id and m.present), None)


def month_number(year: int, month: int) -> int:
    """Count months, so that ages are compared as integers."""
    return year * MONTHS_PER_YEAR + month


def parse_birth_month(text: str | None) -> int | None:
    """Read "1990-05" as a month number, null as null.

    Raises:
        MalformedFact: another shape.
    """
    if text is None:
        return None
    try:
        first = date.fromisoformat(f"{text}-01")
    except ValueError as error:
        raise MalformedFact("birth_month must look like 1990-05") from error
    return month_number(first.year, first.month)


def choose_rank(
    ranks: Sequence[Rank], *, period: str | None = None, source: str | None = None
) -> Rank | None:
    """Return the newest rank of that period and source (null: any), or null.

    Newest by date, then period, then source, each by code point; the SQL of ``storage/rule_sql``
    orders in the same way.
    """
    fitting = [
        rank
        for rank in ranks
        if (period is None or rank.period == period) and (source is None or rank.source == source)
    ]
    return max(fitting, key=lambda rank: (rank.as_of, rank.period, rank.source), default=None)
