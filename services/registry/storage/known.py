"""Bulk reads before a merge: what the registry knows of the numbers in a part of a batch.

A fixed number of statements per part, on the transaction's own asyncpg connection. JSON columns
are read as text.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg
import orjson

from services.registry.domain.conditions import Snapshot
from services.registry.domain.merge_plan import Known, KnownFamily, KnownPerson, Place
from services.shared.db import Transaction

Connection: TypeAlias = "asyncpg.Connection[Any]"

# The planner expects next to nothing of tables that this transaction has filled, for their
# statistics are missing or wrong. Joined plainly, or by a condition that a partial index has, every
# person may then be compared with every membership; fenced off by OFFSET 0 each is an index look-up
# whatever is expected. The database allows one present membership.
PRESENT_PLACE = (
    " LEFT JOIN LATERAL (SELECT m.id AS membership_id, m.family_id, m.relation, m.presence,"
    " lower(m.valid) AS since, f.region_code, f.kk_index, f.kk_masked FROM"
    " (SELECT * FROM memberships WHERE person_id = p.id OFFSET 0) m"
    " JOIN families f ON f.id = m.family_id"
    " WHERE m.superseded_at IS NULL AND upper_inf(m.valid) LIMIT 1) place ON true"
)


async def look_up_by_keys(connection: Connection) -> None:
    """Rule out passing over whole tables until the transaction ends.

    Each statement of a merge asks by key. Plans of its first parts, when tables were small, are
    kept for the later ones.
    """
    await connection.execute("SELECT set_config('enable_seqscan', 'off', true)")


async def load_known(
    tx: Transaction,
    *,
    kk_aliases: Mapping[bytes, bytes],
    nik_aliases: Mapping[bytes, bytes],
    source: str,
    observed_on: date,
) -> Known:
    """Read the registry's side of the rows with these numbers, and lock its families."""
    connection = await tx.raw()
    await look_up_by_keys(connection)
    known = Known()
    for row in await connection.fetch(
        "SELECT c.number_index, f.id, f.region_code, f.address, f.rt, f.rw, d.since"
        " FROM identity_claims c JOIN families f ON f.id = c.subject_id, LATERAL"
        "  (SELECT max(lower(valid)) AS since FROM family_domiciles"
        "   WHERE family_id = f.id AND superseded_at IS NULL) d"
        " WHERE c.kind = 'kk' AND c.number_index = ANY($1) AND f.status <> 'merged'"
        " ORDER BY c.state DESC, c.id FOR UPDATE OF f",
        list(kk_aliases),
    ):
        known.families[row["id"]] = KnownFamily(
            row["id"], row["region_code"], row["address"], row["rt"], row["rw"], row["since"]
        )
        known.kk_claims.setdefault(kk_aliases[row["number_index"]], []).append(row["id"])
    known.nik_claims = await nik_claims(connection, nik_aliases)
    claimants = {one for claims in known.nik_claims.values() for one in claims}
    known.persons = await _persons(connection, claimants, list(known.families))
    known.recorded = await recorded_answers(
        connection, "person", list(known.persons), source, [observed_on]
    )
    return known


async def nik_claims(
    connection: Connection, aliases: Mapping[bytes, bytes]
) -> dict[bytes, list[UUID]]:
    """Return who claims each NIK, the holder first."""
    claims: dict[bytes, list[UUID]] = {}
    for row in await connection.fetch(
        "SELECT number_index, subject_id FROM identity_claims"
        " WHERE kind = 'nik' AND number_index = ANY($1) ORDER BY state DESC, id",
        list(aliases),
    ):
        claimants = claims.setdefault(aliases[row["number_index"]], [])
        if row["subject_id"] not in claimants:
            claimants.append(row["subject_id"])
    return claims


async def recorded_answers(
    connection: Connection,
    subject: str,
    ids: Sequence[UUID],
    source: str,
    days: Sequence[date],
) -> dict[tuple[UUID, date], dict[str, int]]:
    """Return the last answers on record of ``source`` on ``days``; subject person or family."""
    table = {"person": "person_conditions", "family": "family_conditions"}[subject]
    rows = await connection.fetch(
        f"SELECT DISTINCT ON ({subject}_id, observed_on) {subject}_id, observed_on, answers::text"  # noqa: S608 - names of our own
        f" FROM {table} WHERE {subject}_id = ANY($1) AND source = $2 AND observed_on = ANY($3)"
        f" ORDER BY {subject}_id, observed_on, recorded_at DESC, id DESC",
        ids,
        source,
        days,
    )
    return {(row[0], row["observed_on"]): orjson.loads(row["answers"]) for row in rows}


async def _persons(
    connection: Connection, claimants: set[UUID], family_ids: Sequence[UUID]
) -> dict[UUID, KnownPerson]:
    members = await connection.fetch(
        "SELECT person_id FROM memberships WHERE family_id = ANY($1)"
        " AND superseded_at IS NULL AND upper_inf(valid)",
        family_ids,
    )
    rows = await connection.fetch(
        "SELECT p.id, p.name, p.birth_date, p.sex, p.nik_sealed IS NOT NULL AS has_nik,"  # noqa: S608 - a constant
        " p.marital, p.education, p.occupation, p.conditions::text, place.*"
        f" FROM persons p {PRESENT_PLACE} WHERE p.id = ANY($1)",
        list(claimants | {row["person_id"] for row in members}),
    )
    return {row["id"]: _known_person(row) for row in rows}


def _known_person(row: "asyncpg.Record") -> KnownPerson:
    place = None
    if row["membership_id"] is not None:
        place = Place(
            row["membership_id"],
            row["family_id"],
            row["region_code"],
            row["relation"],
            row["presence"],
            row["since"],
        )
    return KnownPerson(
        row["id"],
        row["name"],
        row["birth_date"],
        row["sex"],
        row["has_nik"],
        row["marital"],
        row["education"],
        row["occupation"],
        snapshots(row["conditions"]),
        place,
    )


def snapshots(stored: str) -> tuple[Snapshot, ...]:
    """Read the JSON text of ``persons.conditions`` or ``families.dwelling``."""
    return tuple(Snapshot.from_json(one) for one in orjson.loads(stored))


def snapshots_json(held: Sequence[Snapshot]) -> str:
    """Write what ``snapshots`` reads."""
    return orjson.dumps([one.to_json() for one in held]).decode()
