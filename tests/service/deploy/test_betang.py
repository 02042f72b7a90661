"""``betang`` as a process: what it ends with, and that it says in one sentence why."""

import asyncio
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from deploy.postgres.provision import Urls
from tests.support.stack import Stack

ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Ended:
    code: int
    said: str
    complained: str


async def betang(*arguments: str, **env: str) -> Ended:
    """Run the command with nothing in its environment but ``env``."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "deploy.betang", *arguments,
        env=kept | env, cwd=ROOT,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    said, complained = await process.communicate()
    return Ended(process.returncode or 0, said.decode(), complained.decode())


def registry(urls: Urls) -> dict[str, str]:
    return {"REGISTRY_DATABASE_URL": urls.app, "REGISTRY_OWNER_DATABASE_URL": urls.owner}


@pytest.fixture
async def empty(stack: Stack) -> Urls:
    return await stack.empty_database("registry")


@pytest.fixture
async def migrated(stack: Stack) -> Urls:
    return await stack.database("registry")


async def version(urls: Urls) -> str:
    connection = await asyncpg.connect(urls.owner, server_settings={"search_path": "registry"})
    found = await connection.fetchval("SELECT version_num FROM alembic_version")
    await connection.close()
    return str(found)


async def test_migrate_brings_a_database_to_a_version_and_to_the_newest(empty: Urls) -> None:
    first = await betang("migrate", "registry", "--to", "registry_0001", **registry(empty))
    assert (first.code, first.said) == (0, "registry: selesai dimigrasi\n")
    assert await version(empty) == "registry_0001"
    for _ in range(2):
        ended = await betang("migrate", "registry", BETANG_LANG="en", **registry(empty))
        assert (ended.code, ended.said) == (0, "registry: migrated\n")
    assert await version(empty) != "registry_0001"


async def test_done_is_0_and_failed_is_1(migrated: Urls, empty: Urls) -> None:
    assert (await betang("parked", "list", "registry", **registry(migrated))).code == 0
    without_tables = await betang("parked", "list", "registry", **registry(empty))
    assert without_tables.code == 1
    assert without_tables.complained == "betang: basis data menolak: UndefinedTableError\n"


async def test_a_server_that_does_not_answer_is_1(migrated: Urls) -> None:
    nowhere = "postgresql://nobody:secret@127.0.0.1:1/none"
    ended = await betang("migrate", "registry", **registry(Urls(nowhere, nowhere)))
    assert ended.code == 1
    assert "secret" not in ended.complained
    assert ended.complained.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [["nonsense"], ["migrate", "elsewhere"], ["key", "rotate", "blob", "registry"], ["parked"]],
    ids=" ".join,
)
async def test_wrong_use_is_2(arguments: list[str]) -> None:
    ended = await betang(*arguments)
    assert ended.code == 2
    assert ended.complained.startswith("betang: salah pakai: ")
    assert ended.complained.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "missing"),
    [
        (["republish", "registry"], "REGISTRY_DATABASE_URL"),
        (["key", "rotate", "seal", "registry"], "REGISTRY_KEY_FILE"),
        (["agency", "list"], "NATS_AUTHORITY"),
        (["backup", "somewhere"], "NATS_AUTHORITY"),
    ],
    ids=["republish", "key", "agency", "backup"],
)
async def test_a_missing_variable_is_2_and_named(arguments: list[str], missing: str) -> None:
    ended = await betang(*arguments)
    assert ended.code == 2
    assert missing in ended.complained
    assert ended.complained.count("\n") == 1


async def test_an_order_that_no_worker_carries_out_is_3(migrated: Urls) -> None:
    env = registry(migrated)
    assert (await betang("republish", "registry", **env)).code == 0, "ordered, not awaited"
    assert (await betang("republish", "registry", "--wait", "0.2", **env)).code == 3


async def test_what_contradicts_itself_fails_with_a_sentence(migrated: Urls) -> None:
    for arguments in (["rebuild", "registry"], ["parked", "replay", "registry"]):
        ended = await betang(*arguments, **registry(migrated))
        assert ended.code == 1
        assert "--all" in ended.complained


async def test_a_folder_without_a_backup_is_no_backup(tmp_path: Path) -> None:
    ended = await betang("backup", "verify", str(tmp_path), BETANG_LANG="en")
    assert (ended.code, ended.complained) == (1, f"betang: {tmp_path}: there is no backup\n")
