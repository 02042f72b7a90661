"""``betang break-glass``: a person's own, short-lived way into one database, noted in the audit.

The role is made for one reason, ends by itself, may read (or do what the service may, never more),
and the server writes each of its statements into its log. Numbers stay sealed: no key is given.
"""

import asyncio
import getpass
import re
import secrets
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import asyncpg
from sqlalchemy import make_url

from deploy.postgres.provision import connect, url_of
from services.shared import clock
from services.shared.cli.language import t
from services.shared.cli.shape import (
    DONE,
    SERVICES,
    Commands,
    Options,
    Parser,
    database,
    rows_of,
    say,
)
from services.shared.migrations import target_from_environment, variable

PREFIX = "break_glass_"
NAME = re.compile(rf"^{PREFIX}[a-z_]+_[0-9a-f]{{8}}$")
MINUTES, MINUTES_MAX = 60, 8 * 60
REASON_MIN = 10
"""Letters of a reason: a word is none."""

_OPEN = """
SELECT rolname AS name, rolvaliduntil AS until,
       (SELECT count(*) FROM pg_stat_activity WHERE usename = rolname) AS sessions
FROM pg_roles WHERE rolname LIKE 'break\\_glass\\_%' ORDER BY rolname
"""


def open_(options: Options) -> int:
    """Make a role that ends by itself; print its URL once."""
    reason = options.reason.strip()
    if len(reason) < REASON_MIN:
        raise ValueError(t("sebutkan alasannya, satu kalimat", "give the reason, a sentence"))
    if not 0 < options.minutes <= MINUTES_MAX:
        raise ValueError(t(f"paling lama {MINUTES_MAX} menit", f"at most {MINUTES_MAX} minutes"))
    until = clock.now() + timedelta(minutes=options.minutes)
    name = f"{PREFIX}{options.service}_{secrets.token_hex(4)}"
    password = secrets.token_urlsafe(24)
    about = {"reason": reason, "until": until.isoformat(), "write": options.write}
    # Noted first: a way in that nobody noted must not exist.
    asyncio.run(_note(options.service, "break_glass.opened", name, about))
    asyncio.run(_open(options.service, name, password, until, write=options.write))
    own = make_url(variable(f"{options.service.upper()}_DATABASE_URL")).database or ""
    say(
        url_of(_admin_url(), name, password, own),
        t("sampai", "until") + f" {until:%Y-%m-%d %H:%M} UTC",
    )
    return DONE


def close(options: Options) -> int:
    """End a role and its sessions; ``expired`` ends all whose time is over."""
    found = asyncio.run(_roles())
    if options.name == "expired":
        names = [row["name"] for row in found if row["until"] <= clock.now()]
    else:
        names = [row["name"] for row in found if row["name"] == options.name]
        if not names:
            raise LookupError(t(f"tidak ada peran {options.name}", f"no role {options.name}"))
    for name in names:
        service = name.removeprefix(PREFIX).rsplit("_", 1)[0]
        ended = asyncio.run(_close(service, name))
        asyncio.run(_note(service, "break_glass.closed", name, {"sessions_ended": ended}))
        say(t(f"{name}: ditutup, {ended} sesi diakhiri", f"{name}: closed, {ended} sessions ended"))
    return DONE


def list_open(_: Options) -> int:
    """List the roles that are there."""
    rows = asyncio.run(_roles())
    sessions = t("sesi", "sessions")
    say(*rows_of([(r["name"], f"{r['until']:%Y-%m-%d %H:%M}", f"{r['sessions']} {sessions}")
                  for r in rows]))  # fmt: skip
    return DONE


async def _open(service: str, name: str, password: str, until: datetime, *, write: bool) -> None:
    target = target_from_environment(service)
    schema = target.schema
    connection = await _connect(service)
    try:
        async with connection.transaction():
            quoted = await connection.fetchval("SELECT quote_literal($1::text)", password)
            await connection.execute(
                f"CREATE ROLE {name} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE CONNECTION LIMIT 3"
                f" PASSWORD {quoted} VALID UNTIL '{until.isoformat()}'"
            )
            await connection.execute(f"ALTER ROLE {name} SET log_statement = 'all'")
            await connection.execute(f'ALTER ROLE {name} SET search_path = "{schema}", public')
            base = await connection.fetchval("SELECT quote_ident(current_database())")
            await connection.execute(f"GRANT CONNECT ON DATABASE {base} TO {name}")
            await connection.execute(f'GRANT USAGE ON SCHEMA "{schema}" TO {name}')
            await connection.execute(f'GRANT SELECT ON ALL TABLES IN SCHEMA "{schema}" TO {name}')
            if write:
                await connection.execute(f'GRANT "{target.app_role}" TO {name}')
    finally:
        await connection.close()


async def _close(service: str, name: str) -> int:
    if not NAME.match(name):
        raise ValueError(name)
    connection = await _connect(service)
    try:
        await connection.execute(f"ALTER ROLE {name} NOLOGIN")
        ended = await connection.fetchval(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = $1", name
        )
        await connection.execute(f"DROP OWNED BY {name}")
        base = await connection.fetchval("SELECT quote_ident(current_database())")
        await connection.execute(f"REVOKE ALL ON DATABASE {base} FROM {name}")
        await connection.execute(f"DROP ROLE {name}")
        return int(ended)
    finally:
        await connection.close()


async def _roles() -> "list[asyncpg.Record]":
    connection = await connect(_admin_url())
    try:
        return list(await connection.fetch(_OPEN))
    finally:
        await connection.close()


async def _note(service: str, action: str, name: str, about: dict[str, object]) -> None:
    db = database(service)
    try:
        async with db.transaction() as tx:
            tx.audit(action, f"role/{name}", about, f"cli:{getpass.getuser()}")
    finally:
        await db.close()


async def _connect(service: str) -> "asyncpg.Connection[asyncpg.Record]":
    """Connect as the administrator to the database of a service."""
    own = make_url(variable(f"{service.upper()}_DATABASE_URL")).database or ""
    return await connect(urlsplit(_admin_url())._replace(path=f"/{own}").geturl())


def _admin_url() -> str:
    return variable("ADMIN_DATABASE_URL")


def add(to: Commands) -> None:
    """Add these commands."""
    text = t("Akses darurat ke satu basis data.", "Emergency access to one database.")
    group = to.group("break-glass", text, "open|close|list")
    text = t("Buat peran yang berakhir sendiri.", "Make a role that ends by itself.")
    one = group.plain("open", text, open_)
    _reason(one)
    text = t("Akhiri peran dan sesinya; 'expired' untuk semua yang habis waktu.",
             "End a role and its sessions; 'expired' for all whose time is over.")  # fmt: skip
    one = group.plain("close", text, close)
    one.add_argument("name", metavar="name|expired")
    group.plain("list", t("Daftar peran darurat.", "List the roles."), list_open)


def _reason(one: Parser) -> None:
    one.add_argument("service", choices=SERVICES, metavar="service")
    one.add_argument("--reason", required=True, help=t("dicatat di audit", "noted in the audit"))
    one.add_argument("--minutes", type=int, default=MINUTES, metavar="N")
    help_ = t("boleh menulis seperti layanannya", "may write what the service may")
    one.add_argument("--write", action="store_true", help=help_)
