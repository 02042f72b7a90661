"""Handing over and taking back. One door for sessions, one for agencies' reports, one writer.

Entitlements are locked in one order for everybody before anything is decided, so two officers who
hand over the same entitlement at once see each other's numbers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from uuid import UUID

from services.distribution.actions.caller import Caller
from services.distribution.actions.entitlements import numbers, tell_states, with_numbers
from services.distribution.actions.telling import delivery_completed, delivery_returned
from services.distribution.domain import errors
from services.distribution.domain.blocks import blocks
from services.distribution.domain.cycles import check_open
from services.distribution.domain.deliveries import (
    ReceivedBy,
    check_day,
    check_not_future,
    check_proof,
    check_receiver,
)
from services.distribution.domain.entitlements import Entitlement, hand_over, take_back
from services.distribution.domain.ledger import Entry, EntryKind
from services.distribution.storage import deliveries, entitlements, ledger, sessions
from services.distribution.storage.ledger import Posting
from services.distribution.storage.sight import Sight
from services.shared import clock
from services.shared.db import Lane, Transaction

Row = Mapping[Any, Any]


@dataclass(frozen=True, slots=True)
class Handover:
    """One handover as it is reported. ``id`` is made by who reports it."""

    id: UUID
    entitlement_id: UUID
    quantity: int
    delivered_on: date
    received_by: str = ReceivedBy.SELF.value
    receiver_name: str | None = None
    receiver_relation: str | None = None
    serial_number: str | None = None
    proof_upload_id: UUID | None = None
    proof_sha256: str | None = None
    note: str | None = None
    agency: str | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What a handover did to its entitlement."""

    id: UUID
    entitlement_id: UUID
    value_idr: int
    remaining: int


class _Desk:
    """What is known while handovers are decided one after another."""

    def __init__(self, tx: Transaction, found: Mapping[UUID, Row], taken: set[UUID]) -> None:
        self.tx = tx
        self.found = found
        self.now_there: dict[UUID, Entitlement] = {}
        self.used = set(taken)
        self.rows: list[dict[str, Any]] = []
        self.results: list[Result] = []

    def take(self, handover: Handover, row: Row, *, session_id: UUID | None, by: str) -> None:
        """Decide one handover and keep its row, or raise why it cannot be."""
        if handover.id in self.used:
            raise errors.IdTaken(what="delivery", id=str(handover.id))
        before = self.now_there.get(row["id"]) or numbers(row)
        stopped_by = blocks(entitlements.standing(row))
        after = hand_over(before, handover.quantity, blocked_by=stopped_by)
        self.used.add(handover.id)
        self.now_there[row["id"]] = after
        value_idr = handover.quantity * after.unit_value_idr
        self.rows.append(
            {
                "id": handover.id,
                "entitlement_id": row["id"],
                "session_id": session_id,
                **{
                    name: row[name]
                    for name in (
                        "cycle_id", "program_id", "enrolment_id", "family_id", "person_id",
                        "region_code", "sensitive",
                    )
                },
                "unit": row["benefit"]["unit"],
                "value_idr": value_idr,
                **{
                    name: getattr(handover, name)
                    for name in (
                        "agency", "quantity", "received_by", "receiver_name", "receiver_relation",
                        "serial_number", "proof_upload_id", "proof_sha256", "delivered_on", "note",
                    )
                },
                "recorded_by": by,
                "recorded_at": self.tx.now,
            }
        )  # fmt: skip
        self.results.append(Result(handover.id, row["id"], value_idr, after.remaining))

    async def write(self, by: str, lane: Lane) -> None:
        """Write rows, entitlements, ledger entries and events of what was taken."""
        tx = self.tx
        if not self.rows:
            return
        await deliveries.add_many(tx, self.rows)
        after = [with_numbers(self.found[id_], state) for id_, state in self.now_there.items()]
        await entitlements.change_many(tx, [_change(row) for row in after])
        await ledger.append(
            tx,
            [
                Posting(
                    row["program_id"],
                    self.found[row["entitlement_id"]]["year"],
                    Entry(EntryKind.DELIVER, row["value_idr"], row["quantity"]),
                    row["delivered_on"],
                    by,
                    entitlement_id=row["entitlement_id"],
                    delivery_id=row["id"],
                )
                for row in self.rows
            ],
        )
        await tell_states(tx, after, lane)
        facts = [
            delivery_completed(
                {**row, "owner_code": self.found[row["entitlement_id"]]["owner_code"]}
            )
            for row in self.rows
        ]
        if lane is Lane.BULK:
            await tx.emit_many((fact, 1) for fact in facts)
        else:
            for fact in facts:
                tx.emit(fact)


async def deliver(
    tx: Transaction,
    caller: Caller,
    session_id: UUID,
    handovers: Sequence[Handover],
    *,
    batch: bool,
) -> list[Result]:
    """Hand over in a session: all of ``handovers`` or none.

    One alone raises its own error and needs a photo for goods; a batch raises ``BatchRefused``
    with every row that cannot be.
    """
    session = await sessions.get(tx, caller.sight, session_id, lock="use")
    caller.require_hands(session)
    if session["status"] != "open":
        raise errors.SessionClosed
    check_open(session["cycle_status"])
    found = await entitlements.load(
        tx, caller.sight, sorted({one.entitlement_id for one in handovers}), lock=True
    )
    desk = _Desk(tx, found, await deliveries.taken(tx, [one.id for one in handovers]))
    proofs = await _proofs(tx, caller, handovers)
    refused: list[tuple[int, errors.DomainError]] = []
    for place, handover in enumerate(handovers):
        try:
            row = found.get(handover.entitlement_id)
            if row is None:
                raise errors.NotFound(what="entitlement", id=str(handover.entitlement_id))
            if row["cycle_id"] != session["cycle_id"]:
                raise errors.SessionOfAnotherCycle
            checked = _check(handover, row, proofs, photo_required=not batch)
            desk.take(checked, row, session_id=session_id, by=caller.id)
        except errors.DomainError as error:
            refused.append((place, error))
    if refused and not batch:
        raise refused[0][1]
    if refused:
        raise errors.BatchRefused(rows=refused)
    await desk.write(caller.id, Lane.BULK if batch else Lane.INTERACTIVE)
    tx.audit(
        "deliveries.recorded",
        f"session/{session_id}",
        {"deliveries": [str(one.id) for one in handovers]},
        caller.id,
    )
    return desk.results


async def take_reports(tx: Transaction, reports: Sequence[Handover]) -> None:
    """Take agencies' reports of their own handovers; raise the error of the first that cannot be.

    ``agency`` is the account that spoke, in lower case. It must own the program; of a sensitive
    program of others it learns nothing.
    """
    found = await entitlements.load(
        tx, Sight.everything(), sorted({one.entitlement_id for one in reports}), lock=True
    )
    desk = _Desk(tx, found, await deliveries.taken(tx, [one.id for one in reports]))
    for report in reports:
        row = found.get(report.entitlement_id)
        own = row is not None and row["owner_code"].lower() == report.agency
        if row is None or (row["sensitive"] and not own):
            raise errors.NotFound(what="entitlement", id=str(report.entitlement_id))
        if not own:
            raise errors.NotYourProgram(owner_code=row["owner_code"])
        check_open(row["cycle_status"])
        check_day(report.delivered_on, opens_on=row["opens_on"], today=clock.today())
        desk.take(report, row, session_id=None, by=f"skpd/{report.agency}")
    await desk.write("skpd", Lane.BULK)
    for report in reports:
        tx.audit(
            "delivery.reported",
            f"delivery/{report.id}",
            {"entitlement_id": str(report.entitlement_id)},
            f"skpd/{report.agency}",
        )


async def give_back(
    tx: Transaction,
    caller: Caller,
    delivery_id: UUID,
    *,
    return_id: UUID,
    quantity: int,
    reason: str,
    returned_on: date,
) -> Result:
    """Record that ``quantity`` units of a delivery came back; they are reserved again."""
    delivery = await deliveries.get(tx, caller.sight, delivery_id)
    if delivery is None:
        raise errors.NotFound(what="delivery", id=str(delivery_id))
    caller.require_hands(delivery)
    await entitlements.hold_still(tx)
    # The entitlement's lock stands for all deliveries and returns on it.
    found = await entitlements.load(tx, Sight.everything(), [delivery["entitlement_id"]], lock=True)
    row = found[delivery["entitlement_id"]]
    if await deliveries.return_taken(tx, return_id):
        raise errors.IdTaken(what="return", id=str(return_id))
    check_not_future(returned_on, today=clock.today())
    after = take_back(
        numbers(row),
        quantity,
        delivered=delivery["quantity"],
        returned_before=await deliveries.returned(tx, delivery_id),
    )
    value_idr = quantity * after.unit_value_idr
    back = {
        "id": return_id,
        "delivery_id": delivery_id,
        "quantity": quantity,
        "value_idr": value_idr,
        "reason": reason,
        "returned_on": returned_on,
        "recorded_by": caller.id,
        "recorded_at": tx.now,
    }
    await deliveries.add_return(tx, back)
    await entitlements.change_many(tx, [_change(with_numbers(row, after))])
    # It is open again: the recipient may have moved since it was closed.
    moved = await entitlements.follow(tx, enrolment_ids=[row["enrolment_id"]])
    changed = await entitlements.load(tx, Sight.everything(), [row["id"], *moved])
    posting = Posting(
        row["program_id"],
        row["year"],
        Entry(EntryKind.RETURN, value_idr, quantity),
        returned_on,
        caller.id,
        entitlement_id=row["id"],
        delivery_id=delivery_id,
        return_id=return_id,
        reason=reason,
    )
    await ledger.append(tx, [posting])
    await tell_states(tx, changed.values(), Lane.INTERACTIVE)
    tx.emit(delivery_returned(back, delivery))
    tx.audit("delivery.returned", f"delivery/{delivery_id}", {"quantity": quantity}, caller.id)
    return Result(return_id, row["id"], value_idr, after.remaining)


def _change(row: Row) -> tuple[UUID, int, int, str, str | None]:
    return row["id"], row["quantity"], row["delivered_quantity"], row["status"], None


async def _proofs(
    tx: Transaction, caller: Caller, handovers: Sequence[Handover]
) -> Mapping[UUID, str]:
    """Return the hash of each named upload that is complete and the caller's or its agency's."""
    wanted = sorted({one.proof_upload_id for one in handovers if one.proof_upload_id is not None})
    found = await deliveries.proofs(tx, wanted)
    return {
        id_: upload["sha256"].hex()
        for id_, upload in found.items()
        if upload["owner"] == caller.id
        or (caller.agency is not None and upload["agency"] == caller.agency)
    }


def _check(
    handover: Handover, row: Row, proofs: Mapping[UUID, str], *, photo_required: bool
) -> Handover:
    """Check day, receiver and proof; return the handover with the hash of its proof."""
    check_day(handover.delivered_on, opens_on=row["opens_on"], today=clock.today())
    check_receiver(handover.received_by, handover.receiver_name, handover.receiver_relation)
    upload_id = handover.proof_upload_id
    if upload_id is None:
        if handover.proof_sha256 is not None:
            raise errors.ProofMissing(upload_id=None)
        if photo_required:
            check_proof(benefit_kind=row["benefit"]["kind"], has_proof=False)
        return handover
    sha256 = proofs.get(upload_id)
    if sha256 is None or handover.proof_sha256 not in (None, sha256):
        raise errors.ProofMissing(upload_id=str(upload_id))
    return replace(handover, proof_sha256=sha256)
