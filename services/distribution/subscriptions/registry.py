"""What registry tells: regions, families, identities."""

from collections.abc import Sequence
from typing import Any

from services.contracts.registry import FamilyStateV1, PersonIdentityV1, RegionStateV1
from services.distribution.actions import projections
from services.shared.db import Transaction
from services.shared.events import Received
from services.shared.inbox import Subscription


async def handle_regions(tx: Transaction, events: Sequence[Received[RegionStateV1]]) -> None:
    """Keep region names."""
    await projections.apply_regions(
        tx,
        [
            {
                **event.data.model_dump(include={"code", "name", "level", "parent_code"}),
                **_guard(event),
            }
            for event in events
        ],
    )


async def handle_families(tx: Transaction, events: Sequence[Received[FamilyStateV1]]) -> None:
    """Keep where families live and who belongs to them."""
    families = [
        {
            "id": event.data.family_id,
            "region_code": event.data.region_code,
            "status": event.data.status,
            "told_at": event.time,
            **_guard(event),
        }
        for event in events
    ]
    members = [
        {
            "person_id": member.person_id,
            "family_id": event.data.family_id,
            "relation": member.relation,
            "presence": member.presence,
            "match_status": member.match_status,
        }
        for event in events
        for member in event.data.members
    ]
    await projections.apply_families(tx, families, members)


async def handle_identities(tx: Transaction, events: Sequence[Received[PersonIdentityV1]]) -> None:
    """Keep names and numbers for handover lists; an erased person keeps none."""
    fields = {
        "family_id", "name", "nik_masked", "nik_sealed", "nik_index", "kk_masked", "kk_index",
        "index_key_version", "erased",
    }  # fmt: skip
    persons = [
        {
            "id": event.data.person_id,
            **event.data.model_dump(include=fields),
            **_guard(event),
        }
        for event in events
    ]
    await projections.apply_identities(tx, persons)


def _guard(event: Received[Any]) -> dict[str, int]:
    return {"epoch": event.epoch, "version": event.version}


SUBSCRIPTIONS = (
    Subscription(
        name="registry-regions",
        stream=RegionStateV1.STREAM,
        types=(RegionStateV1,),
        handle=handle_regions,
        reset=projections.forget_regions,
    ),
    Subscription(
        name="registry-families",
        stream=FamilyStateV1.STREAM,
        types=(FamilyStateV1,),
        handle=handle_families,
        reset=projections.forget_families,
    ),
    Subscription(
        name="registry-identities",
        stream=PersonIdentityV1.STREAM,
        types=(PersonIdentityV1,),
        handle=handle_identities,
        reset=projections.forget_identities,
    ),
)
