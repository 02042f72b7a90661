"""F7: a service cut off from PostgreSQL, and from NATS: nothing passes, and nobody is told.

The lines are proxies of ours, so that it runs everywhere. One round is long enough to see the
answers; the others are short, to hit other moments.
"""

import asyncio
import itertools
import uuid

import httpx

from tests.fault.conftest import Run
from tests.support.faults.checker import check_at_the_end, check_now
from tests.support.faults.journey import Journey
from tests.support.faults.load import at_work, calls_answered
from tests.support.faults.strained import StrainedHouse
from tests.support.faults.truths import SERVICES
from tests.support.waiting import wait_until

FULL_ROUNDS = 20
BLIPS_S = (0.2, 0.5, 1.0, 3.0)
RECOVERS_S = 5
MACHINES_SLOWER = 5
"""The limit is for a machine with nothing else to do; ours may be five times slower."""


async def test_f7_a_service_is_cut_off_from_postgresql(
    longhouse: StrainedHouse, journey: Journey, run: Run
) -> None:
    databases, services = await longhouse.databases(), itertools.cycle(("programs", *SERVICES))
    # The first round is the longest here; the short form ends before the other long one.
    blips = itertools.cycle((BLIPS_S[0], *BLIPS_S))
    for number in run.rounds(FULL_ROUNDS):
        service = next(services)
        lines = longhouse.lines[service]
        async with at_work(journey):
            await calls_answered(journey, 5)
            lines.swallow(lines.database)
            if number == 0:
                await is_refused_soon(longhouse, journey)
            else:
                await asyncio.sleep(next(blips))
            lines.heal()
            await recovers(longhouse, journey, service)
        await check_now(journey.history, databases)
    await check_at_the_end(journey.history, databases)
    longhouse.all_live()


async def test_f7_a_service_is_cut_off_from_nats(
    longhouse: StrainedHouse, journey: Journey, run: Run
) -> None:
    databases, services = await longhouse.databases(), itertools.cycle(("programs", *SERVICES))
    blips = itertools.cycle(BLIPS_S)
    for number in run.rounds(FULL_ROUNDS):
        service = next(services)
        lines = longhouse.lines[service]
        async with at_work(journey):
            await calls_answered(journey, 5)
            lines.swallow(lines.nats, lines.monitor)
            if number == 0:
                refused = await longhouse.ready(service)
                assert refused.status_code == 503
                assert await organisation(journey) == 201, "the outbox takes it"
            else:
                await asyncio.sleep(next(blips))
            lines.heal()
            await recovers(longhouse, journey, service)
        await check_now(journey.history, databases)
    await check_at_the_end(journey.history, databases)
    longhouse.all_live()


async def is_refused_soon(longhouse: StrainedHouse, journey: Journey) -> None:
    """Programs has no database: it says so, to probes and to people, and says when to come back."""
    refused, answer = await asyncio.gather(longhouse.ready("programs"), ask(journey))
    assert refused.status_code == 503
    assert refused.json()["code"] == "not_ready"
    assert answer.status_code == 503, answer.text
    assert answer.json()["code"] == "unavailable"
    assert int(answer.headers["Retry-After"]) >= 1


async def ask(journey: Journey) -> httpx.Response:
    answer = await journey._call("admin_dinsos", "read", "programs", "GET", "/v1/programs")
    assert answer is not None, "the service left its caller waiting"
    return answer


async def organisation(journey: Journey) -> int:
    """Write once, without a second try; return the status of the answer."""
    code = f"ORG-{uuid.uuid4().hex[:8].upper()}"
    body = {"code": code, "name": "Organisasi contoh", "kind": "BAZNAS"}
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    answer = await journey._call(
        "admin_dinsos", "organisation", code, "POST", "/v1/organisations", json=body,
        headers=headers,
    )  # fmt: skip
    return answer.status_code if answer is not None else 0


async def recovers(longhouse: StrainedHouse, journey: Journey, service: str) -> None:
    """Be ready, and answer people, soon after the line is whole again."""

    async def ready() -> bool:
        return (await longhouse.ready(service)).status_code == 200

    async def answers() -> bool:
        return await organisation(journey) == 201

    limit_s = RECOVERS_S * MACHINES_SLOWER
    await wait_until(ready, limit_s, what=f"{service} is ready")
    await wait_until(answers, limit_s, what="programs takes a write")
