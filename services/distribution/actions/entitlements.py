"""Making entitlements from granted enrolments, and giving up what nobody fetched."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.distribution.actions import ledger as books
from services.distribution.actions.caller import Caller
from services.distribution.actions.ledger import Movement
from services.distribution.actions.telling import entitlement_state
from services.distribution.domain.blocks import Standing, blocks
from services.distribution.domain.cycles import Benefit, benefit_of, check_open
from services.distribution.domain.entitlements import Entitlement, EntitlementStatus, void_rest
from services.distribution.domain.errors import NotFound
from services.distribution.storage import cycles, entitlements, ledger
from services.distribution.storage.sight import Sight
from services.shared.db import Lane, Transaction
from services.shared.ids import new_id

CYCLE_CLOSED = "cycle_closed"
"""The reason kept with entitlements that a closing cycle released."""


@dataclass(frozen=True, slots=True)
class Generated:
    """What a generation did. ``unbudgeted_idr`` is what no known ceiling carries."""

    created: int
    blocked: int
    reserved_idr: int
    unbudgeted_idr: int


async def generate(tx: Transaction, caller: Caller, cycle_id: UUID) -> Generated:
    """Entitle every granted enrolment of the cycle's program and year that is not yet.

    Who is blocked (died, moved away) is left out and taken by a later generation when the block
    is gone. All or nothing: a known ceiling that does not suffice refuses the whole generation.
    """
    cycle = await cycles.get(tx, caller.sight, cycle_id)
    caller.require_manager(cycle)
    await entitlements.hold_still(tx)
    # Before the candidates are read: two generations at once would both see them as new.
    await ledger.lock_book(tx, cycle["program_id"], cycle["year"])
    cycle = await cycles.get(tx, caller.sight, cycle_id, lock=True)
    check_open(cycle["status"])
    told = cycle["benefit"]
    benefit = benefit_of(
        Benefit(told["quantity"], told["unit_value_idr"]),
        cycle["quantity"],
        cycle["unit_value_idr"],
    )
    found = await entitlements.candidates(
        tx,
        program_id=cycle["program_id"],
        year=cycle["year"],
        opens_on=cycle["opens_on"],
        closes_on=cycle["closes_on"],
        cycle_id=cycle_id,
    )
    rows = [_row(tx, cycle, benefit, one) for one in found if not blocks(_standing(one))]
    await entitlements.add_many(
        tx, (tuple(row[name] for name in entitlements.COLUMNS) for row in rows)
    )
    value_idr = benefit.quantity * (benefit.unit_value_idr or 0)
    movements = [Movement(row["id"], benefit.quantity, value_idr) for row in rows]
    unbudgeted = await books.reserve(tx, cycle["program_id"], cycle["year"], movements, caller.id)
    await tx.emit_many(((entitlement_state(row), 1) for row in rows), lane=Lane.BULK)
    result = Generated(
        created=len(rows),
        blocked=len(found) - len(rows),
        reserved_idr=value_idr * len(rows),
        unbudgeted_idr=unbudgeted,
    )
    tx.audit("entitlements.generated", f"cycle/{cycle_id}", {"created": result.created}, caller.id)
    return result


async def void(tx: Transaction, caller: Caller, entitlement_id: UUID, reason: str) -> None:
    """Give up what is left of one entitlement; what was handed over stays."""
    known = (await entitlements.load(tx, caller.sight, [entitlement_id])).get(entitlement_id)
    if known is None:
        raise NotFound(what="entitlement", id=str(entitlement_id))
    caller.require_manager(known)
    # The book before the row: the order of everybody who decides by the budget.
    await ledger.lock_book(tx, known["program_id"], known["year"])
    row = (await entitlements.load(tx, Sight.everything(), [entitlement_id], lock=True))[
        entitlement_id
    ]
    after, released = void_rest(numbers(row))
    await _write_voids(tx, caller, [(row, after, released)], reason, Lane.INTERACTIVE)
    tx.audit(
        "entitlement.voided",
        f"entitlement/{entitlement_id}",
        {"released": released, "reason": reason},
        caller.id,
    )


async def release_open(tx: Transaction, caller: Caller, cycle: Mapping[Any, Any]) -> int:
    """Give up everything that is left in a cycle; return how many entitlements that were."""
    rows = await entitlements.open_of_cycle(tx, cycle["id"])
    voids = [(row, *void_rest(numbers(row))) for row in rows]
    await _write_voids(tx, caller, voids, CYCLE_CLOSED, Lane.BULK)
    return len(voids)


def numbers(row: Mapping[Any, Any]) -> Entitlement:
    """Return what decides about a row."""
    return Entitlement(
        quantity=row["quantity"],
        unit_value_idr=row["unit_value_idr"],
        delivered_quantity=row["delivered_quantity"],
        void=row["status"] == EntitlementStatus.VOID,
    )


def with_numbers(row: Mapping[Any, Any], after: Entitlement) -> dict[str, Any]:
    """Return the row as it stands after a decision, its version counted up."""
    return {
        **row,
        "quantity": after.quantity,
        "delivered_quantity": after.delivered_quantity,
        "status": after.status.value,
        "version": row["version"] + 1,
    }


async def _write_voids(
    tx: Transaction,
    caller: Caller,
    voids: Sequence[tuple[Mapping[Any, Any], Entitlement, int]],
    reason: str,
    lane: Lane,
) -> None:
    if not voids:
        return
    await entitlements.change_many(
        tx,
        [
            (row["id"], after.quantity, after.delivered_quantity, after.status.value, reason)
            for row, after, _ in voids
        ],
    )
    movements = [
        Movement(row["id"], released, released * row["unit_value_idr"])
        for row, _, released in voids
    ]
    program_id, year = voids[0][0]["program_id"], voids[0][0]["year"]
    await books.release(tx, program_id, year, movements, by=caller.id, reason=reason)
    after_rows = [with_numbers(row, after) for row, after, _ in voids]
    await tell_states(tx, after_rows, lane)


async def tell_states(tx: Transaction, rows: Iterable[Mapping[Any, Any]], lane: Lane) -> None:
    """Emit the states of entitlement rows."""
    if lane is Lane.INTERACTIVE:
        for row in rows:
            tx.emit(entitlement_state(row), version=row["version"], lane=lane)
    else:
        await tx.emit_many(((entitlement_state(row), row["version"]) for row in rows), lane=lane)


def _standing(candidate: Mapping[Any, Any]) -> Standing:
    return Standing(
        enrolment_status="granted",
        family_status=candidate["family_status"],
        for_person=candidate["person_id"] is not None,
        presence=candidate["presence"],
        match_status=candidate["match_status"],
    )


def _row(
    tx: Transaction, cycle: Mapping[Any, Any], benefit: Benefit, candidate: Mapping[Any, Any]
) -> dict[str, Any]:
    return {
        "id": new_id(),
        "cycle_id": cycle["id"],
        "program_id": cycle["program_id"],
        "enrolment_id": candidate["enrolment_id"],
        "year": cycle["year"],
        "family_id": candidate["family_id"],
        "person_id": candidate["person_id"],
        "region_code": candidate["region_code"],
        "quantity": benefit.quantity,
        "unit_value_idr": benefit.unit_value_idr,
        "delivered_quantity": 0,
        "due_on": cycle["closes_on"],
        "status": EntitlementStatus.RESERVED.value,
        "sensitive": cycle["sensitive"] or candidate["sensitive"],
        "owner_code": cycle["owner_code"],
        "version": 1,
        "created_at": tx.now,
        "updated_at": tx.now,
    }
