"""Alembic, set up once for all services. A service's ``migrations/env.py`` is three lines.

Runs as the owner role; one transaction per migration under an advisory lock, with lock and
statement timeouts, in the schema of the setting. Afterwards the app role (the user of
``<SERVICE>_DATABASE_URL``) gets its grants: all rows of all tables, but on append-only tables
neither UPDATE nor DELETE. ``betang migrate`` and ``alembic -n <service> upgrade head`` both end
here.
"""

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from alembic import command, context
from alembic.config import Config
from alembic.operations import Operations
from sqlalchemy import Connection, MetaData, make_url, text
from sqlalchemy.ext.asyncio import create_async_engine

from services.shared.outgoing import lock_number
from services.shared.tables import new_metadata, shared_tables

ROOT = Path(__file__).resolve().parents[2]
LOCK_TIMEOUT = "10s"
STATEMENT_TIMEOUT = "30min"


@dataclass(frozen=True, slots=True)
class Target:
    """Where to migrate: the owner's URL, the schema, and the role that the service uses."""

    owner_url: str
    schema: str
    app_role: str


class NotConfigured(Exception):
    """An environment variable that the migration needs is missing."""


def target_from_environment(service: str) -> Target:
    """Read ``<SERVICE>_OWNER_DATABASE_URL``, ``_DATABASE_URL`` and ``_DATABASE_SCHEMA``."""
    prefix = service.upper()
    owner_url = variable(f"{prefix}_OWNER_DATABASE_URL")
    app_role = make_url(variable(f"{prefix}_DATABASE_URL")).username
    if app_role is None:
        raise NotConfigured(f"{prefix}_DATABASE_URL names no user")
    return Target(owner_url, os.environ.get(f"{prefix}_DATABASE_SCHEMA") or service, app_role)


def variable(name: str) -> str:
    """Return a variable, or the content of the file that ``<name>_FILE`` names."""
    if value := os.environ.get(name):
        return value
    if path := os.environ.get(f"{name}_FILE"):
        return Path(path).read_text(encoding="utf-8").strip()
    raise NotConfigured(f"{name} belum diisi / is not set")


def upgrade(service: str, target: Target | None = None, revision: str = "head") -> None:
    """Bring one service's database to ``revision``. Blocking, also inside a running loop."""
    command.upgrade(alembic_config(service, target), revision)


def alembic_config(service: str, target: Target | None = None) -> Config:
    """Return Alembic's configuration of one service, for upgrade, check and downgrade."""
    config = Config(str(ROOT / "alembic.ini"), ini_section=service)
    config.attributes["target"] = target or target_from_environment(service)
    return config


def run(service: str, metadata: MetaData) -> None:
    """Do what Alembic asks; called by ``services/<service>/migrations/env.py``."""
    target: Target = context.config.attributes.get("target") or target_from_environment(service)
    # A thread of its own, because Alembic's commands are sync and the caller may run a loop.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, _run(target, metadata)).result()


async def _run(target: Target, metadata: MetaData) -> None:
    engine = create_async_engine(
        target.owner_url.replace("postgresql://", "postgresql+asyncpg://"),
        connect_args={
            "server_settings": {
                "search_path": f'"{target.schema}", public',
                "lock_timeout": LOCK_TIMEOUT,
                "statement_timeout": STATEMENT_TIMEOUT,
            }
        },
    )
    try:
        async with engine.connect() as connection:
            await connection.run_sync(_migrate, target, metadata)
    finally:
        await engine.dispose()


def _migrate(connection: Connection, target: Target, metadata: MetaData) -> None:
    lock = {"n": lock_number("migrations", target.schema)}
    connection.execute(text("SELECT pg_advisory_lock(:n)"), lock)
    connection.execute(text(f'CREATE SCHEMA IF NOT EXISTS "{target.schema}"'))
    connection.commit()
    context.configure(
        connection=connection,
        target_metadata=metadata,
        transaction_per_migration=True,
        compare_type=True,
        compare_server_default=False,
    )
    with context.begin_transaction():
        context.run_migrations()
    if connection.in_transaction():
        connection.commit()
    grant(connection, target, metadata)
    connection.commit()
    connection.execute(text("SELECT pg_advisory_unlock(:n)"), lock)
    connection.commit()


def grant(connection: Connection, target: Target, metadata: MetaData) -> None:
    """Give the app role its rights on every table of the schema, and no others."""
    role, schema = f'"{target.app_role}"', f'"{target.schema}"'
    append_only = {
        table.name for table in metadata.tables.values() if table.info.get("append_only")
    }
    connection.execute(text(f"GRANT USAGE ON SCHEMA {schema} TO {role}"))
    names = connection.execute(
        text("SELECT tablename FROM pg_tables WHERE schemaname = :schema"),
        {"schema": target.schema},
    )
    for name in names.scalars().all():
        table = f'{schema}."{name}"'
        rights = "SELECT, INSERT" if name in append_only else "SELECT, INSERT, UPDATE, DELETE"
        if name == "alembic_version":
            rights = "SELECT"
        connection.execute(text(f"REVOKE ALL ON {table} FROM {role}"))
        connection.execute(text(f"GRANT {rights} ON {table} TO {role}"))
    connection.execute(text(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {role}"))
    feed = f"{schema}.outbox_feed_position"
    if connection.scalar(text("SELECT to_regclass(:feed)"), {"feed": feed}):
        # Its numbers jump after a restore: see ``epochs``.
        connection.execute(text(f"GRANT SELECT, UPDATE ON SEQUENCE {feed} TO {role}"))


def create_shared_tables_v1(op: Operations | ModuleType) -> None:
    """Create the shared tables; the first migration of each service calls it.

    Until the first release this follows ``tables.py``. After it, a change here is a new
    ``..._v2(op)`` with its own ALTER statements, called by a new migration of each service.
    """
    connection = op.get_bind()
    metadata = new_metadata()
    shared_tables(metadata)
    metadata.create_all(connection)
    connection.execute(text("INSERT INTO epoch (value, raised_at) VALUES (1, now())"))
    connection.execute(text("CREATE SEQUENCE outbox_feed_position"))


def add_feed_gaps(op: Operations | ModuleType) -> None:
    """Add where the change feed lost positions; a database made since has the column."""
    op.execute("ALTER TABLE epoch ADD COLUMN IF NOT EXISTS feed_gaps JSONB NOT NULL DEFAULT '[]'")


def create_extensions(op: Operations | ModuleType, *names: str) -> None:
    """Create trusted extensions (pg_trgm, btree_gist ...) where every schema finds them."""
    for name in names:
        op.execute(f'CREATE EXTENSION IF NOT EXISTS "{name}" SCHEMA public')
