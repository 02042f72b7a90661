"""Entitlements, as distribution tells them."""

from collections.abc import Sequence

from services.contracts.distribution import EntitlementStateV1
from services.registry.actions.aid import forget_aid_states, keep_aid_states
from services.registry.domain.aid import AidState, without_secret
from services.shared.db import Transaction
from services.shared.events import Received
from services.shared.inbox import Subscription


async def handle(tx: Transaction, events: Sequence[Received[EntitlementStateV1]]) -> None:
    """Keep the entitlement states of families; the value is what was delivered."""
    await keep_aid_states(tx, [_translate(event) for event in events])


async def reset(tx: Transaction) -> None:
    """Forget all entitlements before a rebuild."""
    await forget_aid_states(tx, "entitlement")


def _translate(event: Received[EntitlementStateV1]) -> AidState:
    data = event.data
    state = AidState(
        "entitlement",
        data.entitlement_id,
        data.family_id,
        data.person_id,
        data.program_id,
        data.status,
        data.delivered_value_idr,
        event.epoch,
        event.version,
    )
    return without_secret(state) if data.sensitive else state


ENTITLEMENTS = Subscription(
    name="registry_entitlements",
    stream="DISTRIBUTION_STATE",
    types=(EntitlementStateV1,),
    handle=handle,
    reset=reset,
)
