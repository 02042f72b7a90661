"""Events told by distribution: cycles, entitlements, deliveries and returns."""

from datetime import date
from typing import ClassVar, Literal
from uuid import UUID

from services.shared.events import EventData, Kind


class CycleStateV1(EventData):
    """A cycle (tahap) was opened, closed or changed."""

    TYPE: ClassVar[str] = "distribution.cycle.state.v1"
    KIND: ClassVar[Kind] = Kind.STATE
    KEY: ClassVar[str] = "cycle_id"
    STREAM: ClassVar[str] = "DISTRIBUTION_STATE"

    cycle_id: UUID
    program_id: UUID
    name: str
    year: int
    opens_on: date
    closes_on: date
    status: Literal["open", "closed"]
    sensitive: bool = False
    owner_code: str | None = None
    """Whose program it is: a sensitive event is shown to its owner only."""


class EntitlementStateV1(EventData):
    """A recipient's entitlement in a cycle was reserved, partly or fully delivered, or voided."""

    TYPE: ClassVar[str] = "distribution.entitlement.state.v1"
    KIND: ClassVar[Kind] = Kind.STATE
    KEY: ClassVar[str] = "entitlement_id"
    STREAM: ClassVar[str] = "DISTRIBUTION_STATE"

    entitlement_id: UUID
    cycle_id: UUID
    program_id: UUID
    enrolment_id: UUID
    family_id: UUID
    person_id: UUID | None
    region_code: str
    quantity: int
    value_idr: int
    delivered_quantity: int
    delivered_value_idr: int
    due_on: date
    status: Literal["reserved", "part_delivered", "delivered", "void"]
    sensitive: bool = False
    owner_code: str | None = None
    """Whose program it is: a sensitive event is shown to its owner only."""


class DeliveryCompletedV1(EventData):
    """Aid was handed over: a quantity of one entitlement, with its value in rupiah."""

    TYPE: ClassVar[str] = "distribution.delivery.completed.v1"
    KIND: ClassVar[Kind] = Kind.FACT
    KEY: ClassVar[str] = "delivery_id"
    STREAM: ClassVar[str] = "DISTRIBUTION_FACT"

    delivery_id: UUID
    entitlement_id: UUID
    cycle_id: UUID
    program_id: UUID
    enrolment_id: UUID
    family_id: UUID
    person_id: UUID | None
    region_code: str
    delivered_on: date
    quantity: int
    unit: str
    value_idr: int
    proof: bool
    sensitive: bool = False
    owner_code: str | None = None
    """Whose program it is: a sensitive event is shown to its owner only."""


class DeliveryReturnedV1(EventData):
    """A delivery came back, wholly or in part; the numbers are what came back."""

    TYPE: ClassVar[str] = "distribution.delivery.returned.v1"
    KIND: ClassVar[Kind] = Kind.FACT
    KEY: ClassVar[str] = "return_id"
    STREAM: ClassVar[str] = "DISTRIBUTION_FACT"

    return_id: UUID
    delivery_id: UUID
    entitlement_id: UUID
    program_id: UUID
    family_id: UUID
    person_id: UUID | None
    region_code: str
    returned_on: date
    quantity: int
    value_idr: int
    reason: str
    sensitive: bool = False
    owner_code: str | None = None
    """Whose program it is: a sensitive event is shown to its owner only."""
