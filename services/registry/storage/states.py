"""Current rows in the shape that events need: families with their members, persons by family."""

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

from services.registry.storage.known import PRESENT_PLACE
from services.shared.db import ReadTransaction

Record = asyncpg.Record
REPUBLISH_PAGE = 1_000


@dataclass(frozen=True, slots=True)
class FamilyRecord:
    """A row of families and the rows of its present members."""

    family: Record
    members: list[Record]


async def family_records(tx: ReadTransaction, ids: Sequence[UUID]) -> list[FamilyRecord]:
    """Return the families with these ids, members in the order of their relation."""
    connection = await tx.raw()
    members: dict[UUID, list[Any]] = defaultdict(list)
    for row in await connection.fetch(
        "SELECT m.family_id, p.id, m.relation, m.presence, p.sex, p.birth_date, p.match_status,"
        " p.occupation, p.conditions::text FROM memberships m JOIN persons p ON p.id = m.person_id"
        " WHERE m.family_id = ANY($1) AND m.superseded_at IS NULL AND upper_inf(m.valid)"
        " ORDER BY m.family_id, m.relation NULLS LAST, p.id",
        ids,
    ):
        members[row["family_id"]].append(row)
    families = await connection.fetch(
        "SELECT f.id, f.household_id, h.assumed, f.region_code, f.status, f.dwelling::text,"
        " f.ranks::text, f.cause, f.effective_on, f.survivor_id, f.synthetic, f.version"
        " FROM families f JOIN households h ON h.id = f.household_id WHERE f.id = ANY($1)"
        " ORDER BY f.id",
        ids,
    )
    return [FamilyRecord(row, members[row["id"]]) for row in families]


async def identity_records(tx: ReadTransaction, ids: Sequence[UUID]) -> list[Record]:
    """Return the persons with these ids, with their present family and its KK number."""
    rows = await (await tx.raw()).fetch(
        "SELECT p.id, p.name, p.birth_date, p.sex, p.nik_index, p.nik_masked,"  # noqa: S608 - a constant
        " p.nik_sealed, p.key_version, p.version, place.family_id, place.region_code,"
        f" place.kk_index, place.kk_masked FROM persons p {PRESENT_PLACE} WHERE p.id = ANY($1)"
        " ORDER BY p.id",
        ids,
    )
    return list(rows)


async def all_ids(tx: ReadTransaction, table: str) -> AsyncIterator[list[UUID]]:
    """Yield every id of families or persons, in pages of ``REPUBLISH_PAGE``."""
    last = UUID(int=0)
    connection = await tx.raw()
    while True:
        rows = await connection.fetch(
            f"SELECT id FROM {table} WHERE id > $1 ORDER BY id LIMIT $2",  # noqa: S608 - own names
            last,
            REPUBLISH_PAGE,
        )
        if not rows:
            return
        yield [row["id"] for row in rows]
        last = rows[-1]["id"]
