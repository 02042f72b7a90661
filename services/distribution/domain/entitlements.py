"""What one recipient may get in one cycle: reserved, handed over, given back, voided.

Pure decisions. Quantities are whole units; rupiah are ``int``; the value of a quantity is the
quantity times the unit value that was fixed when the entitlement was made.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from services.distribution.domain.errors import (
    EntitlementBlocked,
    EntitlementVoid,
    NothingToVoid,
    OverDelivery,
    OverReturn,
)


class EntitlementStatus(StrEnum):
    """Follows from the quantities, except VOID, which is decided."""

    RESERVED = "reserved"
    PART_DELIVERED = "part_delivered"
    DELIVERED = "delivered"
    VOID = "void"


@dataclass(frozen=True, slots=True)
class Entitlement:
    """The numbers that decide. Invariant: 0 <= delivered_quantity <= quantity."""

    quantity: int
    unit_value_idr: int
    delivered_quantity: int = 0
    void: bool = False

    @property
    def remaining(self) -> int:
        """Units that are reserved and not handed over."""
        return 0 if self.void else self.quantity - self.delivered_quantity

    @property
    def status(self) -> EntitlementStatus:
        """The status as it is told to others."""
        if self.void:
            return EntitlementStatus.VOID
        if self.delivered_quantity == 0:
            return EntitlementStatus.RESERVED
        if self.delivered_quantity < self.quantity:
            return EntitlementStatus.PART_DELIVERED
        return EntitlementStatus.DELIVERED


def hand_over(
    entitlement: Entitlement, quantity: int, *, blocked_by: tuple[str, ...] = ()
) -> Entitlement:
    """Return the entitlement after ``quantity`` units were handed over, or refuse with numbers."""
    if entitlement.void:
        raise EntitlementVoid
    if blocked_by:
        raise EntitlementBlocked(reasons=", ".join(blocked_by))
    if not 0 < quantity <= entitlement.remaining:
        raise OverDelivery(remaining=entitlement.remaining, asked=quantity)
    return replace(entitlement, delivered_quantity=entitlement.delivered_quantity + quantity)


def take_back(
    entitlement: Entitlement, quantity: int, *, delivered: int, returned_before: int
) -> Entitlement:
    """Return the entitlement after ``quantity`` units of one delivery came back.

    ``delivered`` and ``returned_before`` are that delivery's own numbers. What came back is
    reserved again: the recipient keeps the right to it until somebody voids it.
    """
    returnable = delivered - returned_before
    if not 0 < quantity <= returnable:
        raise OverReturn(returnable=returnable, asked=quantity)
    return replace(entitlement, delivered_quantity=entitlement.delivered_quantity - quantity)


def void_rest(entitlement: Entitlement) -> tuple[Entitlement, int]:
    """Give up what was not handed over; return the entitlement and the units released.

    Nothing handed over: the entitlement is void. Something was: it shrinks to that and counts as
    delivered, because what the family holds stays true.
    """
    released = entitlement.remaining
    if released == 0:
        raise NothingToVoid
    if entitlement.delivered_quantity == 0:
        return replace(entitlement, void=True), released
    return replace(entitlement, quantity=entitlement.delivered_quantity), released
