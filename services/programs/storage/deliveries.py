"""What distribution delivered for enrolments: writes under the guard, and sums."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import delete, func, select

from services.programs.storage.projection_tables import ENTITLEMENTS
from services.shared.db import ReadTransaction, Transaction


@dataclass(frozen=True, slots=True)
class EntitlementState:
    """An entitlement as distribution told it."""

    entitlement_id: UUID
    enrolment_id: UUID
    status: str
    quantity: int
    delivered_quantity: int
    delivered_value_idr: int
    epoch: int
    version: int


@dataclass(frozen=True, slots=True)
class Delivered:
    """The sums over an enrolment's entitlements, void ones left out."""

    entitled_quantity: int
    delivered_quantity: int
    delivered_value_idr: int


NOTHING = Delivered(0, 0, 0)

_UPSERT = """
INSERT INTO entitlement_facts AS old (entitlement_id, enrolment_id, status, quantity,
                                      delivered_quantity, delivered_value_idr, epoch, version)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::bigint[], $5::bigint[],
                     $6::bigint[], $7::int[], $8::bigint[])
ON CONFLICT (entitlement_id) DO UPDATE SET
    enrolment_id = excluded.enrolment_id, status = excluded.status,
    quantity = excluded.quantity, delivered_quantity = excluded.delivered_quantity,
    delivered_value_idr = excluded.delivered_value_idr, epoch = excluded.epoch,
    version = excluded.version
WHERE (excluded.epoch, excluded.version) >= (old.epoch, old.version)
"""


async def save_entitlements(tx: Transaction, states: Sequence[EntitlementState]) -> None:
    """Write the entitlements that are not older than what is there."""
    if not states:
        return
    await tx.flush()
    rows = [
        (
            s.entitlement_id, s.enrolment_id, s.status, s.quantity, s.delivered_quantity,
            s.delivered_value_idr, s.epoch, s.version,
        )
        for s in sorted(states, key=lambda state: state.entitlement_id)
    ]  # fmt: skip
    columns = [list(column) for column in zip(*rows, strict=True)]
    await (await tx.raw()).execute(_UPSERT, *columns)


async def delivered(tx: ReadTransaction, enrolment_ids: Collection[UUID]) -> dict[UUID, Delivered]:
    """Return the sums of each enrolment that has an entitlement."""
    table = ENTITLEMENTS.c
    rows = await tx.rows(
        select(
            table.enrolment_id,
            func.sum(table.quantity).label("entitled_quantity"),
            func.sum(table.delivered_quantity).label("delivered_quantity"),
            func.sum(table.delivered_value_idr).label("delivered_value_idr"),
        )
        .where(table.enrolment_id.in_(list(enrolment_ids)), table.status != "void")
        .group_by(table.enrolment_id)
    )
    return {
        row["enrolment_id"]: Delivered(
            int(row["entitled_quantity"]),
            int(row["delivered_quantity"]),
            int(row["delivered_value_idr"]),
        )
        for row in rows
    }


async def clear_entitlements(tx: Transaction) -> None:
    """Remove every entitlement."""
    await tx.execute(delete(ENTITLEMENTS))
