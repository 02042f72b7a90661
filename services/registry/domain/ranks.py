"""Welfare ranks (desil): the national list's order of families, per period and source."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

RANKS_KEPT = 8
"""Two years of quarters stay beside the family and in its event; the table keeps all."""


@dataclass(frozen=True, slots=True)
class Rank:
    """``low`` = ``high`` for one desil, 6 and 10 for "6-10"; None with a reason when unranked."""

    period: str
    source: str
    low: int | None
    high: int | None
    reason: str | None
    cut_off: date

    def to_json(self) -> dict[str, Any]:
        """Return the form kept beside the family."""
        return {
            "period": self.period,
            "source": self.source,
            "low": self.low,
            "high": self.high,
            "reason": self.reason,
            "cut_off": self.cut_off.isoformat(),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Rank":
        """Read what ``to_json`` wrote."""
        return cls(
            stored["period"],
            stored["source"],
            stored["low"],
            stored["high"],
            stored["reason"],
            date.fromisoformat(stored["cut_off"]),
        )


def with_rank(held: Sequence[Rank], incoming: Rank) -> tuple[Rank, ...]:
    """Return the newest ``RANKS_KEPT`` ranks, oldest first; one per period and source."""
    key = (incoming.period, incoming.source)
    others = [rank for rank in held if (rank.period, rank.source) != key]
    ordered = sorted([*others, incoming], key=lambda rank: (rank.cut_off, rank.source))
    return tuple(ordered[-RANKS_KEPT:])


def desil(held: Sequence[Rank]) -> tuple[int | None, int | None]:
    """Return the present (low, high): the newest rank's, even when it says unranked."""
    return (held[-1].low, held[-1].high) if held else (None, None)
