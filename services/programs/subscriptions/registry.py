"""What registry tells: families with their members, regions, and persons' identities."""

from collections.abc import Sequence
from typing import Any

from services.contracts.registry import (
    ConditionV1,
    FamilyStateV1,
    PersonIdentityV1,
    RegionStateV1,
)
from services.programs.actions.projection import (
    FamilyTold,
    IdentityTold,
    MemberTold,
    RegionState,
    forget_families,
    forget_persons,
    keep_families,
    keep_persons,
    keep_regions,
)
from services.programs.domain.facts import Rank
from services.shared.db import Transaction
from services.shared.events import Received
from services.shared.inbox import Subscription


async def handle_families(tx: Transaction, events: Sequence[Received[Any]]) -> None:
    """Project regions and families."""
    regions = [event for event in events if isinstance(event.data, RegionStateV1)]
    families = [event for event in events if isinstance(event.data, FamilyStateV1)]
    await keep_regions(tx, [_region(event) for event in regions])
    await keep_families(tx, [_family(event) for event in families])


async def handle_identities(tx: Transaction, events: Sequence[Received[Any]]) -> None:
    """Project identities; an erased one leaves only its id and guard."""
    await keep_persons(tx, [_identity(event) for event in events])


def _region(event: Received[RegionStateV1]) -> RegionState:
    data = event.data
    return RegionState(
        data.code, data.name, data.level, data.parent_code, event.epoch, event.version
    )


def _family(event: Received[FamilyStateV1]) -> FamilyTold:
    data = event.data
    return FamilyTold(
        family_id=data.family_id,
        household_id=data.household_id,
        region_code=data.region_code,
        status=data.status,
        merged=data.survivor_id is not None,
        members=[
            MemberTold(
                person_id=member.person_id,
                sex=member.sex,
                birth_month=member.birth_month,
                presence=member.presence,
                answers=_answers(member.condition),
            )
            for member in data.members
        ],
        dwelling=_answers(data.dwelling),
        ranks=[
            Rank(rank.period, rank.source, rank.low, rank.high, rank.as_of) for rank in data.ranks
        ],
        synthetic=data.synthetic,
        epoch=event.epoch,
        version=event.version,
    )


def _answers(condition: ConditionV1 | None) -> dict[str, int]:
    return {} if condition is None else condition.values


def _identity(event: Received[PersonIdentityV1]) -> IdentityTold:
    data = PersonIdentityV1(person_id=event.data.person_id) if event.data.erased else event.data
    return IdentityTold(
        person_id=data.person_id,
        family_id=data.family_id,
        region_code=data.region_code,
        name=data.name,
        birth_date=data.birth_date,
        sex=data.sex,
        nik_index=data.nik_index,
        nik_masked=data.nik_masked,
        nik_sealed=data.nik_sealed,
        kk_index=data.kk_index,
        kk_masked=data.kk_masked,
        index_key_version=data.index_key_version,
        epoch=event.epoch,
        version=event.version,
    )


FAMILIES = Subscription(
    name="families",
    stream=FamilyStateV1.STREAM,
    types=(FamilyStateV1, RegionStateV1),
    handle=handle_families,
    reset=forget_families,
)
IDENTITIES = Subscription(
    name="identities",
    stream=PersonIdentityV1.STREAM,
    types=(PersonIdentityV1,),
    handle=handle_identities,
    reset=forget_persons,
)
