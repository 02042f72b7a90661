"""Long computing beside the relay and the consumers of the same process, without holding them up.

An event loop does one thing at a time: what computes for half a second in it lets every event wait
as long. In a thread of its own it gives way every few milliseconds.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import uvloop

from services.shared.db import Database

T = TypeVar("T")


async def apart(db: Database, work: Callable[[Database], Awaitable[T]]) -> T:
    """Do ``work`` in a thread with an event loop and connections of its own.

    When the caller is cancelled the work is too, and its end is waited for.
    """
    begun: list[tuple[asyncio.AbstractEventLoop, asyncio.Task[Any]]] = []

    async def whole() -> T:
        task = asyncio.current_task()
        if task is None:
            raise TypeError("a coroutine runs in a task")
        begun.append((asyncio.get_running_loop(), task))
        own = Database(db.url, schema=db.schema, service=db.service)
        try:
            return await work(own)
        finally:
            await own.close()

    def run() -> T:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(whole())

    thread = asyncio.ensure_future(asyncio.to_thread(run))
    try:
        return await asyncio.shield(thread)
    except asyncio.CancelledError:
        for loop, task in begun:
            loop.call_soon_threadsafe(task.cancel)
        await asyncio.wait([thread])
        raise
