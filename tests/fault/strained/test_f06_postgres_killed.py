"""F6: kill -9 of PostgreSQL under load. What was answered is there; what was not, once or never."""

from tests.fault.conftest import Run
from tests.support.faults.checker import check_at_the_end, check_now
from tests.support.faults.journey import Journey
from tests.support.faults.load import at_work, calls_answered
from tests.support.faults.strained import StrainedHouse

FULL_ROUNDS = 20


async def test_f6_postgresql_is_killed_under_load(
    longhouse: StrainedHouse, journey: Journey, run: Run
) -> None:
    for number in run.rounds(FULL_ROUNDS):
        async with at_work(journey):
            await calls_answered(journey, 5 + number % 7)
            await longhouse.kill_postgres()
            await longhouse.start_postgres()
            await calls_answered(journey, 10)
        await check_now(journey.history, await longhouse.databases())
    await check_at_the_end(journey.history, await longhouse.databases())
    longhouse.all_live()
