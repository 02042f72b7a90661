"""One service's tables, out of a snapshot and into an empty schema, streamed by COPY.

COPY's text form is read by every version of PostgreSQL. The schema itself is not kept: migrations
make it, up to the version that the backup names.
"""

import gzip
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from deploy.backup.layout import READ_BYTES, Packed
from services.shared.outgoing import lock_number

PURGE = "job uploads-purge"
"""The worker's job that deletes files (``worker.run_job``); it waits while a backup is taken."""

_TABLES = """
SELECT c.relname AS name, array_agg(a.attname::text ORDER BY a.attnum) AS columns
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relnamespace = $1::text::regnamespace AND c.relkind = 'r' AND a.attnum > 0
    AND NOT a.attisdropped AND a.attgenerated = '' AND c.relname <> 'alembic_version'
GROUP BY c.relname ORDER BY c.relname
"""
_PARENTS = """
SELECT conrelid::regclass::oid::text AS child, c.relname AS name, p.relname AS parent
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_class p ON p.oid = k.confrelid
WHERE k.contype = 'f' AND k.connamespace = $1::text::regnamespace AND c.oid <> p.oid
"""
_SEQUENCES = "SELECT sequencename AS name, last_value FROM pg_sequences WHERE schemaname = $1"


@dataclass(frozen=True, slots=True)
class Target:
    """Where one service's data are: the owner's URL and the schema."""

    service: str
    url: str
    schema: str

    async def connect(self) -> "asyncpg.Connection[Any]":
        """Open the owner's connection; statements may take as long as they take."""
        settings = {"search_path": f'"{self.schema}", public', "application_name": "betang backup"}
        return await asyncpg.connect(self.url, server_settings=settings, timeout=10)


class Snapshot:
    """One service's database as it was at one moment; files that it names stay meanwhile."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self._connection: asyncpg.Connection[Any]

    async def open(self) -> "Snapshot":
        """Keep the purge of files away, then take the snapshot."""
        self._connection = await self.target.connect()
        lock = lock_number(PURGE, self.target.schema)
        await self._connection.execute("SELECT pg_advisory_lock($1)", lock)
        await self._connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        await self._connection.execute("SELECT 1")
        return self

    async def close(self) -> None:
        """End the snapshot, and with it the lock."""
        await self._connection.close()

    async def revision(self) -> str:
        """Return the version of the schema."""
        return str(await self._connection.fetchval("SELECT version_num FROM alembic_version"))

    async def dump(self, folder: Path) -> dict[str, Any]:
        """Write every table; return the entries of the manifest."""
        tables = {}
        for table in await self._connection.fetch(_TABLES, _quoted(self.target.schema)):
            packed = Packed(folder / f"{table['name']}.gz")

            async def write(data: bytes, packed: Packed = packed) -> None:
                packed.write(data)

            done = await self._connection.copy_from_table(
                table["name"], columns=table["columns"], output=write
            )
            tables[table["name"]] = packed.close() | {
                "columns": table["columns"],
                "rows": int(done.split()[-1]),
            }
        return tables

    async def sequences(self) -> dict[str, int | None]:
        """Return where sequences stand: at or behind every number of the snapshot."""
        rows = await self._connection.fetch(_SEQUENCES, self.target.schema)
        return {row["name"]: row["last_value"] for row in rows}

    async def files(self) -> AsyncIterator[str]:
        """Yield the names of the files that the rows need."""
        async for row in self._connection.cursor(
            "SELECT location FROM blobs WHERE deleted_at IS NULL ORDER BY location"
        ):
            yield row["location"]


async def strangers(connection: "asyncpg.Connection[Any]", app_role: str) -> int:
    """Return how many sessions of the service there are: it must be stopped."""
    return int(
        await connection.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND usename = $1 AND pid <> pg_backend_pid()",
            app_role,
        )
    )


async def holds_data(connection: "asyncpg.Connection[Any]", schema: str) -> bool:
    """Say whether anybody worked in this database: every write leaves an audit entry."""
    known = await connection.fetchval("SELECT to_regclass($1)", f'"{schema}".audit_entries')
    if known is None:
        return False
    return bool(await connection.fetchval("SELECT EXISTS (SELECT 1 FROM audit_entries)"))


async def drop(connection: "asyncpg.Connection[Any]", schema: str) -> None:
    """Remove the schema with all that is in it."""
    await connection.execute(f'DROP SCHEMA IF EXISTS "{schema}" CASCADE')


async def load(
    connection: "asyncpg.Connection[Any]", schema: str, folder: Path, told: Mapping[str, Any]
) -> None:
    """Fill the tables of an empty, migrated schema, in one transaction."""
    tables: dict[str, Any] = told["tables"]
    order = await _parents_first(connection, schema, list(tables))
    async with connection.transaction():
        for name in order:
            # Triggers saw these rows when they were written; foreign keys are checked again.
            await connection.execute(f'ALTER TABLE "{name}" DISABLE TRIGGER USER')
        for name in reversed(order):
            await connection.execute(f'DELETE FROM "{name}"')  # noqa: S608 - own names
        for name in order:
            with gzip.open(folder / f"{name}.gz", "rb") as file:
                done = await connection.copy_to_table(
                    name, source=_pieces(file), columns=tables[name]["columns"]
                )
            if int(done.split()[-1]) != tables[name]["rows"]:
                raise ValueError(f"{folder.name}.{name}: {done}, {tables[name]['rows']} expected")
        for name in order:
            await connection.execute(f'ALTER TABLE "{name}" ENABLE TRIGGER USER')
        for name, last in told["sequences"].items():
            if last is not None:
                await connection.execute("SELECT setval($1, $2)", f'"{schema}"."{name}"', last)
        await _forget_what_was_under_way(connection)


async def _forget_what_was_under_way(connection: "asyncpg.Connection[Any]") -> None:
    """Drop what belongs to the moment of the backup alone.

    Parts of unfinished uploads are not in it; orders were for the worker of then; the streams that
    the relay knew are made anew, and facts are told again with their ids.
    """
    await connection.execute("DELETE FROM uploads WHERE finished_at IS NULL")
    await connection.execute("DELETE FROM stream_marks")
    await connection.execute(
        "UPDATE outbox SET published_at = NULL, published_seq = NULL"
        " WHERE kind = 'fact' AND published_at IS NOT NULL"
    )
    await connection.execute(
        "UPDATE commands SET done_at = now(), outcome = 'failed restored' WHERE done_at IS NULL"
    )


async def _pieces(file: Any) -> AsyncIterator[bytes]:
    while piece := file.read(READ_BYTES):
        yield piece


async def _parents_first(
    connection: "asyncpg.Connection[Any]", schema: str, tables: list[str]
) -> list[str]:
    rows = await connection.fetch(_PARENTS, _quoted(schema))
    parents = {table: {row["parent"] for row in rows if row["name"] == table} for table in tables}
    order: list[str] = []
    while len(order) < len(tables):
        ready = [t for t in tables if t not in order and parents[t] <= set(order)]
        if not ready:
            raise ValueError(f"{schema}: foreign keys in a circle")
        order += ready
    return order


def _quoted(schema: str) -> str:
    return f'"{schema}"'
