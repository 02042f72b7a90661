"""What is done when others report: keep the newest state, add the fact, bring the tallies after.

Each function does a whole batch in the transaction it is given and ends by counting the commit.
"""

from collections.abc import Sequence
from datetime import datetime

from services.indicators.domain.projections import (
    CycleState,
    Delivery,
    EnrolmentState,
    EntitlementState,
    FamilyState,
    OrganisationState,
    ProgramState,
    RegionState,
    Return,
)
from services.indicators.domain.reach import Topic
from services.indicators.storage import projections, sources, tallies
from services.shared.db import Transaction


async def keep_regions(tx: Transaction, states: Sequence[RegionState], told_at: datetime) -> None:
    """Follow the region tree."""
    await projections.save_regions(tx, states)
    await sources.touch(tx, Topic.REGIONS, told_at)


async def keep_families(tx: Transaction, states: Sequence[FamilyState], told_at: datetime) -> None:
    """Follow families: place, rank, end."""
    await projections.save_families(tx, states)
    await sources.touch(tx, Topic.FAMILIES, told_at)


async def keep_organisations(
    tx: Transaction, states: Sequence[OrganisationState], told_at: datetime
) -> None:
    """Follow organisations."""
    await projections.save_organisations(tx, states)
    await sources.touch(tx, Topic.ORGANISATIONS, told_at)


async def keep_programs(tx: Transaction, states: Sequence[ProgramState], told_at: datetime) -> None:
    """Follow programs with their years."""
    await projections.save_programs(tx, states)
    await sources.touch(tx, Topic.PROGRAMS, told_at)


async def keep_enrolments(
    tx: Transaction, states: Sequence[EnrolmentState], told_at: datetime
) -> None:
    """Follow enrolments."""
    await projections.save_enrolments(tx, states)
    await sources.touch(tx, Topic.ENROLMENTS, told_at)


async def keep_cycles(tx: Transaction, states: Sequence[CycleState], told_at: datetime) -> None:
    """Follow cycles; aid of a cycle whose budget year changed moves with it."""
    await tallies.hold(tx)
    await tallies.recompute(tx, await projections.save_cycles(tx, states))
    await sources.touch(tx, Topic.CYCLES, told_at)


async def keep_entitlements(
    tx: Transaction, states: Sequence[EntitlementState], told_at: datetime
) -> None:
    """Follow entitlements."""
    await tallies.hold(tx)
    await tallies.recompute(tx, await projections.save_entitlements(tx, states))
    await sources.touch(tx, Topic.ENTITLEMENTS, told_at)


async def count_handovers(
    tx: Transaction,
    deliveries: Sequence[tuple[Delivery, datetime]],
    returns: Sequence[tuple[Return, datetime]],
) -> None:
    """Add deliveries and returns, each with the time it was told. Repeated ones change nothing."""
    await tallies.hold(tx)
    if deliveries:
        await projections.save_deliveries(tx, [fact for fact, _ in deliveries])
    if returns:
        await projections.save_returns(tx, [fact for fact, _ in returns])
    facts: list[tuple[Delivery | Return, datetime]] = [*deliveries, *returns]
    await tallies.recompute(tx, {(fact.family_id, fact.program_id) for fact, _ in facts})
    await sources.touch_programs(tx, [(fact.program_id, at) for fact, at in facts])
    await sources.touch(tx, Topic.DELIVERIES, max(at for _, at in facts))


async def forget_registry(tx: Transaction) -> None:
    """Empty regions and families for a rebuild."""
    await projections.forget_registry(tx)


async def forget_programs(tx: Transaction) -> None:
    """Empty organisations, programs and enrolments for a rebuild."""
    await projections.forget_programs(tx)


async def forget_states(tx: Transaction) -> None:
    """Empty entitlements for a rebuild; tallies then rest on deliveries alone."""
    await tallies.hold(tx)
    await projections.forget_states(tx)
    await tallies.recompute_all(tx)


async def forget_facts(tx: Transaction) -> None:
    """Empty deliveries and returns for a rebuild; tallies then rest on entitlements alone."""
    await tallies.hold(tx)
    await projections.forget_facts(tx)
    await tallies.recompute_all(tx)
