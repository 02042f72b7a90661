"""What happens when registry and programs tell a state: keep it, and let open aid follow."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from services.distribution.actions.ledger import follow_ceilings
from services.distribution.actions.telling import entitlement_state
from services.distribution.storage import entitlements, projections
from services.distribution.storage.sight import Sight
from services.shared.db import Lane, Transaction

Told = Sequence[dict[str, Any]]

LOAD_MAX = 5_000
"""Ids per statement when changed entitlements are read back."""


async def apply_regions(tx: Transaction, regions: Told) -> None:
    """Keep region names."""
    await projections.save_regions(tx, regions)


async def apply_programs(tx: Transaction, programs: Told, years: Told) -> None:
    """Keep programs and years; a changed ceiling is entered into the ledger."""
    written = await projections.save_programs(tx, programs, years)
    await follow_ceilings(tx, written)


async def apply_enrolments(tx: Transaction, enrolments: Told) -> None:
    """Keep enrolments; whether a handover is blocked is computed from them when it happens."""
    await entitlements.may_move(tx)
    written = await projections.save_enrolments(tx, enrolments)
    await _tell(tx, await entitlements.follow(tx, enrolment_ids=written))


async def apply_families(tx: Transaction, families: Told, members: Told) -> None:
    """Keep families and members; entitlements go with the person and with the family's home."""
    await entitlements.may_move(tx)
    written, moved = await projections.save_families(tx, families, members)
    changed = await entitlements.follow(tx, family_ids=written, person_ids=moved)
    await _tell(tx, changed)


async def apply_identities(tx: Transaction, persons: Told) -> None:
    """Keep identities, or blank them when they were erased."""
    await projections.save_persons(tx, persons)


async def _tell(tx: Transaction, ids: Sequence[UUID]) -> None:
    for start in range(0, len(ids), LOAD_MAX):
        rows = await entitlements.load(tx, Sight.everything(), ids[start : start + LOAD_MAX])
        states = ((entitlement_state(row), row["version"]) for row in rows.values())
        await tx.emit_many(states, lane=Lane.BULK)


async def forget_regions(tx: Transaction) -> None:
    """Empty the projection before its stream is read anew."""
    await projections.empty(tx, "regions")


async def forget_programs(tx: Transaction) -> None:
    """As ``forget_regions``. The ledger stays: it is ours."""
    await projections.empty(tx, "programs", "program_years")


async def forget_enrolments(tx: Transaction) -> None:
    """As ``forget_regions``. Until an enrolment is told again its handover is refused."""
    await projections.empty(tx, "enrolments")


async def forget_families(tx: Transaction) -> None:
    """As ``forget_regions``."""
    await projections.empty(tx, "families", "family_members")


async def forget_identities(tx: Transaction) -> None:
    """As ``forget_regions``."""
    await projections.empty(tx, "persons")
