"""F14: the database of one service answers seconds late. Its callers are told; others see nothing.

The gateway waits no longer than its deadline, lets no more than its limit wait for one service,
and goes on as before when the service does.
"""

import asyncio
from collections import Counter

import httpx

from tests.fault.conftest import Run
from tests.support.faults.checker import check_at_the_end
from tests.support.faults.gateways import free_port, gateway
from tests.support.faults.journey import Journey
from tests.support.faults.strained import StrainedHouse
from tests.support.waiting import wait_until

FULL_ROUNDS = 2
SLOW_S, DEADLINE_S = 10, 2
LIMIT, CALLERS = 8, 20
WITHIN_S = 90


async def test_f14_a_slow_database_holds_up_its_own_service_only(
    longhouse: StrainedHouse, journey: Journey, run: Run
) -> None:
    addresses = {name: ("127.0.0.1", port) for name, port in longhouse.ports.items()}
    port = free_port()
    limits = {"deadline_s": DEADLINE_S, "concurrent_max": LIMIT}
    async with (
        gateway(longhouse, addresses, port, **limits),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client,
    ):
        client.headers["Authorization"] = f"Bearer {longhouse.token('admin_dinsos')}"
        for _ in run.rounds(FULL_ROUNDS, short=FULL_ROUNDS):
            await one_is_slow(longhouse, client)
    await check_at_the_end(journey.history, await longhouse.databases())
    longhouse.all_live()


async def one_is_slow(longhouse: StrainedHouse, client: httpx.AsyncClient) -> None:
    line = longhouse.lines["programs"].database
    line.delay_s = SLOW_S
    try:
        waiting = [asyncio.create_task(client.get("/v1/programs")) for _ in range(CALLERS)]
        for _ in range(CALLERS):
            answer = await client.get("/v1/regions?parent=62.02")
            assert answer.status_code == 200, answer.text
        answers = await asyncio.gather(*waiting)
    finally:
        line.heal()
    codes = Counter((answer.status_code, answer.json()["code"]) for answer in answers)
    late, refused = codes.pop((504, "upstream_slow")), codes.pop((503, "unavailable"))
    assert not codes
    # What an earlier round left unanswered still counts.
    assert 0 < late <= LIMIT
    assert late + refused == CALLERS
    assert all(a.headers["Retry-After"] for a in answers if a.status_code == 503)

    async def as_before() -> bool:
        return (await client.get("/v1/programs")).status_code == 200

    await wait_until(as_before, WITHIN_S, what="programs answers again")
