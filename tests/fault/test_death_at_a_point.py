"""F1, F2, F3: a process dies at the worst moment, again and again; what was promised holds."""

import asyncio

import pytest

from tests.fault.conftest import Run
from tests.support.faults.checker import Databases, check_at_the_end, check_now
from tests.support.faults.journey import Journey
from tests.support.faults.longhouse import Longhouse
from tests.support.faults.mortal import Death

FULL_ROUNDS = 200
TELLERS = ("distribution", "programs", "registry")
HEARERS = ("indicators", "distribution", "programs", "registry")
HEARD_OF = {
    "indicators": "distribution",
    "distribution": "programs",
    "programs": "registry",
    "registry": "programs",
}
"""Each hearer, and a service of whose events it hears."""


async def work(journey: Journey, service: str) -> None:
    """Do what makes ``service`` tell something."""
    if service == "registry":
        await journey.correct_address()
    elif service == "programs":
        await journey.enrol()
    else:
        await journey.deliver()
        await journey.give_back()


async def until_dead(longhouse: Longhouse, journey: Journey, part: str, teller: str) -> None:
    """Work until the part has died at its point; at least one call is made."""
    dying = asyncio.create_task(longhouse.until_dead(part))
    await work(journey, teller)
    while not dying.done():
        await asyncio.wait({dying}, timeout=0.5)
        if not dying.done():
            await work(journey, teller)
    await dying


async def test_f0_nothing_is_wrong_when_nothing_breaks(
    longhouse: Longhouse, journey: Journey, databases: Databases, run: Run
) -> None:
    for _ in run.rounds(full=50):
        await journey.prepare()
        await journey.step()
        await check_now(journey.history, databases)
    await check_at_the_end(journey.history, databases)
    longhouse.all_live()


async def test_f1_a_service_dies_after_its_commit_and_before_its_answer(
    longhouse: Longhouse, journey: Journey, databases: Databases, run: Run
) -> None:
    for number in run.rounds(FULL_ROUNDS):
        service = TELLERS[number % len(TELLERS)]
        await journey.prepare()
        longhouse.kill(service)
        dying = longhouse.run(service, Death("committed, not answered"))
        await longhouse.until_ready(service)
        working = asyncio.create_task(work(journey, service))
        await longhouse.until_dead(service)
        assert not dying.is_alive()
        # The client still asks, with the same key, and finds what the dead one did.
        longhouse.run(service)
        await working
        await check_now(journey.history, databases)
    await check_at_the_end(journey.history, databases)
    longhouse.all_live()


@pytest.mark.parametrize(
    "point",
    [
        pytest.param("committed, not published", id="f1 committed, not published"),
        pytest.param("published, not marked", id="f2 published, not marked"),
        pytest.param("partly published", id="f2 partly published"),
    ],
)
async def test_a_relay_dies(
    longhouse: Longhouse, journey: Journey, databases: Databases, run: Run, point: str
) -> None:
    for number in run.rounds(FULL_ROUNDS):
        service = TELLERS[number % len(TELLERS)]
        await die_once(longhouse, journey, service, service, Death(point, 1 + number % 2))
        await check_now(journey.history, databases)
    await check_at_the_end(journey.history, databases)
    longhouse.all_live()


@pytest.mark.parametrize(
    "point",
    [
        pytest.param("handled, not committed", id="f3 handled, not committed"),
        pytest.param("handled, not acknowledged", id="f3 handled, not acknowledged"),
        pytest.param("partly acknowledged", id="f3 partly acknowledged"),
    ],
)
async def test_a_consumer_dies(
    longhouse: Longhouse, journey: Journey, databases: Databases, run: Run, point: str
) -> None:
    for number in run.rounds(FULL_ROUNDS):
        service = HEARERS[number % len(HEARERS)]
        death = Death(point, 1 + number % 2)
        await die_once(longhouse, journey, service, HEARD_OF[service], death)
        await check_now(journey.history, databases)
    await check_at_the_end(journey.history, databases)
    longhouse.all_live()


async def die_once(
    longhouse: Longhouse, journey: Journey, service: str, teller: str, death: Death
) -> None:
    """Let a worker die at its point while people work, and start it again whole."""
    part = f"{service}-worker"
    await journey.prepare()
    longhouse.kill(part)
    longhouse.run(part, death)
    await until_dead(longhouse, journey, part, teller)
    longhouse.run(part)
