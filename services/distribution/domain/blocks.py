"""What stops a handover, and what only deserves a look. Computed, never stored.

A stored flag would have to follow every enrolment, family and person; computing it from their
last known states cannot be forgotten. Presence is Regsosek question 404 (handbook 2.4), the match
status is the civil registry's answer.
"""

from dataclasses import dataclass

PRESENCE_DIED = 2
PRESENCE_MOVED = frozenset({3, 4})
PRESENCE_NOT_FOUND = 6

FAMILY_BLOCKS = {
    "moved": "family_moved_away",
    "dissolved": "family_dissolved",
    "merged": "family_merged",
}
"""Record statuses of registry under which nobody of the family may be handed anything.

A merged family's enrolments are reviewed in programs; until then two families could be served for
one.
"""

ENROLMENT_BLOCKS = {"suspended": "enrolment_suspended", "ended": "enrolment_ended"}


@dataclass(frozen=True, slots=True)
class Standing:
    """The last known states around one entitlement; null where no event has said."""

    enrolment_status: str | None
    family_status: str | None
    for_person: bool
    presence: int | None = None
    match_status: str | None = None


def blocks(standing: Standing) -> tuple[str, ...]:
    """Return the codes that refuse a handover, in a stable order; empty when it may go on."""
    found: list[str] = []
    if standing.enrolment_status != "granted":
        found.append(ENROLMENT_BLOCKS.get(standing.enrolment_status or "", "enrolment_not_granted"))
    if standing.family_status in FAMILY_BLOCKS:
        found.append(FAMILY_BLOCKS[standing.family_status])
    if standing.for_person and (
        standing.presence == PRESENCE_DIED or standing.match_status == "MENINGGAL"
    ):
        found.append("person_died")
    return tuple(found)


def flags(standing: Standing) -> tuple[str, ...]:
    """Return the codes that an officer should see but that refuse nothing."""
    found: list[str] = []
    if standing.family_status is None:
        found.append("family_unknown")
    if standing.for_person and standing.presence in PRESENCE_MOVED:
        found.append("person_moved")
    if standing.for_person and standing.presence == PRESENCE_NOT_FOUND:
        found.append("person_not_found")
    return tuple(found)
