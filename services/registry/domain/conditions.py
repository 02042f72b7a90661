"""Snapshots of answers, and what they add up to.

A source's newest snapshot replaces its older one whole: what it no longer says is no longer known
from it. Across sources, the newer answer to a question wins. History keeps every snapshot.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What one source said of one person or dwelling on one day. Unknown answers are absent."""

    scheme: str
    version: str
    source: str
    observed_on: date
    answers: Mapping[str, int]

    def to_json(self) -> dict[str, Any]:
        """Return the form kept beside the person or family."""
        return {
            "scheme": self.scheme,
            "version": self.version,
            "source": self.source,
            "observed_on": self.observed_on.isoformat(),
            "answers": dict(self.answers),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Snapshot":
        """Read what ``to_json`` wrote."""
        return cls(
            stored["scheme"],
            stored["version"],
            stored["source"],
            date.fromisoformat(stored["observed_on"]),
            stored["answers"],
        )


def with_newest(held: Sequence[Snapshot], incoming: Snapshot) -> tuple[Snapshot, ...]:
    """Return the newest snapshot of each source, oldest first, after ``incoming`` arrived.

    An ``incoming`` older than what its source said since changes nothing. On the same day the
    later word is a correction and wins.
    """
    same_source = next((one for one in held if one.source == incoming.source), None)
    if same_source is not None and same_source.observed_on > incoming.observed_on:
        return tuple(held)
    others = [one for one in held if one.source != incoming.source]
    return tuple(sorted([*others, incoming], key=lambda one: (one.observed_on, one.source)))


def combined(held: Sequence[Snapshot]) -> Snapshot | None:
    """Return one snapshot: per question the newest answer; source and date of the newest.

    Only snapshots of the newest one's scheme and version take part: codes of different
    questionnaires are never mixed.
    """
    if not held:
        return None
    newest = held[-1]
    answers: dict[str, int] = {}
    for one in held:
        if (one.scheme, one.version) == (newest.scheme, newest.version):
            answers.update(one.answers)
    return Snapshot(newest.scheme, newest.version, newest.source, newest.observed_on, answers)
