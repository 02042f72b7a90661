"""Changes that people make to a family."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from uuid import UUID

from services.registry.actions.states import emit_states
from services.registry.domain.errors import FamilyNotFoundError, RegionNotFoundError
from services.registry.domain.families import check_correction
from services.registry.domain.regions import is_village
from services.registry.storage import families as storage
from services.registry.storage import regions
from services.shared.auth import Actor
from services.shared.db import Lane, Transaction


async def correct_domicile(
    tx: Transaction,
    actor: Actor,
    family_id: UUID,
    given: Mapping[str, str | None],
    *,
    day: date,
    reason: str,
    check_version: Callable[[int], None],
) -> int:
    """Change address, RT, RW or region from ``day`` on; return the family's new version.

    ``given`` names only what changes. ``check_version`` raises when the caller saw another
    version. Both regions must lie in the caller's scope: nobody moves a family out of sight.
    """
    row = await storage.locked(tx, family_id, actor.scope)
    if row is None:
        raise FamilyNotFoundError
    check_version(row.version)
    present = storage.domicile_of(row)
    after = replace(present, **given)  # type: ignore[arg-type]  # the request's model typed it
    check_correction(row.status, present, after)
    moves = after.region_code != present.region_code
    if moves:
        region = await regions.find(tx, after.region_code)
        if (
            region is None
            or not is_village(region["level"])
            or not actor.scope.allows(after.region_code)
        ):
            raise RegionNotFoundError
    await storage.move(tx, row, after, day=day, reason=reason, actor=actor.id)
    # The identity events name the region, so a move is news of every member as well.
    members = await storage.member_ids(tx, family_id) if moves else []
    if members:
        await storage.touch_persons(tx, members)
    await emit_states(tx, [family_id], members, lane=Lane.INTERACTIVE)
    payload = {"reason": reason, "changed": sorted(given)}
    tx.audit("correct_domicile", f"family/{family_id}", payload, actor.id)
    return row.version
