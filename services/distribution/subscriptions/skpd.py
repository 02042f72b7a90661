"""What agencies tell: handovers of their own programs."""

from collections.abc import Sequence

from services.contracts.skpd import INGEST_STREAM_PREFIX, DeliveryReportedV1
from services.distribution.actions.deliveries import Handover, take_reports
from services.shared.db import Transaction
from services.shared.events import Received
from services.shared.inbox import Subscription


async def handle_reports(tx: Transaction, events: Sequence[Received[DeliveryReportedV1]]) -> None:
    """Take agencies' reports; what cannot be is parked with the code of its error."""
    await take_reports(
        tx,
        [
            Handover(
                id=event.data.delivery_id,
                entitlement_id=event.data.entitlement_id,
                quantity=event.data.quantity,
                delivered_on=event.data.delivered_on,
                serial_number=event.data.serial_number,
                # The inbox compared the source with the account that the server let speak.
                agency=event.source.removeprefix("skpd/"),
            )
            for event in events
        ],
    )


SUBSCRIPTIONS = (
    Subscription(
        name="skpd-deliveries",
        stream_prefix=INGEST_STREAM_PREFIX,
        types=(DeliveryReportedV1,),
        handle=handle_reports,
    ),
)
