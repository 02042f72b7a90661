"""What indicators keep of the other services' states and facts: no identities, numbers and places.

These are the arguments of ``actions/projections``; ``subscriptions`` make them of events.
``epoch`` and ``version`` say which state it is: an older one never replaces a newer one.
"""

from dataclasses import dataclass
from datetime import date
from uuid import UUID


@dataclass(frozen=True, slots=True)
class RegionState:
    code: str
    name: str
    level: str
    parent_code: str | None
    valid_from: date
    valid_to: date | None
    epoch: int
    version: int


@dataclass(frozen=True, slots=True)
class FamilyState:
    """``active`` is false when the family ended; then ``survivor_id`` may name its successor."""

    family_id: UUID
    region_code: str
    active: bool
    desil_low: int | None
    desil_high: int | None
    desil_as_of: date | None
    members: int
    survivor_id: UUID | None
    epoch: int
    version: int


@dataclass(frozen=True, slots=True)
class OrganisationState:
    code: str
    name: str
    kind: str
    epoch: int
    version: int


@dataclass(frozen=True, slots=True)
class ProgramYear:
    year: int
    fund_source: str
    ceiling_idr: int | None
    aid_ceiling_idr: int | None
    quota: int | None


@dataclass(frozen=True, slots=True)
class ProgramState:
    program_id: UUID
    code: str
    name: str
    owner_code: str
    reporter_code: str
    klaster: str
    strategi: str
    bidang: str
    unit: str
    counts_as_reached: bool
    sensitive: bool
    target_desil_max: int | None
    status: str
    years: tuple[ProgramYear, ...]
    epoch: int
    version: int


@dataclass(frozen=True, slots=True)
class EnrolmentState:
    enrolment_id: UUID
    program_id: UUID
    year: int
    family_id: UUID
    person_id: UUID | None
    region_code: str
    status: str
    sensitive: bool
    epoch: int
    version: int


@dataclass(frozen=True, slots=True)
class CycleState:
    cycle_id: UUID
    program_id: UUID
    year: int
    epoch: int
    version: int


@dataclass(frozen=True, slots=True)
class EntitlementState:
    entitlement_id: UUID
    cycle_id: UUID
    program_id: UUID
    family_id: UUID
    person_id: UUID | None
    region_code: str
    value_idr: int
    delivered_value_idr: int
    due_year: int
    status: str
    sensitive: bool
    epoch: int
    version: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """A handover; quantity and rupiah before anything came back."""

    delivery_id: UUID
    cycle_id: UUID
    program_id: UUID
    family_id: UUID
    person_id: UUID | None
    region_code: str
    delivered_on: date
    quantity: int
    value_idr: int
    sensitive: bool


@dataclass(frozen=True, slots=True)
class Return:
    """What came back of a delivery, wholly or in part."""

    return_id: UUID
    delivery_id: UUID
    program_id: UUID
    family_id: UUID
    quantity: int
    value_idr: int
    returned_on: date


AidKey = tuple[UUID, UUID]
"""(family, program): the unit in which tallies are recomputed."""


def newest_rank(
    ranks: list[tuple[date, str, int | None, int | None]],
) -> tuple[int | None, int | None, date | None]:
    """Return (low, high, date) of the newest DTSEN rank among (date, source, low, high).

    The national desil comes given with DTSEN; a rank computed here bears another source and is
    never used in its stead (INDICATORS 1.8).
    """
    national = [rank for rank in ranks if rank[1].upper().startswith("DTSEN")]
    if not national:
        return None, None, None
    as_of, _, low, high = max(national, key=lambda rank: rank[0])
    return low, high, as_of
