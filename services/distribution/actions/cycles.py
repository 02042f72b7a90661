"""Opening, changing and closing a cycle (tahap)."""

from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID

from services.distribution.actions.caller import Caller
from services.distribution.actions.entitlements import release_open
from services.distribution.actions.telling import cycle_state
from services.distribution.domain.cycles import (
    CycleStatus,
    check_benefit_change,
    check_dates,
    check_open,
    check_program,
)
from services.distribution.domain.errors import NameTaken
from services.distribution.storage import cycles, ledger
from services.shared.db import Transaction
from services.shared.ids import new_id

CheckVersion = Callable[[int], None]
"""Gets the version of the locked row; raises when the caller knew another one."""


async def open_cycle(
    tx: Transaction,
    caller: Caller,
    *,
    program_id: UUID,
    name: str,
    year: int,
    opens_on: date,
    closes_on: date,
    quantity: int | None,
    unit_value_idr: int | None,
) -> UUID:
    """Open a cycle of a running program in one of its budget years."""
    program = await cycles.program(tx, caller.sight, program_id)
    caller.require_manager(program)
    check_dates(opens_on, closes_on)
    check_program(program["status"], await cycles.planned_years(tx, program_id), year)
    cycle_id = new_id()
    row = {
        "id": cycle_id,
        "program_id": program_id,
        "name": name,
        "year": year,
        "opens_on": opens_on,
        "closes_on": closes_on,
        "quantity": quantity,
        "unit_value_idr": unit_value_idr,
        "status": CycleStatus.OPEN.value,
        "version": 1,
        "created_by": caller.id,
        "created_at": tx.now,
    }
    await cycles.add(tx, row)
    tx.emit(cycle_state(row, program), version=1)
    tx.audit("cycle.opened", f"cycle/{cycle_id}", {"program_id": str(program_id)}, caller.id)
    return cycle_id


async def change_cycle(
    tx: Transaction,
    caller: Caller,
    cycle_id: UUID,
    changes: dict[str, Any],
    check_version: CheckVersion,
) -> None:
    """Change name, dates, or (before anybody is entitled) quantity and unit value."""
    cycle = await cycles.get(tx, caller.sight, cycle_id, lock=True)
    caller.require_manager(cycle)
    check_version(cycle["version"])
    check_open(cycle["status"])
    after = {**cycle, **changes}
    check_dates(after["opens_on"], after["closes_on"])
    if any(after[field] != cycle[field] for field in ("quantity", "unit_value_idr")):
        check_benefit_change(entitled=await cycles.entitled(tx, cycle_id))
    if await cycles.name_taken(tx, cycle_id, cycle["program_id"], after["name"]):
        raise NameTaken(name=after["name"])
    await cycles.change(tx, cycle_id, changes)
    version = cycle["version"] + 1
    tx.emit(cycle_state(after, cycle), version=version)
    tx.audit("cycle.changed", f"cycle/{cycle_id}", {"fields": sorted(changes)}, caller.id)


async def close_cycle(
    tx: Transaction,
    caller: Caller,
    cycle_id: UUID,
    *,
    release_rest: bool,
    check_version: CheckVersion,
) -> int:
    """Close for good; with ``release_rest`` give what nobody fetched back to the budget.

    Return how many entitlements were released.
    """
    cycle = await cycles.get(tx, caller.sight, cycle_id)
    # The book is locked before any row, here as everywhere, so that nobody waits in a circle.
    await ledger.lock_book(tx, cycle["program_id"], cycle["year"])
    cycle = await cycles.get(tx, caller.sight, cycle_id, lock=True)
    caller.require_manager(cycle)
    check_version(cycle["version"])
    check_open(cycle["status"])
    await cycles.change(tx, cycle_id, {"status": CycleStatus.CLOSED.value})
    closed = {**cycle, "status": CycleStatus.CLOSED.value}
    tx.emit(cycle_state(closed, cycle), version=cycle["version"] + 1)
    released = await release_open(tx, caller, cycle) if release_rest else 0
    tx.audit("cycle.closed", f"cycle/{cycle_id}", {"released": released}, caller.id)
    return released
