"""Emergency access: a role of its own, noted, limited, and gone at the end."""

import asyncio
import json
from typing import Any

import asyncpg
import pytest

from deploy import betang
from deploy.postgres.provision import Urls
from services.shared.cli import DONE, FAILED, USAGE
from tests.support.stack import Stack

REASON = "Laporan bulanan menunjukkan saldo ganda di satu program"


@pytest.fixture
async def urls(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Urls:
    urls = await stack.database("registry")
    monkeypatch.setenv("ADMIN_DATABASE_URL", stack.postgres.url())
    monkeypatch.setenv("REGISTRY_DATABASE_URL", urls.app)
    monkeypatch.setenv("REGISTRY_OWNER_DATABASE_URL", urls.owner)
    return urls


async def run(*arguments: str) -> int:
    """Run ``betang break-glass`` as its process would: outside of our event loop."""
    return await asyncio.to_thread(betang.main, ["break-glass", *arguments])


async def opened(capsys: Any, *more: str) -> str:
    assert await run("open", "registry", "--reason", REASON, *more) == DONE
    return str(capsys.readouterr().out.splitlines()[0])


async def audit(urls: Urls) -> list[tuple[str, str, dict[str, Any]]]:
    connection = await asyncpg.connect(urls.app, server_settings={"search_path": "registry"})
    rows = await connection.fetch(
        "SELECT action, subject, payload FROM audit_entries JOIN audit_payloads ON entry_id = id"
        " ORDER BY occurred_at"
    )
    await connection.close()
    return [(row["action"], row["subject"], json.loads(row["payload"])) for row in rows]


async def test_who_breaks_the_glass_reads_and_cannot_write(urls: Urls, capsys: Any) -> None:
    connection = await asyncpg.connect(await opened(capsys))
    assert await connection.fetchval("SELECT count(*) FROM families") == 0
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute("DELETE FROM families")
    assert await connection.fetchval("SHOW log_statement") == "all"
    name = await connection.fetchval("SELECT current_user")

    assert await run("close", name) == DONE
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        await connection.fetchval("SELECT 1")
    await connection.close(timeout=1)
    assert await run("close", name) == FAILED, "it is gone"
    entries = await audit(urls)
    assert [(action, subject) for action, subject, _ in entries] == [
        ("break_glass.opened", f"role/{name}"),
        ("break_glass.closed", f"role/{name}"),
    ]
    assert entries[0][2]["reason"] == REASON
    assert entries[1][2] == {"sessions_ended": 1}


async def test_to_write_is_asked_for_and_history_stays_as_it_is(urls: Urls, capsys: Any) -> None:
    connection = await asyncpg.connect(await opened(capsys, "--write"))
    await connection.execute("DELETE FROM families")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute("DELETE FROM audit_entries")
    name = await connection.fetchval("SELECT current_user")
    await connection.close()
    assert await run("close", name) == DONE


async def test_what_expired_can_be_closed_at_once_and_the_rest_stays(
    urls: Urls, stack: Stack, capsys: Any
) -> None:
    old, new = [(await opened(capsys)).split("//")[1].split(":")[0] for _ in range(2)]
    admin = await asyncpg.connect(stack.postgres.url())
    await admin.execute(f"ALTER ROLE {old} VALID UNTIL '2020-01-01'")
    assert await run("close", "expired") == DONE
    assert await run("list") == DONE
    said = capsys.readouterr().out
    assert f"{old}: ditutup" in said
    left = await admin.fetch("SELECT rolname FROM pg_roles WHERE rolname LIKE 'break_glass%'")
    assert [row["rolname"] for row in left] == [new]
    await admin.close()
    assert await run("close", new) == DONE


async def test_without_a_reason_or_for_too_long_there_is_no_way_in(urls: Urls, capsys: Any) -> None:
    assert await run("open", "registry", "--reason", "perlu") == FAILED
    assert await run("open", "registry", "--reason", REASON, "--minutes", "9999") == FAILED
    assert await run("close", "registry_app") == FAILED, "no role but these is ever ended"
    assert await audit(urls) == []


async def test_it_needs_the_administrator(urls: Urls, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ADMIN_DATABASE_URL")
    assert await run("list") == USAGE
