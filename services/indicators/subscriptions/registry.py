"""What registry tells: regions and families. Identities are never read here."""

from collections.abc import Sequence
from typing import Any

from services.contracts.registry import FamilyStateV1, RegionStateV1
from services.indicators.actions import projections
from services.indicators.domain.projections import FamilyState, RegionState, newest_rank
from services.indicators.subscriptions.batches import newest, only
from services.shared.db import Transaction
from services.shared.events import Received
from services.shared.inbox import Subscription

ACTIVE = "active"
"""Registry's word for a living family; every other status says why it ended."""


async def handle(tx: Transaction, events: Sequence[Received[Any]]) -> None:
    """Keep regions and families of one batch."""
    if regions := only(events, RegionStateV1):
        await projections.keep_regions(tx, [_region(e) for e in regions], newest(regions))
    if families := only(events, FamilyStateV1):
        await projections.keep_families(tx, [_family(e) for e in families], newest(families))


def _region(event: Received[RegionStateV1]) -> RegionState:
    data = event.data
    return RegionState(
        code=data.code,
        name=data.name,
        level=data.level,
        parent_code=data.parent_code,
        valid_from=data.valid_from,
        valid_to=data.valid_to,
        epoch=event.epoch,
        version=event.version,
    )


def _family(event: Received[FamilyStateV1]) -> FamilyState:
    data = event.data
    low, high, as_of = newest_rank([(r.as_of, r.source, r.low, r.high) for r in data.ranks])
    return FamilyState(
        family_id=data.family_id,
        region_code=data.region_code,
        active=data.status == ACTIVE,
        desil_low=low,
        desil_high=high,
        desil_as_of=as_of,
        members=len(data.members),
        survivor_id=data.survivor_id,
        epoch=event.epoch,
        version=event.version,
    )


SUBSCRIPTION = Subscription(
    name="registry",
    stream=RegionStateV1.STREAM,
    types=(RegionStateV1, FamilyStateV1),
    handle=handle,
    reset=projections.forget_registry,
)
