"""F12: one service's clock is an hour wrong. Tokens are judged by it; order does not hang on it."""

import itertools
from datetime import timedelta

from services.shared import clock
from tests.fault.conftest import Run
from tests.support.faults.checker import check_at_the_end, check_now
from tests.support.faults.journey import Journey
from tests.support.faults.load import at_work, calls_answered
from tests.support.faults.skewed import run_skewed
from tests.support.faults.strained import StrainedHouse

FULL_ROUNDS = 16
HOUR_S = 3600
WRONG = (
    ("registry", HOUR_S),
    ("distribution", -HOUR_S),
    ("indicators", HOUR_S),
    ("programs", -HOUR_S),
    ("registry", -HOUR_S),
    ("distribution", HOUR_S),
    ("indicators", -HOUR_S),
    ("programs", HOUR_S),
)
READS = {
    "registry": "/v1/families",
    "programs": "/v1/programs",
    "distribution": "/v1/cycles",
    "indicators": "/v1/budgets",
}


async def test_f12_a_clock_is_an_hour_wrong(
    longhouse: StrainedHouse, journey: Journey, run: Run
) -> None:
    databases, wrong = await longhouse.databases(), itertools.cycle(WRONG)
    for _ in run.rounds(FULL_ROUNDS):
        service, skew_s = next(wrong)
        parts = (service, f"{service}-worker")
        for part in parts:
            longhouse.kill(part)
            run_skewed(longhouse, part, skew_s)
        await longhouse.until_ready(service)
        try:
            await tokens_are_judged_by(longhouse, service, skew_s)
            async with at_work(journey):
                await journey.correct_address()
                await calls_answered(journey, 5)
            await check_now(journey.history, databases)
            # What the wrong clock wrote is changed again by a right one: the newer version wins.
        finally:
            for part in parts:
                longhouse.kill(part)
                longhouse.run(part)
        await longhouse.until_ready(service)
        async with at_work(journey):
            await journey.correct_address()
            await calls_answered(journey, 5)
    await check_at_the_end(journey.history, databases)
    longhouse.all_live()


async def tokens_are_judged_by(longhouse: StrainedHouse, service: str, skew_s: int) -> None:
    """Half an hour each side is not enough for a clock an hour off; that is 401, never a fault."""
    assert await status(longhouse, service, timedelta(minutes=30)) == 401
    assert await status(longhouse, service, timedelta(hours=2)) == 200
    # By its own clock it has the usual leeway of seconds, and no more.
    issued = clock.now() + timedelta(seconds=skew_s)
    assert await status(longhouse, service, timedelta(minutes=5), around=issued) == 200


async def status(longhouse: StrainedHouse, service: str, half: timedelta, *, around=None) -> int:
    """Read with a token that is good from ``half`` before to ``half`` after an instant."""
    middle = around or clock.now()
    token = longhouse.signer.token(
        subject="penguji",
        roles=["admin_dinsos"],
        regions=["62.02"],
        iat=int((middle - half).timestamp()),
        exp=int((middle + half).timestamp()),
    )
    answer = await longhouse.client.get(
        READS[service], headers={"Authorization": f"Bearer {token}"}
    )
    return answer.status_code
