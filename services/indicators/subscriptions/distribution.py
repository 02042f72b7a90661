"""What distribution tells: cycles and entitlements as states, deliveries and returns as facts."""

from collections.abc import Sequence
from typing import Any

from services.contracts.distribution import (
    CycleStateV1,
    DeliveryCompletedV1,
    DeliveryReturnedV1,
    EntitlementStateV1,
)
from services.indicators.actions import projections
from services.indicators.domain.projections import CycleState, Delivery, EntitlementState, Return
from services.indicators.subscriptions.batches import newest, only
from services.shared.db import Transaction
from services.shared.events import Received
from services.shared.inbox import Subscription


async def handle_states(tx: Transaction, events: Sequence[Received[Any]]) -> None:
    """Keep cycles first: they give the entitlements of the same batch their budget year."""
    if cycles := only(events, CycleStateV1):
        await projections.keep_cycles(tx, [_cycle(e) for e in cycles], newest(cycles))
    if entitlements := only(events, EntitlementStateV1):
        states = [_entitlement(event) for event in entitlements]
        await projections.keep_entitlements(tx, states, newest(entitlements))


async def handle_facts(tx: Transaction, events: Sequence[Received[Any]]) -> None:
    """Count deliveries and returns of one batch."""
    await projections.count_handovers(
        tx,
        [(_delivery(event), event.time) for event in only(events, DeliveryCompletedV1)],
        [(_return(event), event.time) for event in only(events, DeliveryReturnedV1)],
    )


def _cycle(event: Received[CycleStateV1]) -> CycleState:
    data = event.data
    return CycleState(data.cycle_id, data.program_id, data.year, event.epoch, event.version)


def _entitlement(event: Received[EntitlementStateV1]) -> EntitlementState:
    data = event.data
    return EntitlementState(
        entitlement_id=data.entitlement_id,
        cycle_id=data.cycle_id,
        program_id=data.program_id,
        family_id=data.family_id,
        person_id=data.person_id,
        region_code=data.region_code,
        value_idr=data.value_idr,
        delivered_value_idr=data.delivered_value_idr,
        due_year=data.due_on.year,
        status=data.status,
        sensitive=data.sensitive,
        epoch=event.epoch,
        version=event.version,
    )


def _delivery(event: Received[DeliveryCompletedV1]) -> Delivery:
    data = event.data
    return Delivery(
        delivery_id=data.delivery_id,
        cycle_id=data.cycle_id,
        program_id=data.program_id,
        family_id=data.family_id,
        person_id=data.person_id,
        region_code=data.region_code,
        delivered_on=data.delivered_on,
        quantity=data.quantity,
        value_idr=data.value_idr,
        sensitive=data.sensitive,
    )


def _return(event: Received[DeliveryReturnedV1]) -> Return:
    data = event.data
    return Return(
        return_id=data.return_id,
        delivery_id=data.delivery_id,
        program_id=data.program_id,
        family_id=data.family_id,
        quantity=data.quantity,
        value_idr=data.value_idr,
        returned_on=data.returned_on,
    )


STATES = Subscription(
    name="distribution_states",
    stream=EntitlementStateV1.STREAM,
    types=(CycleStateV1, EntitlementStateV1),
    handle=handle_states,
    reset=projections.forget_states,
)

FACTS = Subscription(
    name="distribution_facts",
    stream=DeliveryCompletedV1.STREAM,
    types=(DeliveryCompletedV1, DeliveryReturnedV1),
    handle=handle_facts,
    reset=projections.forget_facts,
)
