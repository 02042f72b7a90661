"""Rows that hold sealed numbers or keyed indexes, taken in batches to be renewed."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from services.registry.storage.identities import Kind, Numbers
from services.registry.storage.import_rows import SEAL_CONTEXT
from services.registry.storage.merging import MERGES
from services.shared.db import Transaction
from services.shared.rekeying import BATCH_ROWS, Counts
from services.shared.sealing import Sealer

FIRST = UUID(int=0)

NUMBERED: dict[str, Kind] = {"families": "kk", "family_numbers": "kk", "persons": "nik"}
"""Tables with ``<kind>_sealed``, ``<kind>_index`` and ``key_version``."""

IMPORTS_BUSY = "lease_until IS NOT NULL AND lease_until > now()"


async def try_hold_merges(tx: Transaction) -> bool:
    """Keep merges away until this transaction ends; False when one is running."""
    return bool(await (await tx.raw()).fetchval(f"SELECT pg_try_advisory_xact_lock({MERGES})"))


async def numbered(tx: Transaction, table: str, after: UUID) -> list[Mapping[str, Any]]:
    """Lock and return the next rows of a table of ``NUMBERED``; rows in use are passed over."""
    kind = NUMBERED[table]
    return await (await tx.raw()).fetch(
        f"SELECT id, {kind}_sealed AS sealed, key_version FROM {table}"  # noqa: S608 - constants
        " WHERE id > $1 ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED",
        after,
        BATCH_ROWS,
    )


async def renew_numbers(
    tx: Transaction, table: str, rows: Sequence[Mapping[str, Any]], numbers: Numbers
) -> None:
    """Seal and index the numbers of ``rows`` anew, and the claims to them."""
    kind, version = NUMBERED[table], numbers.key_version
    held = [row for row in rows if row["sealed"] is not None]
    texts = [numbers.open(kind, row["sealed"]) for row in held]
    kept = dict(zip((row["id"] for row in held), numbers.keep(kind, texts), strict=True))
    # A person's event tells these; it counts as newer only with a higher version.
    told = ", version = r.version + 1" if table == "persons" else ""
    connection = await tx.raw()
    await connection.execute(
        f"UPDATE {table} r SET {kind}_sealed = t.sealed, {kind}_index = t.number_index,"  # noqa: S608 - constants
        f" key_version = $4{told} FROM unnest($1::uuid[], $2::bytea[], $3::bytea[])"
        " AS t (id, sealed, number_index) WHERE r.id = t.id",
        [row["id"] for row in rows],
        [kept[row["id"]].sealed if row["id"] in kept else None for row in rows],
        [kept[row["id"]].number_index if row["id"] in kept else None for row in rows],
        version,
    )
    aliases = [
        (old, new) for old, new in numbers.aliases(kind, texts).items() if old != new
    ]  # the same number under other keys
    await connection.execute(
        "UPDATE identity_claims c SET number_index = t.new, key_version = $4"
        " FROM unnest($2::bytea[], $3::bytea[]) AS t (old, new)"
        " WHERE c.kind = $1 AND c.number_index = t.old",
        kind,
        [old for old, _ in aliases],
        [new for _, new in aliases],
        version,
    )


async def next_import(tx: Transaction, after: UUID) -> Mapping[str, Any] | None:
    """Lock and return the next import that has staged rows and that no worker holds."""
    return await (await tx.raw()).fetchrow(
        "SELECT i.id, i.index_key_version FROM imports i WHERE i.id > $1"  # noqa: S608 - constants
        f" AND NOT ({IMPORTS_BUSY}) AND EXISTS (SELECT 1 FROM import_rows r"
        "  WHERE r.import_id = i.id) ORDER BY i.id LIMIT 1 FOR UPDATE SKIP LOCKED",
        after,
    )


async def staged(tx: Transaction, import_id: UUID, after: int) -> list[Mapping[str, Any]]:
    """Return the next staged rows of an import."""
    return await (await tx.raw()).fetch(
        "SELECT row_number, sealed, kk_index IS NOT NULL AS by_kk, nik_index IS NOT NULL AS by_nik"
        " FROM import_rows WHERE import_id = $1 AND row_number > $2 ORDER BY row_number LIMIT $3",
        import_id,
        after,
        BATCH_ROWS,
    )


async def renew_staged(
    tx: Transaction,
    import_id: UUID,
    rows: Sequence[Mapping[str, Any]],
    indexes: Mapping[Kind, Sequence[bytes | None]],
    sealer: Sealer,
) -> None:
    """Write staged rows anew: sealed by the active key, found by ``indexes``."""
    texts = [sealer.open(row["sealed"], SEAL_CONTEXT) for row in rows]
    await (await tx.raw()).execute(
        "UPDATE import_rows r SET sealed = t.sealed, kk_index = t.kk, nik_index = t.nik"
        " FROM unnest($2::int[], $3::bytea[], $4::bytea[], $5::bytea[])"
        " AS t (row_number, sealed, kk, nik)"
        " WHERE r.import_id = $1 AND r.row_number = t.row_number",
        import_id,
        [row["row_number"] for row in rows],
        sealer.seal_column(texts, SEAL_CONTEXT),
        indexes["kk"],
        indexes["nik"],
    )


async def import_renewed(tx: Transaction, import_id: UUID, key_version: int) -> None:
    """Note by which key the staged rows of an import are indexed."""
    await (await tx.raw()).execute(
        "UPDATE imports SET index_key_version = $2 WHERE id = $1", import_id, key_version
    )


async def forget_told(tx: Transaction, event_type: str, index_key: int, seal_key: int) -> int:
    """Delete told identities that show numbers by an older key. Return how many.

    They wait in the outbox for thirty days for nobody: a state is told again from its table.
    """
    done = await (await tx.raw()).execute(
        "DELETE FROM outbox WHERE (published_at IS NOT NULL OR superseded) AND type = $1"
        " AND ((payload ->> 'index_key_version')::int <> $2"
        " OR left(payload ->> 'nik_sealed', 2) <> $3)",
        event_type,
        index_key,
        f"{seal_key:02x}",
    )
    return int(done.split()[-1])


COUNTS: dict[str, Counts] = {
    **{
        table: (
            ("seal", f"SELECT get_byte({kind}_sealed, 0), count(*) FROM {table} GROUP BY 1"),  # noqa: S608 - constants
            ("index", f"SELECT key_version, count(*) FROM {table} GROUP BY 1"),  # noqa: S608 - constants
        )
        for table, kind in NUMBERED.items()
    },
    "identity_claims": (("index", "SELECT key_version, count(*) FROM identity_claims GROUP BY 1"),),
    "import_rows": (
        ("seal", "SELECT get_byte(sealed, 0), count(*) FROM import_rows GROUP BY 1"),
        (
            "index",
            (
                "SELECT coalesce(i.index_key_version, 0), count(*) FROM import_rows r"
                " JOIN imports i ON i.id = r.import_id GROUP BY 1"
            ),
        ),
    ),
    "told_identities": (
        (
            "seal",
            (
                "SELECT get_byte(decode(left(payload ->> 'nik_sealed', 2), 'hex'), 0), count(*)"
                " FROM outbox WHERE type = 'registry.person.identity.v1' GROUP BY 1"
            ),
        ),
        (
            "index",
            (
                "SELECT (payload ->> 'index_key_version')::int, count(*) FROM outbox"
                " WHERE type = 'registry.person.identity.v1' GROUP BY 1"
            ),
        ),
    ),
}
"""By kind of rows: what counts the values of each key (key id, number)."""
