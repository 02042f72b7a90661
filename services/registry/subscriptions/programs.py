"""Enrolments, as programs tells them."""

from collections.abc import Sequence

from services.contracts.programs import EnrolmentStateV1
from services.registry.actions.aid import forget_aid_states, keep_aid_states
from services.registry.domain.aid import AidState, without_secret
from services.shared.db import Transaction
from services.shared.events import Received
from services.shared.inbox import Subscription


async def handle(tx: Transaction, events: Sequence[Received[EnrolmentStateV1]]) -> None:
    """Keep the enrolment states of families."""
    await keep_aid_states(tx, [_translate(event) for event in events])


async def reset(tx: Transaction) -> None:
    """Forget all enrolments before a rebuild."""
    await forget_aid_states(tx, "enrolment")


def _translate(event: Received[EnrolmentStateV1]) -> AidState:
    data = event.data
    state = AidState(
        "enrolment",
        data.enrolment_id,
        data.family_id,
        data.person_id,
        data.program_id,
        data.status,
        None,
        event.epoch,
        event.version,
    )
    return without_secret(state) if data.sensitive else state


ENROLMENTS = Subscription(
    name="registry_enrolments",
    stream="PROGRAMS_STATE",
    types=(EnrolmentStateV1,),
    handle=handle,
    reset=reset,
)
