"""What other services say of a family's aid, kept so that the aid history keeps its family."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

AidKind = Literal["enrolment", "entitlement"]


@dataclass(frozen=True, slots=True)
class AidState:
    """The latest state of one enrolment or entitlement. Of a sensitive one only the guard."""

    kind: AidKind
    subject_id: UUID
    family_id: UUID | None
    person_id: UUID | None
    program_id: UUID | None
    status: str | None
    value_idr: int | None
    epoch: int
    version: int


def without_secret(state: AidState) -> AidState:
    """Return the guard alone: of a sensitive program not even the family is kept."""
    return AidState(
        state.kind, state.subject_id, None, None, None, None, None, state.epoch, state.version
    )
