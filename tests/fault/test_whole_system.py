"""The whole system on one machine, killed in parts and as a whole."""

import os
import signal

import httpx
import pytest

from deploy.local import process
from deploy.local.supervisor import answers
from tests.support.system import RunningSystem
from tests.support.waiting import wait_until

PARTS = [
    "issuer",
    "gateway",
    *(
        f"{s}{p}"
        for s in ("registry", "programs", "distribution", "indicators")
        for p in ("", "-worker")
    ),
]


@pytest.fixture(scope="module")
async def killable():
    """A system of this module alone: it is killed here."""
    system = RunningSystem()
    try:
        yield system
    finally:
        await system.stop()


@pytest.fixture
async def own_system(killable):
    """That system at work, whatever the test before did to it."""
    if not killable.lives():
        await killable.start()
    return killable


async def test_every_part_answers_and_the_gateway_knows_the_caller(own_system):
    assert sorted(own_system.health()) == sorted(PARTS)
    assert all(answers(url) for url in own_system.health().values())
    answer = await own_system.client.get("/v1/me", headers=own_system.auth("admin"))
    assert answer.status_code == 200
    assert "admin_dinsos" in answer.json()["roles"]


async def test_a_part_that_dies_is_restarted_and_said_so(own_system):
    before = own_system.pid("programs-worker")
    own_system.kill("programs-worker")
    url = own_system.health()["programs-worker"]
    await wait_until(
        lambda: own_system.pid("programs-worker") != before and answers(url), within_s=60
    )
    said = own_system.log.read_text()
    assert "programs-worker ended with code -9" in said
    assert "programs-worker runs again" in said


async def test_a_killed_system_starts_again_with_its_data(own_system):
    await own_system.issue("DINSOS")
    headers = own_system.auth("admin")
    regions = await wait_until(lambda: _regions(own_system, headers), within_s=60)
    pids = [own_system.supervisor_pid, *(own_system.pid(part) for part in PARTS)]
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    await wait_until(lambda: not any(process.command_of(pid) for pid in pids[1:]), within_s=30)
    await own_system.reap()
    await own_system.start()
    again = await own_system.client.get("/v1/regions", headers=headers)
    assert (again.status_code, again.json().get("data")) == (200, regions)
    assert (own_system.authority.agency("DINSOS") or pytest.fail("the agency is gone")).active


async def _regions(system: RunningSystem, headers: dict[str, str]) -> list[dict]:
    try:
        answer = await system.client.get("/v1/regions", headers=headers)
    except httpx.TransportError:
        return []
    return answer.json().get("data", []) if answer.status_code == 200 else []


async def test_ctrl_c_stops_every_process(own_system):
    pids = [own_system.pid(part) for part in PARTS]
    assert await own_system.interrupt() == 0
    assert [pid for pid in pids if process.command_of(pid)] == []
    assert not (own_system.state / "running.json").exists()
    assert not (own_system.state / "postgres" / "data" / "postmaster.pid").exists()
