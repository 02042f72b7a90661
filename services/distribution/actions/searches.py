"""Finding aid by an identity number; who looked, and what for, is kept in the audit."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import RowMapping

from services.distribution.actions.caller import Caller
from services.distribution.storage import deliveries, entitlements
from services.shared.db import Transaction

ROWS_MAX = 200
"""A family's aid over five years; more is read by the lists."""


@dataclass(frozen=True, slots=True)
class Aid:
    """What was found, within the caller's sight."""

    family_ids: list[UUID]
    entitlements: list[RowMapping]
    deliveries: list[RowMapping]


async def by_number(
    tx: Transaction,
    caller: Caller,
    *,
    kind: str,
    indexes: Sequence[bytes],
    purpose: str,
) -> Aid:
    """Return what the owner of a number is entitled to and got.

    ``kind`` is ``nik`` or ``kk``; ``indexes`` are the keyed indexes of the number. Nothing found
    and nothing visible give the same answer.
    """
    persons, families = await deliveries.people_by_index(tx, kind, indexes)
    found = await deliveries.of_people(tx, caller.sight, persons, families, ROWS_MAX)
    entitled = await entitlements.of_people(tx, caller.sight, persons, families, ROWS_MAX)
    seen = sorted({row["family_id"] for row in (*found, *entitled)})
    tx.audit(
        "deliveries.searched",
        "deliveries/search",
        {"kind": kind, "purpose": purpose, "family_ids": [str(one) for one in seen]},
        caller.id,
    )
    return Aid(seen, entitled, found)
