"""Each service stopped in turn: the others answer, writes go on, and it catches up."""

import uuid

import pytest

from tests.support.callers import Caller
from tests.support.system import RunningSystem
from tests.support.waiting import wait_until

READS = {
    "registry": "/v1/regions?parent=62.02",
    "programs": "/v1/programs?limit=1",
    "distribution": "/v1/cycles?limit=1",
    "indicators": "/v1/budgets",
}
CATCHES_UP_S = 60


@pytest.mark.parametrize("stopped", READS)
async def test_the_others_answer_while_a_service_is_away(
    running_system: RunningSystem, stopped: str
) -> None:
    admin = Caller(running_system, "admin")
    await running_system.hold(stopped, f"{stopped}-worker")
    try:
        for service, path in READS.items():
            answer = await admin.send("GET", path)
            if service == stopped:
                assert answer.status_code == 502, answer.text
                assert answer.json()["code"] == "upstream_unreachable"
                assert answer.headers["content-type"] == "application/problem+json"
            else:
                assert answer.status_code == 200, f"{service}: {answer.text}"
    finally:
        await running_system.resume(stopped, f"{stopped}-worker")


async def test_what_was_told_while_a_service_was_away_reaches_it_afterwards(
    running_system: RunningSystem,
) -> None:
    admin = Caller(running_system, "admin")
    await running_system.hold("indicators", "indicators-worker")
    code = f"ORG-{uuid.uuid4().hex[:8].upper()}"
    try:
        body = {"code": code, "name": "Organisasi contoh", "kind": "BAZNAS"}
        await admin.post("/v1/organisations", body)
        position = admin.position
        assert position is not None
    finally:
        await running_system.resume("indicators", "indicators-worker")

    async def caught_up() -> bool:
        answer = await admin.send("GET", "/v1/budgets", params={"min_position": position})
        return answer.status_code == 200 and answer.json()["stale"] is False

    await wait_until(caught_up, within_s=CATCHES_UP_S)
