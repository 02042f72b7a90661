"""A service's roles reach its own database and no other, on the real server."""

import asyncpg
import pytest

from deploy.postgres import provision
from services.shared.ids import new_id
from tests.architecture.source import SERVICES


def url(stack, service: str, role: str, database: str) -> str:
    urls = provision.urls(stack.postgres.url(), service, stack.secrets.passwords()[service])
    return getattr(urls, role).rsplit("/", 1)[0] + f"/{database}"


@pytest.mark.parametrize("role", ["app", "owner"])
@pytest.mark.parametrize("service", SERVICES)
async def test_a_role_connects_to_its_own_database_only(stack, service, role):
    connection = await asyncpg.connect(url(stack, service, role, service))
    assert await connection.fetchval("SELECT current_database()") == service
    await connection.close()
    for other in (*(name for name in SERVICES if name != service), "postgres", "template1"):
        if other in {"postgres", "template1"}:
            continue
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await asyncpg.connect(url(stack, service, role, other))


@pytest.mark.parametrize("service", SERVICES)
async def test_an_app_role_cannot_change_the_schema_or_become_the_owner(stack, service):
    urls = await stack.database(service)
    connection = await asyncpg.connect(urls.app)
    try:
        for statement in (
            f"CREATE TABLE {service}.intruder (n int)",
            "CREATE TABLE public.intruder (n int)",
            f"ALTER TABLE {service}.outbox ADD COLUMN intruder int",
            f"TRUNCATE {service}.outbox",
            f"SET ROLE {service}_owner",
            "CREATE ROLE intruder",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    finally:
        await connection.close()


@pytest.mark.parametrize("service", SERVICES)
async def test_history_is_append_only_for_the_app_role(stack, service):
    urls = await stack.database(service)
    connection = await asyncpg.connect(urls.app)
    try:
        for statement in ("UPDATE {t} SET {c} = {c}", "DELETE FROM {t}"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement.format(t=f"{service}.audit_roots", c="day"))
    finally:
        await connection.close()


async def test_the_server_wants_a_password(stack):
    for password in ("", "wrong", str(new_id())):
        address = stack.postgres.url(password=password)
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(address)
