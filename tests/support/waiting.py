"""Waiting for something to become true, instead of sleeping."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any

POLL_S = 0.02


async def wait_until(
    condition: Callable[[], Any | Awaitable[Any]], within_s: float = 30, *, what: str = ""
) -> Any:
    """Return the first true result of ``condition`` (sync or async); fail when time is up."""
    deadline = time.monotonic() + within_s
    while True:
        result = condition()
        if inspect.isawaitable(result):
            result = await result
        if result:
            return result
        if time.monotonic() > deadline:
            described = what or getattr(condition, "__name__", "the condition")
            raise AssertionError(f"{described} was not true within {within_s} s; last: {result!r}")
        await asyncio.sleep(POLL_S)
