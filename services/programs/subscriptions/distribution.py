"""What distribution tells: how much of an enrolment's entitlements was delivered."""

from collections.abc import Sequence
from typing import Any

from services.contracts.distribution import EntitlementStateV1
from services.programs.actions.projection import (
    EntitlementState,
    forget_entitlements,
    keep_entitlements,
)
from services.shared.db import Transaction
from services.shared.events import Received
from services.shared.inbox import Subscription


async def handle_entitlements(tx: Transaction, events: Sequence[Received[Any]]) -> None:
    """Project entitlements."""
    await keep_entitlements(tx, [_entitlement(event) for event in events])


def _entitlement(event: Received[EntitlementStateV1]) -> EntitlementState:
    data = event.data
    return EntitlementState(
        entitlement_id=data.entitlement_id,
        enrolment_id=data.enrolment_id,
        status=data.status,
        quantity=data.quantity,
        delivered_quantity=data.delivered_quantity,
        delivered_value_idr=data.delivered_value_idr,
        epoch=event.epoch,
        version=event.version,
    )


ENTITLEMENTS = Subscription(
    name="entitlements",
    stream=EntitlementStateV1.STREAM,
    types=(EntitlementStateV1,),
    handle=handle_entitlements,
    reset=forget_entitlements,
)
