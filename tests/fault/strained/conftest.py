"""One house and one journey for all faults of servers, lines, disks and clocks."""

import os
from collections.abc import AsyncIterator

import pytest

from tests.support.faults.history import History
from tests.support.faults.journey import Journey
from tests.support.faults.strained import StrainedHouse
from tests.support.stack import Stack


@pytest.fixture(scope="session")
async def longhouse(stack: Stack) -> AsyncIterator[StrainedHouse]:
    """All services, their lines in our hands."""
    house = StrainedHouse(stack)
    try:
        await house.start(["DINSOS"])
        yield house
    finally:
        await house.stop()


@pytest.fixture(scope="session")
async def journey(longhouse: StrainedHouse) -> AsyncIterator[Journey]:
    """Clients at work in it, after their first program."""
    history = History("strained", seed=int(os.environ.get("FAULT_SEED", "1")))
    journey = Journey(longhouse, history)
    await journey.open()
    yield journey
    await journey.close()
