"""People who work on while something breaks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.support.faults.journey import Journey

PEOPLE = 3


@asynccontextmanager
async def at_work(journey: Journey, people: int = PEOPLE) -> AsyncIterator[None]:
    """Let people do one step after another until the block ends; each finishes its last one."""
    over = asyncio.Event()

    async def work() -> None:
        while not over.is_set():
            await journey.step()

    working = [asyncio.create_task(work()) for _ in range(people)]
    try:
        yield
    finally:
        over.set()
        ended = await asyncio.gather(*working, return_exceptions=True)
    for error in ended:
        if isinstance(error, BaseException):
            raise error


async def calls_answered(journey: Journey, more: int) -> None:
    """Wait until ``more`` further calls were made."""
    history = journey.history
    wanted = len(history.calls) + more
    while len(history.calls) < wanted:  # noqa: ASYNC110 - the history tells nobody
        await asyncio.sleep(0.02)
