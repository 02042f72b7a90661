"""Writing what others told us: set-based, each row guarded by (epoch, version).

Each function takes plain dicts, writes the ones that are newer, and returns the ids it wrote.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson

from services.distribution.storage.tables import metadata
from services.shared.db import Transaction
from services.shared.rekeying import KeyedRows

Told = Sequence[dict[str, Any]]

REGIONS = """
INSERT INTO regions (code, name, level, parent_code, epoch, version)
SELECT * FROM json_to_recordset($1::json)
    AS t(code text, name text, level text, parent_code text, epoch bigint, version bigint)
ON CONFLICT (code) DO UPDATE SET name = excluded.name, level = excluded.level,
    parent_code = excluded.parent_code, epoch = excluded.epoch, version = excluded.version
WHERE (regions.epoch, regions.version) < (excluded.epoch, excluded.version)
"""

PROGRAMS = """
INSERT INTO programs (id, code, name, owner_code, reporter_code, unit, benefit, steps, sensitive,
                      status, epoch, version)
SELECT * FROM json_to_recordset($1::json)
    AS t(id uuid, code text, name text, owner_code text, reporter_code text, unit text,
         benefit jsonb, steps jsonb, sensitive boolean, status text,
         epoch bigint, version bigint)
ON CONFLICT (id) DO UPDATE SET code = excluded.code, name = excluded.name,
    owner_code = excluded.owner_code, reporter_code = excluded.reporter_code,
    unit = excluded.unit, benefit = excluded.benefit, steps = excluded.steps,
    sensitive = excluded.sensitive, status = excluded.status,
    epoch = excluded.epoch, version = excluded.version
WHERE (programs.epoch, programs.version) < (excluded.epoch, excluded.version)
RETURNING id
"""

PROGRAM_YEARS = """
INSERT INTO program_years (program_id, year, ceiling_idr, aid_ceiling_idr)
SELECT * FROM json_to_recordset($1::json)
    AS t(program_id uuid, year int, ceiling_idr bigint, aid_ceiling_idr bigint)
WHERE program_id = ANY($2)
"""

ENROLMENTS = """
INSERT INTO enrolments (id, program_id, year, family_id, person_id, region_code, status,
                        valid_from, valid_to, sensitive, epoch, version)
SELECT * FROM json_to_recordset($1::json)
    AS t(id uuid, program_id uuid, year int, family_id uuid, person_id uuid, region_code text,
         status text, valid_from date, valid_to date, sensitive boolean, epoch bigint,
         version bigint)
ON CONFLICT (id) DO UPDATE SET program_id = excluded.program_id, year = excluded.year,
    family_id = excluded.family_id, person_id = excluded.person_id,
    region_code = excluded.region_code, status = excluded.status,
    valid_from = excluded.valid_from, valid_to = excluded.valid_to,
    sensitive = excluded.sensitive, epoch = excluded.epoch, version = excluded.version
WHERE (enrolments.epoch, enrolments.version) < (excluded.epoch, excluded.version)
RETURNING id
"""

FAMILIES = """
INSERT INTO families (id, region_code, status, told_at, epoch, version)
SELECT * FROM json_to_recordset($1::json)
    AS t(id uuid, region_code text, status text, told_at timestamptz, epoch bigint,
         version bigint)
ON CONFLICT (id) DO UPDATE SET region_code = excluded.region_code, status = excluded.status,
    told_at = excluded.told_at, epoch = excluded.epoch, version = excluded.version
WHERE (families.epoch, families.version) < (excluded.epoch, excluded.version)
RETURNING id
"""

# A person who moves is named by two families until both have been told. Each family keeps its own
# members, so that in whatever order they are told, only the newest state of each counts.
MEMBERS_GONE = """
DELETE FROM family_members AS m
WHERE m.family_id = ANY($2) AND NOT EXISTS (
    SELECT FROM json_to_recordset($1::json) AS t(person_id uuid, family_id uuid)
    WHERE t.person_id = m.person_id AND t.family_id = m.family_id)
RETURNING person_id
"""

MEMBERS = """
INSERT INTO family_members (person_id, family_id, relation, presence, match_status)
SELECT DISTINCT ON (person_id, family_id)
       person_id, family_id, relation, presence, match_status
FROM json_to_recordset($1::json)
    AS t(person_id uuid, family_id uuid, relation int, presence int, match_status text)
WHERE family_id = ANY($2)
ORDER BY person_id, family_id
ON CONFLICT (person_id, family_id) DO UPDATE SET
    relation = excluded.relation, presence = excluded.presence,
    match_status = excluded.match_status
WHERE (family_members.relation, family_members.presence, family_members.match_status)
    IS DISTINCT FROM (excluded.relation, excluded.presence, excluded.match_status)
RETURNING person_id
"""

PERSONS = """
INSERT INTO persons (id, family_id, name, nik_masked, nik_sealed, nik_index, kk_masked, kk_index,
                     index_key_version, erased, epoch, version)
SELECT id, family_id, name, nik_masked, nik_sealed, decode(nik_index, 'hex'), kk_masked,
       decode(kk_index, 'hex'), index_key_version, erased, epoch, version
FROM json_to_recordset($1::json)
    AS t(id uuid, family_id uuid, name text, nik_masked text, nik_sealed text, nik_index text,
         kk_masked text, kk_index text, index_key_version int, erased boolean, epoch bigint,
         version bigint)
ON CONFLICT (id) DO UPDATE SET family_id = excluded.family_id, name = excluded.name,
    nik_masked = excluded.nik_masked, nik_sealed = excluded.nik_sealed,
    nik_index = excluded.nik_index, kk_masked = excluded.kk_masked, kk_index = excluded.kk_index,
    index_key_version = excluded.index_key_version, erased = excluded.erased,
    epoch = excluded.epoch, version = excluded.version
WHERE (persons.epoch, persons.version) < (excluded.epoch, excluded.version)
"""

HELD_VERSIONS = {
    "programs.program.state.v1": "SELECT epoch, version FROM programs WHERE id = $1",
    "programs.enrolment.state.v1": "SELECT epoch, version FROM enrolments WHERE id = $1",
    "registry.family.state.v1": "SELECT epoch, version FROM families WHERE id = $1",
    "registry.person.identity.v1": "SELECT epoch, version FROM persons WHERE id = $1",
    "distribution.cycle.state.v1": (
        "SELECT value AS epoch, version FROM cycles, epoch WHERE id = $1"
    ),
    "distribution.entitlement.state.v1": (
        "SELECT value AS epoch, version FROM entitlements, epoch WHERE id = $1"
    ),
}
"""For each state that is kept here: how far it has come, by the id of its aggregate."""


async def save_regions(tx: Transaction, told: Told) -> None:
    """Write regions."""
    await (await tx.raw()).execute(REGIONS, _json(told))


async def save_programs(tx: Transaction, told: Told, years: Told) -> list[UUID]:
    """Write programs, and replace the budget years of those that were newer."""
    connection = await tx.raw()
    written = [row["id"] for row in await connection.fetch(PROGRAMS, _json(told))]
    await connection.execute("DELETE FROM program_years WHERE program_id = ANY($1)", written)
    await connection.execute(PROGRAM_YEARS, _json(years), written)
    return written


async def save_enrolments(tx: Transaction, told: Told) -> list[UUID]:
    """Write enrolments."""
    return [row["id"] for row in await (await tx.raw()).fetch(ENROLMENTS, _json(told))]


async def save_families(
    tx: Transaction, told: Told, members: Told
) -> tuple[list[UUID], list[UUID]]:
    """Write families and their members; return the families and the persons that changed."""
    connection = await tx.raw()
    written = [row["id"] for row in await connection.fetch(FAMILIES, _json(told))]
    people = _json(members)
    gone = await connection.fetch(MEMBERS_GONE, people, written)
    come = await connection.fetch(MEMBERS, people, written)
    return written, [row["person_id"] for row in (*gone, *come)]


async def save_persons(tx: Transaction, told: Told) -> None:
    """Write identities; an erased one overwrites every field with null."""
    await (await tx.raw()).execute(PERSONS, _json(told))


def _json(rows: Told) -> str:
    return orjson.dumps(list(rows)).decode()


async def empty(tx: Transaction, *tables: str) -> None:
    """Delete every row of projections that are about to be rebuilt."""
    for table in tables:
        await tx.execute(metadata.tables[table].delete())


KEYED = KeyedRows(
    "persons",
    (
        (
            "seal",
            (
                "SELECT get_byte(decode(left(nik_sealed, 2), 'hex'), 0), count(*) FROM persons"
                " GROUP BY 1"
            ),
        ),
        (
            "index",
            (
                "SELECT coalesce(index_key_version, 0), count(*) FROM persons"
                " WHERE nik_index IS NOT NULL OR kk_index IS NOT NULL GROUP BY 1"
            ),
        ),
    ),
)
"""The registry renews them: it tells each identity again."""
