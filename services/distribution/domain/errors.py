"""What the world can do wrong to distribution; each class has a stable code and its numbers.

``api/errors.py`` gives each one its status and its two titles; a test walks all subclasses.
"""

from typing import ClassVar


class DomainError(Exception):
    """Base of every refusal. ``params`` holds the numbers that the caller needs to go on."""

    code: ClassVar[str] = "distribution_error"

    def __init__(self, **params: object) -> None:
        super().__init__(f"{self.code} {params}" if params else self.code)
        self.params = params


class NotFound(DomainError):
    """It does not exist, or the caller may not know that it does. ``what`` names the resource."""

    code = "not_found"


class NotYourProgram(DomainError):
    """The caller sees the program but its agency does not own it."""

    code = "not_your_program"


class ProgramNotRunning(DomainError):
    """Cycles open only for a program that is approved or active."""

    code = "program_not_running"


class YearNotPlanned(DomainError):
    """The program has no budget year of that number."""

    code = "program_year_unknown"


class DatesReversed(DomainError):
    """A cycle closes on or after the day on which it opens."""

    code = "dates_reversed"


class CycleClosed(DomainError):
    """A closed cycle takes no entitlement, session or delivery."""

    code = "cycle_closed"


class CycleInUse(DomainError):
    """Quantity and unit value are fixed once entitlements were made from them."""

    code = "cycle_in_use"


class UnitValueUnknown(DomainError):
    """Neither program nor cycle says what a unit is worth; unknown is not zero."""

    code = "unit_value_unknown"


class CeilingExceeded(DomainError):
    """The reservation is larger than what the known ceiling has left."""

    code = "ceiling_exceeded"


class SessionClosed(DomainError):
    """A closed session takes no delivery."""

    code = "session_closed"


class SessionOfAnotherCycle(DomainError):
    """The entitlement belongs to another cycle than the session."""

    code = "session_of_another_cycle"


class EntitlementVoid(DomainError):
    """The entitlement was voided; nothing can be handed over on it."""

    code = "entitlement_void"


class EntitlementBlocked(DomainError):
    """Handing over is stopped; ``reasons`` says by what (see ``domain/blocks.py``)."""

    code = "entitlement_blocked"


class OverDelivery(DomainError):
    """More than what is left. ``remaining`` is the quantity that may still be handed over."""

    code = "over_delivery"


class NothingToVoid(DomainError):
    """All of it was handed over, or it was voided before."""

    code = "nothing_to_void"


class OverReturn(DomainError):
    """More comes back than was handed over. ``returnable`` is what may still come back."""

    code = "over_return"


class DeliveredBeforeCycle(DomainError):
    """The handover's day lies before the cycle opened."""

    code = "delivered_before_cycle"


class DateInFuture(DomainError):
    """The day has not come yet."""

    code = "date_in_future"


class ReceiverIncomplete(DomainError):
    """A representative needs a name and a relation."""

    code = "receiver_incomplete"


class ProofRequired(DomainError):
    """Goods handed over at a session need their photo."""

    code = "proof_required"


class ProofMissing(DomainError):
    """The upload does not exist, is incomplete, or its hash differs: no evidence."""

    code = "proof_missing"


class NameTaken(DomainError):
    """The program year already has a cycle of that name."""

    code = "name_taken"


class IdTaken(DomainError):
    """The client-made id names another thing already."""

    code = "id_taken"


class BatchRefused(DomainError):
    """Some rows of a batch cannot be; none was written. ``rows`` lists (row, error)."""

    code = "batch_refused"


class OrderNumberTaken(DomainError):
    """The program year already has a disbursement order (SP2D) of that number."""

    code = "order_number_taken"
