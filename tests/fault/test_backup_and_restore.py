"""A backup taken under load; then everything is lost, and comes back by the runbook's commands."""

import re
import shutil
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from deploy.backup import places, streams
from tests.support.faults.checker import check_at_the_end, connected
from tests.support.faults.history import History
from tests.support.faults.journey import Journey
from tests.support.faults.load import at_work, calls_answered
from tests.support.operating import ROOT, betang, done, environment
from tests.support.system import RunningSystem
from tests.support.waiting import wait_until

RUNBOOK = ROOT / "docs" / "runbooks" / "restore.md"
SERVICES = places.SNAPSHOT_ORDER
PARTS = [*SERVICES, *(f"{service}-worker" for service in SERVICES)]
FACTS = {
    "families": ("registry", "SELECT count(*) FROM families"),
    "audit": ("programs", "SELECT count(*) FROM audit_entries"),
    "deliveries": ("distribution", "SELECT count(*) FROM deliveries"),
}


@pytest.fixture(scope="module")
async def system() -> AsyncIterator[RunningSystem]:
    """A system of this module alone: it is destroyed here."""
    system = RunningSystem()
    try:
        await system.start()
        yield system
    finally:
        await system.stop()


@dataclass
class Before:
    """What was known when the backup was taken, and afterwards in the time that is lost."""

    folder: Path
    journey: Journey
    acknowledged: History
    feed_kept: int
    feed_lost: int
    evidence: bytes
    evidence_path: str
    auth: Mapping[str, str]


def steps(section: str) -> list[str]:
    """Return the first ``betang`` command of each numbered step of a section of the runbook."""
    text = RUNBOOK.read_text().split(f"## {section}\n")[1].split("\n## ")[0]
    numbered = re.findall(r"^\d+\. .*$", text, re.MULTILINE)
    found = [re.search(r"`betang ([^`]+)`", step) for step in numbered]
    return [match[1] for match in found if match]


async def position(system: RunningSystem, service: str) -> int:
    """Return the place of a reader of the change feed that has read everything."""
    after = 0
    while True:
        page = (await feed(system, service, after)).json()
        if page["next"] == after:
            return after
        after = page["next"]


async def feed(system: RunningSystem, service: str, after: int) -> Any:
    return await system.client.get(
        f"/v1/changes/{service}",
        params={"after": after, "limit": 200},
        headers=system.auth("admin"),
    )


async def evidence(system: RunningSystem) -> tuple[str, bytes]:
    """Keep a file; return its path and content."""
    content = b"%PDF-1.4 " + bytes(range(256)) * 700
    headers = system.auth("operator_desa", regions=["62.02.06.2005"])
    body = {"file_name": "bukti.csv", "media_type": "text/csv", "purpose": "import",
            "size": len(content), "region_code": "62.02.06.2005"}  # fmt: skip
    made = await system.client.post("/v1/uploads/registry", json=body, headers=headers)
    path = f"/v1/uploads/registry/{made.json()['id']}"
    sent = {"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    answer = await system.client.patch(path, content=content, headers=headers | sent)
    assert answer.status_code == 204, answer.text
    return path, content


@pytest.fixture(scope="module")
async def before(
    system: RunningSystem, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Before]:
    """A regency at work, a backup in the midst of it, and work after it."""
    folder = tmp_path_factory.mktemp("backups")
    acknowledged = History("backup")
    journey = Journey(system, acknowledged, families=20)
    await journey.open()
    path, content = await evidence(system)
    async with at_work(journey):
        await calls_answered(journey, 60)
    kept = await position(system, "registry")

    journey.history = History("during the backup")
    (take, *checks) = steps("Take a backup")
    async with at_work(journey):
        await calls_answered(journey, 10)
        await done(system, take.replace("<folder>", str(folder)))
        await calls_answered(journey, 10)
    for command in checks:
        await done(system, command.replace("<folder>", str(folder)))

    journey.history = History("lost")
    await journey.import_families(5)
    await journey.new_program()
    async with at_work(journey):
        await calls_answered(journey, 40)
    lost = await wait_until(lambda: beyond(system, kept), 60)
    yield Before(folder, journey, acknowledged, kept, lost, content, path, {})
    await journey.close()


async def beyond(system: RunningSystem, kept: int) -> int | None:
    found = await position(system, "registry")
    return found if found > kept else None


async def destroy(system: RunningSystem) -> None:
    """Lose every table, every stream and every file."""
    env = environment(system)
    for service in SERVICES:
        connection = await asyncpg.connect(env[f"{service.upper()}_OWNER_DATABASE_URL"])
        await connection.execute(f"DROP SCHEMA {service} CASCADE")
        await connection.close()
    shutil.rmtree(system.state / "blobs")
    async with streams.operator(system.authority, system.nats_url) as operator:
        for info in await operator.streams_info():
            await operator.delete_stream(info.config.name or "")
        assert await operator.streams_info() == []


async def all_is_well(system: RunningSystem, history: History) -> None:
    """Wait until every consumer holds what its producer holds; check books and promises."""
    env = environment(system)
    urls = {service: env[f"{service.upper()}_DATABASE_URL"] for service in SERVICES}
    async with connected(urls) as databases:
        await check_at_the_end(history, databases, alone=False)


@pytest.mark.timeout(500)
async def test_everything_comes_back_and_agrees(system: RunningSystem, before: Before) -> None:
    folder = str(before.folder)
    await system.hold(*PARTS)
    refused = await betang(system, f"restore {folder}")
    assert refused.code == 1, "data are there"
    assert "--replace" in refused.complained
    await destroy(system)

    for command in steps("Everything is lost"):
        await done(system, command.replace("<folder>", folder))
    await system.resume(*PARTS)

    await all_is_well(system, before.acknowledged)
    headers = system.auth("operator_desa", regions=["62.02.06.2005"])
    shown = await system.client.get(f"{before.evidence_path}/content", headers=headers)
    assert shown.content == before.evidence

    lost = await feed(system, "registry", before.feed_lost)
    assert (lost.status_code, lost.json()["code"]) == (410, "feed_position_lost")
    for after in (0, before.feed_kept):
        assert (await feed(system, "registry", after)).status_code == 200
    told = (await feed(system, "registry", before.feed_kept)).json()["data"]
    assert told, "a reader that lost nothing goes on, and hears the states of the new epoch"


@pytest.mark.timeout(500)
async def test_work_goes_on_after_it(system: RunningSystem, before: Before) -> None:
    journey = before.journey
    journey.history = History("after the restore")
    await journey.look_again()
    await journey.import_families(5)
    await journey.prepare()
    async with at_work(journey):
        await calls_answered(journey, 60)
    await all_is_well(system, journey.history)


@pytest.mark.timeout(500)
async def test_one_database_comes_back_while_the_others_run(
    system: RunningSystem, before: Before
) -> None:
    folder = str(before.folder)
    await system.hold("distribution", "distribution-worker")
    (command,) = re.findall(r"`betang (restore <folder> --only [^`]+)`", RUNBOOK.read_text())
    await done(system, command.replace("<folder>", folder).replace("<service>", "distribution"))
    await system.resume("distribution-worker", "distribution")
    history = History("one database")
    await all_is_well(system, history)


async def test_a_damaged_backup_is_found_and_not_restored(
    system: RunningSystem, before: Before
) -> None:
    backup = max(before.folder.glob("2*"))
    victim = backup / "registry" / "families.gz"
    good = victim.read_bytes()
    try:
        victim.write_bytes(good[:-9] + bytes([good[-9] ^ 1]) + good[-8:])
        seen = await betang(system, f"backup verify {before.folder}")
        assert seen.code == 1
        assert "families.gz" in seen.said
        refused = await betang(system, f"restore {before.folder} --replace")
        assert refused.code == 1
        assert "families.gz" in refused.complained
    finally:
        victim.write_bytes(good)
    await done(system, f"backup verify {before.folder}")


async def test_a_second_backup_copies_only_new_files(system: RunningSystem, before: Before) -> None:
    blobs = before.folder / "blobs"
    old = {path: path.stat().st_mtime_ns for path in blobs.rglob("*") if path.is_file()}
    assert old
    await done(system, f"backup {before.folder}")
    assert {path: path.stat().st_mtime_ns for path in old} == old
    await done(system, f"backup verify {before.folder}")
