"""The projection of identities: bulk writes under the guard, and the search by keyed index."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import distinct_on

from services.programs.storage.projection_tables import PERSONS
from services.shared.auth import Scope
from services.shared.db import ReadTransaction, Transaction
from services.shared.rekeying import KeyedRows


@dataclass(frozen=True, slots=True)
class PersonState:
    """A person's identity as registry told it; of an erased person only id and guard are set."""

    person_id: UUID
    family_id: UUID | None
    region_code: str | None
    name: str | None
    birth_date: date | None
    sex: str | None
    nik_index: bytes | None
    nik_masked: str | None
    nik_sealed: bytes | None
    kk_index: bytes | None
    kk_masked: str | None
    index_key_version: int | None
    epoch: int
    version: int


_UPSERT = """
INSERT INTO person_identities AS old (
    person_id, family_id, region_code, name, birth_date, sex, nik_index, nik_masked, nik_sealed,
    kk_index, kk_masked, index_key_version, epoch, version)
SELECT * FROM unnest(
    $1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::date[], $6::text[], $7::bytea[],
    $8::text[], $9::bytea[], $10::bytea[], $11::text[], $12::int[], $13::int[], $14::bigint[])
ON CONFLICT (person_id) DO UPDATE SET
    family_id = excluded.family_id, region_code = excluded.region_code, name = excluded.name,
    birth_date = excluded.birth_date, sex = excluded.sex, nik_index = excluded.nik_index,
    nik_masked = excluded.nik_masked, nik_sealed = excluded.nik_sealed,
    kk_index = excluded.kk_index, kk_masked = excluded.kk_masked,
    index_key_version = excluded.index_key_version, epoch = excluded.epoch,
    version = excluded.version
WHERE (excluded.epoch, excluded.version) >= (old.epoch, old.version)
"""


async def save_persons(tx: Transaction, states: Sequence[PersonState]) -> None:
    """Write the identities that are not older than what is there."""
    if not states:
        return
    await tx.flush()
    rows = [
        (
            s.person_id, s.family_id, s.region_code, s.name, s.birth_date, s.sex, s.nik_index,
            s.nik_masked, s.nik_sealed, s.kk_index, s.kk_masked, s.index_key_version, s.epoch,
            s.version,
        )
        for s in sorted(states, key=lambda state: state.person_id)
    ]  # fmt: skip
    columns = [list(column) for column in zip(*rows, strict=True)]
    await (await tx.raw()).execute(_UPSERT, *columns)


@dataclass(frozen=True, slots=True)
class Match:
    """Where a number was found: the family, and the masked numbers to show."""

    family_id: UUID
    region_code: str
    kk_masked: str | None


async def find_families(
    tx: ReadTransaction, *, kind: str, indexes: Sequence[bytes], scope: Scope
) -> list[Match]:
    """Return the families in ``scope`` of whom a NIK ("nik") or KK number ("kk") is."""
    column = PERSONS.c.nik_index if kind == "nik" else PERSONS.c.kk_index
    rows = await tx.rows(
        select(PERSONS.c.family_id, PERSONS.c.region_code, PERSONS.c.kk_masked)
        .ext(distinct_on(PERSONS.c.family_id))
        .where(
            column.in_(list(indexes)),
            PERSONS.c.family_id.is_not(None),
            PERSONS.c.region_code.is_not(None),
            scope.clause(PERSONS.c.region_code),
        )
        .order_by(PERSONS.c.family_id)
        .limit(10)
    )
    return [Match(row["family_id"], row["region_code"], row["kk_masked"]) for row in rows]


async def masked_numbers(tx: ReadTransaction, person_ids: Sequence[UUID]) -> dict[UUID, str | None]:
    """Return the masked NIK of each known person."""
    rows = await tx.rows(
        select(PERSONS.c.person_id, PERSONS.c.nik_masked).where(
            PERSONS.c.person_id.in_(list(person_ids))
        )
    )
    return {row["person_id"]: row["nik_masked"] for row in rows}


async def clear_persons(tx: Transaction) -> None:
    """Remove every identity."""
    await tx.execute(delete(PERSONS))


KEYED = KeyedRows(
    "person_identities",
    (
        ("seal", "SELECT get_byte(nik_sealed, 0), count(*) FROM person_identities GROUP BY 1"),
        (
            "index",
            (
                "SELECT index_key_version, count(*) FROM person_identities"
                " WHERE nik_index IS NOT NULL OR kk_index IS NOT NULL GROUP BY 1"
            ),
        ),
    ),
)
"""The registry renews them: it tells each identity again."""
