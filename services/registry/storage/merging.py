"""Bulk writes of a merge: a fixed number of statements per part of a batch.

New rows go in by COPY, changes by one UPDATE over arrays, all on the transaction's own asyncpg
connection. A part is bounded by the action (``FAMILIES_PER_PART``). Rows that repeat a superseded
one get their id from the database: no one refers to them by it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from services.registry.domain.conditions import Snapshot
from services.registry.domain.identity import MatchStatus, NoNikReason
from services.registry.domain.merge_plan import (
    HELD,
    Joining,
    KnownFamily,
    NewFamily,
    NewPerson,
    PersonChange,
    Plan,
)
from services.registry.domain.names import name_key
from services.registry.domain.residents import ResidentBatch
from services.registry.storage.identities import Kind, Numbers
from services.registry.storage.known import snapshots_json
from services.shared.db import Transaction
from services.shared.ids import new_id


@dataclass(frozen=True, slots=True)
class Work:
    """Where a merge writes, and in whose name."""

    tx: Transaction
    numbers: Numbers
    batch: ResidentBatch
    actor: str
    source: str
    import_id: UUID | None

    @property
    def stamp(self) -> dict[str, Any]:
        """Return the columns that every row of history has."""
        return {"source": self.source, "recorded_at": self.tx.now}


MERGES = "hashtextextended('registry.merge.' || current_schema(), 0)"


async def hold_merges(tx: Transaction) -> None:
    """Let one merge run at a time: two could each create the family that the other misses."""
    await (await tx.raw()).execute(f"SELECT pg_advisory_xact_lock({MERGES})")


async def write(work: Work, plan: Plan) -> None:
    """Write all of ``plan``; families get their version and caches by ``touch_families``."""
    await _insert_families(work, plan.new_families)
    await _change_addresses(work, plan.changed_families)
    await _insert_persons(work, plan.new_persons)
    await _update_persons(work, plan.changed_persons)
    await _write_memberships(work, plan.joinings)
    await insert_snapshots(work.tx, "person", plan.snapshots, work.import_id)


async def copy_rows(tx: Transaction, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """COPY rows that all name the same columns in the same order."""
    if rows:
        await tx.copy(table, tuple(rows[0]), [tuple(row.values()) for row in rows])


async def insert_snapshots(
    tx: Transaction,
    subject: str,
    snapshots: Sequence[tuple[UUID, Snapshot]],
    import_id: UUID | None,
) -> None:
    """Append condition snapshots; ``subject`` is person or family."""
    await copy_rows(
        tx,
        f"{subject}_conditions",
        [
            {
                "id": new_id(),
                f"{subject}_id": subject_id,
                "scheme": one.scheme,
                "version": one.version,
                "source": one.source,
                "observed_on": one.observed_on,
                "answers": orjson.dumps(one.answers).decode(),
                "import_id": import_id,
                "recorded_at": tx.now,
            }
            for subject_id, one in snapshots
        ],
    )


async def touch_families(
    tx: Transaction, touched: Sequence[UUID], new: set[UUID], *, cause: str, effective_on: date
) -> None:
    """Raise the version of ``touched`` families (new ones keep 1) and refresh what they cache."""
    await (await tx.raw()).execute(
        "UPDATE families f SET version = f.version + t.step, cause = $3, effective_on = $4,"
        " updated_at = $5, member_count = m.members, head_name = coalesce(m.head, f.head_name),"
        " status = CASE WHEN f.status = 'active' AND m.members = 0 THEN 'dissolved'"
        "  WHEN f.status = 'dissolved' AND m.members > 0 THEN 'active' ELSE f.status END"
        " FROM unnest($1::uuid[], $2::int[]) AS t (id, step), LATERAL ("
        "  SELECT count(*) AS members, min(p.name) FILTER (WHERE s.relation = 1) AS head"
        "  FROM memberships s JOIN persons p ON p.id = s.person_id WHERE s.family_id = t.id"
        "  AND s.superseded_at IS NULL AND upper_inf(s.valid)) m"
        " WHERE f.id = t.id",
        touched,
        [0 if one in new else 1 for one in touched],
        cause,
        effective_on,
        tx.now,
    )


async def end_domiciles(tx: Transaction, family_ids: Sequence[UUID], day: date) -> None:
    """Supersede the open domiciles; what was true before ``day`` is entered again, closed."""
    await (await tx.raw()).execute(
        "WITH old AS (UPDATE family_domiciles SET superseded_at = $3 WHERE family_id = ANY($1)"
        "  AND superseded_at IS NULL AND (upper_inf(valid) OR upper(valid) > $2) RETURNING *)"
        " INSERT INTO family_domiciles (id, family_id, region_code, address, rt, rw, valid, source,"
        "  reason, actor, recorded_at)"
        " SELECT gen_random_uuid(), family_id, region_code, address, rt, rw,"
        "  daterange(lower(valid), $2), source, reason, actor, $3 FROM old WHERE lower(valid) < $2",
        family_ids,
        day,
        tx.now,
    )


async def _insert_families(work: Work, families: Sequence[NewFamily]) -> None:
    version, now, day = work.numbers.key_version, work.tx.now, work.batch.observed_on
    kept = _kept(work.numbers, "kk", {one.id: one.kk_number for one in families})
    await copy_rows(
        work.tx,
        "households",
        [
            {
                "id": one.household_id,
                "region_code": one.region_code,
                "assumed": True,
                "source": work.source,
                "created_at": now,
            }
            for one in families
        ],
    )
    await copy_rows(
        work.tx,
        "families",
        [
            {
                "id": one.id,
                "household_id": one.household_id,
                "region_code": one.region_code,
                "address": one.address,
                "rt": one.rt,
                "rw": one.rw,
                **_columns("kk", kept.get(one.id)),
                "key_version": version,
                "status": "active",
                "member_count": 0,
                "ranks": "[]",
                "dwelling": "[]",
                "cause": "imported",
                "effective_on": day,
                "synthetic": work.batch.synthetic,
                "version": 1,
                "created_at": now,
                "updated_at": now,
            }
            for one in families
        ],
    )
    await _insert_numbers(work, families, kept)
    await _insert_domiciles(work, [(one.id, one) for one in families])
    claims = [("kk", one.kk_index, one.id, one.claim) for one in families]
    await _insert_claims(work, claims)


async def _insert_numbers(
    work: Work, families: Sequence[NewFamily], kept: Mapping[UUID, Mapping[str, Any]]
) -> None:
    await copy_rows(
        work.tx,
        "family_numbers",
        [
            {
                "id": new_id(),
                "family_id": one.id,
                **_columns("kk", kept[one.id]),
                "key_version": work.numbers.key_version,
                "valid": asyncpg.Range(work.batch.observed_on, None),
                **work.stamp,
            }
            for one in families
            if one.id in kept
        ],
    )


async def _insert_domiciles(
    work: Work, domiciles: Sequence[tuple[UUID, NewFamily | KnownFamily]]
) -> None:
    await copy_rows(
        work.tx,
        "family_domiciles",
        [
            {
                "id": new_id(),
                "family_id": family_id,
                "region_code": one.region_code,
                "address": one.address,
                "rt": one.rt,
                "rw": one.rw,
                "valid": asyncpg.Range(work.batch.observed_on, None),
                "reason": "imported",
                "actor": work.actor,
                **work.stamp,
            }
            for family_id, one in domiciles
        ],
    )


async def _insert_claims(
    work: Work, claims: Sequence[tuple[str, bytes | None, UUID, str | None]]
) -> None:
    """Enter (kind, index, subject, held or disputed); those without an index are left out."""
    await copy_rows(
        work.tx,
        "identity_claims",
        [
            {
                "id": new_id(),
                "kind": kind,
                "number_index": number_index,
                "key_version": work.numbers.key_version,
                "subject_id": subject_id,
                "state": state,
                **work.stamp,
            }
            for kind, number_index, subject_id, state in claims
            if number_index is not None
        ],
    )


async def _change_addresses(work: Work, families: Sequence[KnownFamily]) -> None:
    """Write changed addresses: the old one ends, or is superseded when it began the same day."""
    if not families:
        return
    await (await work.tx.raw()).execute(
        "UPDATE families f SET address = t.address, rt = t.rt, rw = t.rw"
        " FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) AS t (id, address, rt, rw)"
        " WHERE f.id = t.id",
        [one.id for one in families],
        [one.address for one in families],
        [one.rt for one in families],
        [one.rw for one in families],
    )
    await end_domiciles(work.tx, [one.id for one in families], work.batch.observed_on)
    await _insert_domiciles(work, [(one.id, one) for one in families])


async def _insert_persons(work: Work, persons: Sequence[NewPerson]) -> None:
    kept = _kept(work.numbers, "nik", {one.id: one.row.nik for one in persons})
    await copy_rows(
        work.tx,
        "persons",
        [
            {
                "id": one.id,
                "name": one.row.name,
                "name_key": name_key(one.row.name),
                "birth_date": one.row.birth_date,
                "sex": one.row.sex,
                **_columns("nik", kept.get(one.id)),
                "nik_missing_reason": _reason(one),
                "key_version": work.numbers.key_version,
                "match_status": MatchStatus.PENDING,
                "marital": one.row.marital,
                "education": one.row.education,
                "occupation": one.row.occupation,
                "conditions": snapshots_json(one.conditions),
                "synthetic": work.batch.synthetic,
                "version": 1,
                "created_at": work.tx.now,
                "updated_at": work.tx.now,
            }
            for one in persons
        ],
    )
    await _insert_claims(work, [("nik", one.nik_index, one.id, one.claim) for one in persons])


def _reason(person: NewPerson) -> str | None:
    if person.row.nik is not None:
        return None
    return person.row.nik_missing_reason or NoNikReason.UNKNOWN


async def _update_persons(work: Work, changes: Sequence[PersonChange]) -> None:
    if not changes:
        return
    kept = _kept(work.numbers, "nik", {one.person.id: one.nik for one in changes})
    learnt = [_columns("nik", kept.get(one.person.id)) for one in changes]
    persons = [one.person for one in changes]
    await (await work.tx.raw()).execute(
        "UPDATE persons p SET name = t.name, name_key = t.name_key, birth_date = t.birth_date,"
        " sex = t.sex, marital = t.marital, education = t.education, occupation = t.occupation,"
        " conditions = t.conditions::jsonb, nik_sealed = coalesce(t.sealed, p.nik_sealed),"
        " nik_index = coalesce(t.number_index, p.nik_index),"
        " nik_masked = coalesce(t.masked, p.nik_masked),"
        " nik_missing_reason = CASE WHEN t.sealed IS NULL THEN p.nik_missing_reason END,"
        " version = p.version + 1, updated_at = $13"
        " FROM unnest($1::uuid[], $2::text[], $3::text[], $4::date[], $5::text[], $6::int[],"
        "  $7::int[], $8::int[], $9::text[], $10::bytea[], $11::bytea[], $12::text[])"
        " AS t (id, name, name_key, birth_date, sex, marital, education, occupation, conditions,"
        "  sealed, number_index, masked) WHERE p.id = t.id",
        [one.id for one in persons],
        [one.name for one in persons],
        [name_key(one.name) for one in persons],
        [one.birth_date for one in persons],
        [one.sex for one in persons],
        [one.marital for one in persons],
        [one.education for one in persons],
        [one.occupation for one in persons],
        [snapshots_json(one.conditions) for one in persons],
        [one["nik_sealed"] for one in learnt],
        [one["nik_index"] for one in learnt],
        [one["nik_masked"] for one in learnt],
        work.tx.now,
    )
    claims = [("nik", one.nik_index, one.person.id, HELD) for one in changes]
    await _insert_claims(work, claims)


async def _write_memberships(work: Work, joinings: Sequence[Joining]) -> None:
    """End the memberships that are followed by another, then open the new ones."""
    day = work.batch.observed_on
    await (await work.tx.raw()).execute(
        "WITH old AS (UPDATE memberships SET superseded_at = $3 WHERE id = ANY($1) RETURNING *)"
        " INSERT INTO memberships (id, person_id, family_id, relation, presence, valid, source,"
        "  recorded_at)"
        " SELECT gen_random_uuid(), person_id, family_id, relation, presence,"
        "  daterange(lower(valid), $2), source, $3 FROM old WHERE lower(valid) < $2",
        [one.previous.membership_id for one in joinings if one.previous is not None],
        day,
        work.tx.now,
    )
    await copy_rows(
        work.tx,
        "memberships",
        [
            {
                "id": new_id(),
                "person_id": one.person_id,
                "family_id": one.family_id,
                "relation": one.relation,
                "presence": one.presence,
                "valid": asyncpg.Range(day, None),
                **work.stamp,
            }
            for one in joinings
        ],
    )


def _kept(
    numbers: Numbers, kind: Kind, values: Mapping[UUID, str | None]
) -> dict[UUID, dict[str, Any]]:
    """Return sealed, index and mask of each number, by its owner; owners without one are absent."""
    given = {owner: number for owner, number in values.items() if number is not None}
    kept = numbers.keep(kind, list(given.values()))
    return {
        owner: {
            f"{kind}_sealed": one.sealed,
            f"{kind}_index": one.number_index,
            f"{kind}_masked": one.masked,
        }
        for owner, one in zip(given, kept, strict=True)
    }


def _columns(kind: Kind, kept: Mapping[str, Any] | None) -> Mapping[str, Any]:
    return kept or {f"{kind}_sealed": None, f"{kind}_index": None, f"{kind}_masked": None}
