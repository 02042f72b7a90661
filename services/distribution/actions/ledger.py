"""The books: following ceilings, reserving, releasing, and the treasury's orders beside them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from services.distribution.actions.caller import Caller
from services.distribution.domain.deliveries import check_not_future
from services.distribution.domain.ledger import (
    Entry,
    EntryKind,
    change_ceiling,
    fund,
    settle,
)
from services.distribution.storage import cycles, ledger
from services.distribution.storage.ledger import Posting
from services.shared import clock
from services.shared.db import Transaction
from services.shared.ids import new_id

SERVICE = "distribution"
"""Who entered what followed from an event."""


@dataclass(frozen=True, slots=True)
class Movement:
    """Units of one entitlement and their value, to be reserved or released."""

    entitlement_id: UUID
    units: int
    amount_idr: int


async def follow_ceilings(tx: Transaction, program_ids: list[UUID]) -> None:
    """Enter what makes the appropriations of these programs equal to their ceilings."""
    for program_id, year, ceiling_idr in await ledger.changed_ceilings(tx, program_ids):
        await ledger.lock_book(tx, program_id, year)
        balances = await ledger.balances(tx, program_id, year)
        entries = change_ceiling(balances, ceiling_idr)
        await _enter(tx, program_id, year, entries, SERVICE)


async def reserve(
    tx: Transaction, program_id: UUID, year: int, movements: Sequence[Movement], by: str
) -> int:
    """Reserve for new entitlements; return the rupiah that no known ceiling carries.

    The caller holds ``ledger.lock_book``. Raise ``CeilingExceeded`` with both numbers.
    """
    needed = sum(movement.amount_idr for movement in movements)
    ceiling_idr = await ledger.ceiling(tx, program_id, year)
    balances = await ledger.balances(tx, program_id, year)
    advance = fund(balances, needed_idr=needed, ceiling_known=ceiling_idr is not None)
    await _enter(tx, program_id, year, advance, by)
    await ledger.append(tx, _postings(tx, (program_id, year), EntryKind.RESERVE, movements, by=by))
    return sum(entry.amount_idr for entry in advance)


async def release(
    tx: Transaction,
    program_id: UUID,
    year: int,
    movements: Sequence[Movement],
    *,
    by: str,
    reason: str,
) -> None:
    """Give reserved units back to the budget, which first carries what had no budget.

    The caller holds ``ledger.lock_book``.
    """
    await ledger.append(
        tx, _postings(tx, (program_id, year), EntryKind.RELEASE, movements, by=by, reason=reason)
    )
    await _enter(tx, program_id, year, settle(await ledger.balances(tx, program_id, year)), by)


async def record_order(
    tx: Transaction,
    caller: Caller,
    *,
    program_id: UUID,
    year: int,
    number: str,
    ordered_on: date,
    amount_idr: int,
    note: str | None,
) -> UUID:
    """Record a disbursement order (SP2D): a figure beside the ledger, never part of it."""
    program = await cycles.program(tx, caller.sight, program_id)
    caller.require_manager(program)
    check_not_future(ordered_on, today=clock.today())
    order_id = new_id()
    await ledger.add_order(
        tx,
        {
            "id": order_id,
            "program_id": program_id,
            "year": year,
            "number": number,
            "ordered_on": ordered_on,
            "amount_idr": amount_idr,
            "note": note,
            "recorded_by": caller.id,
            "recorded_at": tx.now,
        },
    )
    tx.audit(
        "disbursement_order.recorded",
        f"disbursement_order/{order_id}",
        {"program_id": str(program_id), "year": year, "number": number, "amount_idr": amount_idr},
        caller.id,
    )
    return order_id


async def _enter(
    tx: Transaction, program_id: UUID, year: int, entries: Iterable[Entry], by: str
) -> None:
    day = clock.local(tx.now).date()
    await ledger.append(tx, [Posting(program_id, year, entry, day, by) for entry in entries])


def _postings(
    tx: Transaction,
    book: tuple[UUID, int],
    kind: EntryKind,
    movements: Iterable[Movement],
    *,
    by: str,
    reason: str | None = None,
) -> list[Posting]:
    day = clock.local(tx.now).date()
    return [
        Posting(
            *book,
            Entry(kind, movement.amount_idr, movement.units),
            day,
            by,
            entitlement_id=movement.entitlement_id,
            reason=reason,
        )
        for movement in movements
    ]
