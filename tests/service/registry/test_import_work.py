"""An import's worker: killed, cancelled, taken over; progress as server-sent events."""

import asyncio
import json
from contextlib import asynccontextmanager

import httpx
import pytest
from prometheus_client import REGISTRY

from services.registry.actions import imports_files, imports_measuring, imports_stages
from services.registry.storage.imports import ATTEMPTS_MAX
from tests.support import files
from tests.support.imports import OTHER_VILLAGE, ImportDesk
from tests.support.service import running_service
from tests.support.serving import serving
from tests.support.waiting import wait_until


@pytest.fixture
async def desk(stack, broker):
    async with asynccontextmanager(running_service)("registry", stack, broker) as service:
        yield await ImportDesk(service).open()


class Killed(BaseException):
    """Ends a stage as a kill does: no handler of ours may catch it."""


def kill_at(monkeypatch, module, name: str, call: int) -> None:
    """Let the ``call``-th call of a function be the last thing that its worker does."""
    original = getattr(module, name)
    calls = 0

    async def counted(*args, **kwargs):
        nonlocal calls
        calls += 1
        if calls == call:
            raise Killed
        return await original(*args, **kwargs)

    monkeypatch.setattr(module, name, counted)


async def expire_lease(desk: ImportDesk) -> None:
    await desk.service.db.pool.fetch("UPDATE imports SET lease_until = now() - interval '1 s'")


@pytest.mark.parametrize(
    ("module", "name", "call"),
    [
        (imports_stages.import_rows, "stage", 2),
        (imports_stages.imports_staging, "check_whole_file", 1),
        (imports_stages.import_rows, "set_outcomes", 2),
    ],
)
async def test_a_worker_killed_while_reading_or_comparing_is_replaced_and_nothing_is_twice(
    desk, monkeypatch, module, name, call
):
    monkeypatch.setattr(imports_files, "CHUNK_ROWS", 20)
    monkeypatch.setattr(imports_stages, "PART_ROWS", 20)
    started = await desk.start(files.opensid_csv(files.village(20)))
    with monkeypatch.context() as dying:
        kill_at(dying, module, name, call)
        with pytest.raises(Killed):
            await desk.worker.drain()
    assert not await desk.new_worker().work_once(), "the dead worker's lease still holds"
    await expire_lease(desk)
    await desk.new_worker().drain()
    found = await desk.read(started["id"])
    assert (found["state"], found["counts"]["new"]) == ("validated", 60)
    assert await desk.count("SELECT count(*) FROM import_rows") == 60


async def test_how_many_imports_stand_where_and_how_long_is_measured(desk):
    def shown(name: str, stage: str) -> float | None:
        return REGISTRY.get_sample_value(name, {"stage": stage})

    await desk.start(files.opensid_csv(files.village(2)))
    await imports_measuring.measure(desk.service.db)
    assert shown("betang_imports", "received") == 1
    assert shown("betang_imports_oldest_seconds", "received") > 0

    await desk.worker.drain()
    await imports_measuring.measure(desk.service.db)
    assert (shown("betang_imports", "received"), shown("betang_imports", "validated")) == (0, 1)
    assert shown("betang_imports_oldest_seconds", "received") == 0


async def test_a_worker_killed_in_the_middle_of_a_merge_leaves_no_half_merge(desk, monkeypatch):
    monkeypatch.setattr(imports_stages, "PART_ROWS", 20)
    found = await desk.validated(files.opensid_csv(files.village(20)))
    with monkeypatch.context() as dying:
        kill_at(dying, imports_stages, "merge_residents", 3)
        await desk.decide(found, "approve", desk.kades())
        with pytest.raises(Killed):
            await desk.worker.drain()
    assert await desk.count("SELECT count(*) FROM families") == 0
    assert (await desk.read(found["id"]))["state"] == "reviewed"
    await expire_lease(desk)
    await desk.new_worker().drain()
    assert (await desk.read(found["id"]))["state"] == "merged"
    assert await desk.count("SELECT count(*) FROM persons") == 60


async def test_a_list_cancelled_while_it_is_read_stops_and_is_never_merged(desk, monkeypatch):
    monkeypatch.setattr(imports_files, "CHUNK_ROWS", 20)
    started = await desk.start(files.opensid_csv(files.village(20)))
    original = imports_stages.import_rows.stage

    async def stage_then_cancel(*args, **kwargs):
        await original(*args, **kwargs)
        answer = await desk.decide(started, "cancel", desk.operator())
        assert answer.json()["state"] == "cancelled"

    monkeypatch.setattr(imports_stages.import_rows, "stage", stage_then_cancel)
    assert await desk.worker.work_once()
    assert not await desk.worker.work_once()
    assert (await desk.read(started["id"]))["state"] == "cancelled"
    assert await desk.count("SELECT count(*) FROM import_rows") == 0


async def test_two_workers_share_the_imports_and_none_is_done_twice(desk):
    for number in range(4):
        await desk.start(files.opensid_csv(files.village(2, first=number * 2)))
    done = await asyncio.gather(desk.worker.drain(), desk.new_worker().drain())
    assert sum(done) == 8
    assert await desk.count("SELECT count(*) FROM imports WHERE state = 'validated'") == 4
    assert await desk.count("SELECT count(*) FROM import_rows WHERE verdict = 'new'") == 24


async def test_an_import_that_fails_again_and_again_ends_and_does_not_block_others(
    desk, monkeypatch
):
    bad = await desk.start(files.opensid_csv(files.village(1)))

    async def broken(*_args, **_kwargs):
        raise RuntimeError("a bug")

    with monkeypatch.context() as buggy:
        buggy.setattr(imports_stages.import_rows, "stage", broken)
        for _ in range(ATTEMPTS_MAX):
            assert await desk.worker.work_once()
            await expire_lease(desk)
    good = await desk.start(files.opensid_csv(files.village(1)))
    await desk.worker.drain()
    ended = await desk.read(bad["id"])
    assert (ended["state"], ended["failure"]["code"]) == ("failed", "crashed_too_often")
    assert (await desk.read(good["id"]))["state"] == "validated"


def parse_events(text: str) -> list[tuple[str, dict]]:
    found = []
    for block in text.strip().split("\n\n"):
        fields = dict(
            line.split(": ", 1) for line in block.splitlines() if not line.startswith(":")
        )
        found.append((fields["id"], json.loads(fields["data"])))
    return found


async def test_progress_is_followed_live_until_the_import_ends(desk):
    started = await desk.start(files.opensid_csv(files.village(3)))
    headers = desk.operator(key=False)
    async with (
        serving(desk.service.app, lifespan="off") as address,
        httpx.AsyncClient(timeout=10) as client,
    ):

        async def follow() -> str:
            url = f"{address}/v1/imports/{started['id']}/events"
            answer = await client.get(url, headers=headers)
            assert answer.headers["content-type"].startswith("text/event-stream")
            return answer.text

        following = asyncio.create_task(follow())
        await desk.worker.drain()
        await desk.approved(await desk.read(started["id"]))
        text = await wait_until(lambda: following.done() and following.result())
    events = parse_events(text)
    assert events[-1][1]["state"] == "merged"
    assert events[-1][1]["counts"]["new"] == 9
    ids = [event_id for event_id, _ in events]
    assert len(set(ids)) == len(ids)

    resumed = await desk.client.get(
        f"/v1/imports/{started['id']}/events", headers={**headers, "Last-Event-ID": ids[-1]}
    )
    assert resumed.text == ""
    foreign = await desk.client.get(
        f"/v1/imports/{started['id']}/events", headers=desk.operator(OTHER_VILLAGE, key=False)
    )
    assert foreign.status_code == 404
