"""What may be done with a family, and when."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum

from services.registry.domain.errors import NothingToChangeError, StatusForbidsError

HEAD = 1
"""The head of the family among the relations."""


class FamilyStatus(StrEnum):
    """``dissolved``: nobody is left in it. ``merged``: it lives on in its survivor."""

    ACTIVE = "active"
    MOVED = "moved"
    DISSOLVED = "dissolved"
    MERGED = "merged"


class FamilyAction(StrEnum):
    """What a caller may be offered for a family."""

    CORRECT_DOMICILE = "correct_domicile"


ALLOWED: Mapping[FamilyStatus, AbstractSet[FamilyAction]] = {
    FamilyStatus.ACTIVE: {FamilyAction.CORRECT_DOMICILE},
    FamilyStatus.MOVED: set(),
    FamilyStatus.DISSOLVED: set(),
    FamilyStatus.MERGED: set(),
}


@dataclass(frozen=True, slots=True)
class Domicile:
    """Where a family lives; ``rt`` and ``rw`` are text, "003"."""

    region_code: str
    address: str | None
    rt: str | None
    rw: str | None


def allowed_actions(status: str, *, may_correct: bool) -> list[FamilyAction]:
    """Return what the caller may do now, in a fixed order."""
    return sorted(ALLOWED[FamilyStatus(status)]) if may_correct else []


def check_correction(status: str, present: Domicile, after: Domicile) -> None:
    """Refuse a correction that the status forbids or that changes nothing."""
    if FamilyAction.CORRECT_DOMICILE not in ALLOWED[FamilyStatus(status)]:
        raise StatusForbidsError(status=status)
    if after == present:
        raise NothingToChangeError
