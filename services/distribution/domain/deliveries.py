"""What a handover must say: to whom, when, with which proof."""

from datetime import date
from enum import StrEnum

from services.distribution.domain.errors import (
    DateInFuture,
    DeliveredBeforeCycle,
    ProofRequired,
    ReceiverIncomplete,
)


class ReceivedBy(StrEnum):
    """Who took it: the recipient, or somebody for them (name and relation are then needed)."""

    SELF = "self"
    REPRESENTATIVE = "representative"


def check_receiver(received_by: str, name: str | None, relation: str | None) -> None:
    """Refuse a representative without name and relation."""
    if received_by == ReceivedBy.REPRESENTATIVE and not (name and relation):
        raise ReceiverIncomplete


def check_not_future(day: date, *, today: date) -> None:
    """Refuse a day that has not come."""
    if day > today:
        raise DateInFuture(day=day.isoformat())


def check_day(delivered_on: date, *, opens_on: date, today: date) -> None:
    """Refuse a day that has not come, or that lies before the cycle opened."""
    check_not_future(delivered_on, today=today)
    if delivered_on < opens_on:
        raise DeliveredBeforeCycle(opens_on=opens_on.isoformat())


def check_proof(*, benefit_kind: str, has_proof: bool) -> None:
    """Refuse goods without a photo when they are handed over one by one.

    The batch door does not ask for it: lists of past handovers have no photos. Such deliveries
    say ``proof: false`` wherever they are counted.
    """
    if benefit_kind == "goods" and not has_proof:
        raise ProofRequired
