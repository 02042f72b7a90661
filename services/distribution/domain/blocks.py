"""What stops a handover, and what only deserves a look. Computed, never stored.

A stored flag would have to follow every enrolment, family and person; computing it from their
last known states cannot be forgotten. Source of the codes: handbook 2.5 (presence, 404) and 1.6
(record status).
"""

from dataclasses import dataclass

PRESENCE_DIED = 2
PRESENCE_MOVED = frozenset({3, 4})
PRESENCE_NOT_FOUND = 6

FAMILY_BLOCKS = {
    "NONAKTIF_PINDAH": "family_moved_away",
    "NONAKTIF_MENINGGAL": "family_died",
    "NONAKTIF_GANDA": "family_duplicate",
}
"""Record statuses under which nobody of the family may be handed anything."""

FAMILY_FLAGS = {
    "NONAKTIF_TIDAK_DITEMUKAN": "family_not_found",
    "NONAKTIF_MAMPU": "family_no_longer_poor",
    "NONAKTIF_MENOLAK": "family_refused",
    "KARANTINA_NIK": "family_nik_in_quarantine",
}
"""Statuses that the officer must see; whether aid ends is the enrolment's decision."""

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
    elif standing.family_status in FAMILY_FLAGS:
        found.append(FAMILY_FLAGS[standing.family_status])
    if standing.for_person and standing.presence in PRESENCE_MOVED:
        found.append("person_moved")
    if standing.for_person and standing.presence == PRESENCE_NOT_FOUND:
        found.append("person_not_found")
    return tuple(found)
