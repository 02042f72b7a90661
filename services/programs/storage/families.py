"""The projection of registry: bulk writes under the guard, and the facts of given families."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Select, delete, select
from sqlmodel import col

from services.programs.domain.facts import FamilyFacts, MemberFacts, Rank
from services.programs.storage.projection_tables import FAMILIES, MEMBERS, REGIONS
from services.programs.storage.rule_sql import holds_on
from services.programs.storage.tables import EnrolmentRow
from services.shared.auth import Scope
from services.shared.db import ReadTransaction, Transaction


@dataclass(frozen=True, slots=True)
class FamilyState:
    """A family as registry told it, ready for the tables."""

    family_id: UUID
    household_id: UUID
    region_code: str
    current: bool
    desil: int | None
    ranks: Sequence[dict[str, Any]]
    dwelling: dict[str, int]
    synthetic: bool
    members: Sequence[MemberFacts]
    epoch: int
    version: int


@dataclass(frozen=True, slots=True)
class RegionState:
    """A region as registry told it."""

    code: str
    name: str
    level: str
    parent_code: str | None
    epoch: int
    version: int


# Rows go in by key order, so that two batches, and a grant that locks families, cannot deadlock.
# ">=" lets a rebuild apply the same state again, which changes nothing if it was right before.
_UPSERT_FAMILIES = """
INSERT INTO family_facts AS old (family_id, household_id, region_code, current, desil, ranks,
                                 dwelling, synthetic, epoch, version)
SELECT family_id, household_id, region_code, current, desil, ranks::jsonb, dwelling::jsonb,
       synthetic, epoch, version
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::bool[], $5::smallint[], $6::text[],
            $7::text[], $8::bool[], $9::int[], $10::bigint[])
     AS new (family_id, household_id, region_code, current, desil, ranks, dwelling, synthetic,
             epoch, version)
ORDER BY family_id
ON CONFLICT (family_id) DO UPDATE SET
    household_id = excluded.household_id, region_code = excluded.region_code,
    current = excluded.current, desil = excluded.desil, ranks = excluded.ranks,
    dwelling = excluded.dwelling, synthetic = excluded.synthetic, epoch = excluded.epoch,
    version = excluded.version
WHERE (excluded.epoch, excluded.version) >= (old.epoch, old.version)
RETURNING family_id, xmax <> 0 AS existed
"""

_DELETE_MEMBERS = """
DELETE FROM member_facts AS old
USING unnest($1::uuid[]) AS changed (family_id)
WHERE old.family_id = changed.family_id
"""

_INSERT_MEMBERS = """
INSERT INTO member_facts (family_id, person_id, sex, born_month, presence, present, answers)
SELECT family_id, person_id, sex, born_month, presence, present, answers::jsonb
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::int[], $5::int[], $6::bool[], $7::text[])
     AS new (family_id, person_id, sex, born_month, presence, present, answers)
"""

_UPSERT_REGIONS = """
INSERT INTO region_facts AS old (code, name, level, parent_code, epoch, version)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::int[], $6::bigint[])
ON CONFLICT (code) DO UPDATE SET
    name = excluded.name, level = excluded.level, parent_code = excluded.parent_code,
    epoch = excluded.epoch, version = excluded.version
WHERE (excluded.epoch, excluded.version) >= (old.epoch, old.version)
"""


async def save_families(tx: Transaction, states: Sequence[FamilyState]) -> int:
    """Write the states that are not older than what is there; return how many were."""
    if not states:
        return 0
    await tx.flush()
    connection = await tx.raw()
    rows = [
        (
            s.family_id, s.household_id, s.region_code, s.current, s.desil, _json(s.ranks),
            _json(s.dwelling), s.synthetic, s.epoch, s.version,
        )
        for s in states
    ]  # fmt: skip
    written = await connection.fetch(_UPSERT_FAMILIES, *_columns(rows))
    changed = {row["family_id"] for row in written}
    # A first load has nothing to delete; a member may have left a family that was there.
    existed = [row["family_id"] for row in written if row["existed"]]
    if existed:
        await connection.execute(_DELETE_MEMBERS, existed)
    members = [
        (
            s.family_id, m.person_id, m.sex, m.born_month, m.presence, m.present,
            _json(m.answers),
        )
        for s in states
        if s.family_id in changed
        for m in s.members
    ]  # fmt: skip
    if members:
        await connection.execute(_INSERT_MEMBERS, *_columns(members))
    return len(changed)


async def save_regions(tx: Transaction, states: Sequence[RegionState]) -> None:
    """Write the regions that are not older than what is there."""
    if not states:
        return
    await tx.flush()
    rows = [(s.code, s.name, s.level, s.parent_code, s.epoch, s.version) for s in states]
    await (await tx.raw()).execute(_UPSERT_REGIONS, *_columns(rows))


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


def _columns(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


async def load_families(
    tx: ReadTransaction, family_ids: Collection[UUID], *, scope: Scope, day: date
) -> dict[UUID, FamilyFacts]:
    """Return the facts of those families that lie in ``scope``, with what they hold on ``day``."""
    wanted = list(family_ids)
    families = await tx.rows(
        select(FAMILIES, REGIONS.c.level)
        .outerjoin(REGIONS, REGIONS.c.code == FAMILIES.c.region_code)
        .where(FAMILIES.c.family_id.in_(wanted), scope.clause(FAMILIES.c.region_code))
    )
    found = [row["family_id"] for row in families]
    members: dict[UUID, list[MemberFacts]] = {family_id: [] for family_id in found}
    for row in await tx.rows(_members_of(found)):
        members[row["family_id"]].append(
            MemberFacts(
                row["person_id"], row["sex"], row["born_month"], row["presence"], row["answers"]
            )
        )
    holds: dict[UUID, set[UUID]] = {family_id: set() for family_id in found}
    for row in await tx.rows(
        select(col(EnrolmentRow.family_id), col(EnrolmentRow.program_id)).where(
            col(EnrolmentRow.family_id).in_(found), holds_on(day)
        )
    ):
        holds[row["family_id"]].add(row["program_id"])
    return {
        row["family_id"]: FamilyFacts(
            family_id=row["family_id"],
            region_code=row["region_code"],
            region_kind=row["level"],
            current=row["current"],
            members=tuple(members[row["family_id"]]),
            dwelling=row["dwelling"],
            ranks=tuple(_rank(rank) for rank in row["ranks"]),
            holds=frozenset(holds[row["family_id"]]),
            version=(row["epoch"], row["version"]),
        )
        for row in families
    }


def _members_of(family_ids: Sequence[UUID]) -> Select[Any]:
    return (
        select(MEMBERS)
        .where(MEMBERS.c.family_id.in_(family_ids))
        .order_by(MEMBERS.c.family_id, MEMBERS.c.person_id)
    )


def _rank(rank: dict[str, Any]) -> Rank:
    return Rank(
        period=rank["period"],
        source=rank["source"],
        low=rank["low"],
        high=rank["high"],
        as_of=date.fromisoformat(rank["as_of"]),
    )


async def lock_families(tx: Transaction, family_ids: Collection[UUID]) -> None:
    """Hold the families until the transaction ends: two grants see each other's overlap."""
    await tx.execute(
        select(FAMILIES.c.family_id)
        .where(FAMILIES.c.family_id.in_(list(family_ids)))
        .order_by(FAMILIES.c.family_id)
        .with_for_update(key_share=True)
    )


async def clear_families(tx: Transaction) -> None:
    """Remove every family, member and region."""
    for table in (MEMBERS, FAMILIES, REGIONS):
        await tx.execute(delete(table))
