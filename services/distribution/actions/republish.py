"""Telling the current rows again. See ``shared.republishing``.

States come from the tables as they are. A fact's event id is its own id, so who heard it before
recognises it when it is told again.
"""

from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID

from services.contracts.distribution import (
    CycleStateV1,
    DeliveryCompletedV1,
    DeliveryReturnedV1,
    EntitlementStateV1,
)
from services.distribution.actions.telling import (
    cycle_state,
    delivery_completed,
    delivery_returned,
    entitlement_state,
)
from services.distribution.storage import republish as rows
from services.shared.db import Transaction

Page = Callable[[Transaction, UUID | None], Any]


async def cycles(tx: Transaction) -> AsyncIterator[tuple[CycleStateV1, int]]:
    """Yield every cycle with its version."""
    async for row in _all(tx, rows.cycles):
        yield cycle_state(row, row), row["version"]


async def entitlements(tx: Transaction) -> AsyncIterator[tuple[EntitlementStateV1, int]]:
    """Yield every entitlement with its version."""
    async for row in _all(tx, rows.entitlements):
        yield entitlement_state(row), row["version"]


async def deliveries(tx: Transaction) -> AsyncIterator[tuple[DeliveryCompletedV1, int]]:
    """Yield every handover, also those that the outbox has long forgotten."""
    async for row in _all(tx, rows.deliveries):
        yield delivery_completed(row), 1


async def returns(tx: Transaction) -> AsyncIterator[tuple[DeliveryReturnedV1, int]]:
    """Yield every return."""
    async for row in _all(tx, rows.returns):
        yield delivery_returned(row, row), 1


async def _all(tx: Transaction, page: Page) -> AsyncIterator[Any]:
    after: UUID | None = None
    while found := await page(tx, after):
        for row in found:
            yield row
        after = found[-1]["id"]
