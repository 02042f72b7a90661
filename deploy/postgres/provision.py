"""Databases and roles: for each service one database, an owner role and an app role.

The owner migrates; the app role reads and writes rows. PUBLIC may not connect, so a role reaches
its own service's database and no other. Everything here may be run again.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg

SERVICES = ("registry", "programs", "distribution", "indicators")
IDENTIFIER = re.compile(r"^[a-z][a-z0-9_]{0,62}$")
CONNECT_TIMEOUT_S = 10
APP_CONNECTIONS_MAX = 60
"""Per service: an API and a worker with pools of ten, and room for a second pair of them."""


@dataclass(frozen=True, slots=True)
class Passwords:
    """The two roles' passwords of one service."""

    owner: str
    app: str


@dataclass(frozen=True, slots=True)
class Urls:
    """The two roles' addresses of one database."""

    owner: str
    app: str


def urls(admin_url: str, service: str, passwords: Passwords, database: str | None = None) -> Urls:
    """Return the owner's and the app role's URLs on the server of ``admin_url``."""
    name = database or service
    return Urls(
        owner=url_of(admin_url, f"{service}_owner", passwords.owner, name),
        app=url_of(admin_url, f"{service}_app", passwords.app, name),
    )


async def provision(admin_url: str, passwords: Mapping[str, Passwords]) -> None:
    """Create or update roles and databases of the services in ``passwords``."""
    connection = await connect(admin_url)
    try:
        for service, secret in passwords.items():
            await _role(connection, f"{service}_owner", secret.owner, connections=-1)
            await _role(connection, f"{service}_app", secret.app, connections=APP_CONNECTIONS_MAX)
            if not await _exists(connection, service):
                await create_database(connection, service, service)
            await close_database(connection, service, service)
    finally:
        await connection.close()


async def create_database(
    connection: "asyncpg.Connection[asyncpg.Record]",
    service: str,
    database: str,
    *,
    template: str | None = None,
) -> None:
    """Create a database owned by the service's owner role, empty or as a copy of ``template``."""
    source = f" TEMPLATE {_name(template)}" if template else " TEMPLATE template0"
    await connection.execute(
        f"CREATE DATABASE {_name(database)} OWNER {_name(service + '_owner')}{source}"
    )


async def close_database(
    connection: "asyncpg.Connection[asyncpg.Record]", service: str, database: str
) -> None:
    """Let the service's two roles connect to ``database``, and nobody else."""
    name = _name(database)
    await connection.execute(f"REVOKE ALL ON DATABASE {name} FROM PUBLIC")
    await connection.execute(f"GRANT CONNECT ON DATABASE {name} TO {_name(service + '_owner')}")
    await connection.execute(f"GRANT CONNECT ON DATABASE {name} TO {_name(service + '_app')}")


async def connect(url: str) -> "asyncpg.Connection[asyncpg.Record]":
    """Open an administrator's connection. The caller closes it."""
    return await asyncpg.connect(url, timeout=CONNECT_TIMEOUT_S)


async def _role(
    connection: "asyncpg.Connection[asyncpg.Record]", role: str, password: str, *, connections: int
) -> None:
    known = await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role)
    verb = "ALTER" if known else "CREATE"
    # A role's password cannot be a parameter; the server quotes it for us.
    quoted = await connection.fetchval("SELECT quote_literal($1::text)", password)
    await connection.execute(
        f"{verb} ROLE {_name(role)} WITH LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE"
        f" NOREPLICATION CONNECTION LIMIT {connections} PASSWORD {quoted}"
    )


async def _exists(connection: "asyncpg.Connection[asyncpg.Record]", database: str) -> bool:
    found = await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", database)
    return found is not None


def _name(identifier: str) -> str:
    if not IDENTIFIER.match(identifier):
        raise ValueError(f"not a name for a role or database: {identifier!r}")
    return f'"{identifier}"'


def url_of(admin_url: str, user: str, password: str, database: str) -> str:
    """Return the URL of a role on the server of ``admin_url``."""
    parts = urlsplit(admin_url)
    host = parts.hostname or "127.0.0.1"
    place = f"{quote(user)}:{quote(password, safe='')}@{host}:{parts.port or 5432}"
    return urlunsplit(("postgresql", place, f"/{database}", parts.query, ""))
