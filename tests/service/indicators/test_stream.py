"""The event stream over a real HTTP server, as a browser reads it with a bearer token."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import uvicorn

from tests.service.indicators.builders import a_cycle, a_delivery, a_family, a_program
from tests.service.indicators.world import World
from tests.support.waiting import wait_until


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self):
        """Leave the signals to pytest."""
        yield


@pytest.fixture(scope="module")
async def url(world: World) -> AsyncIterator[str]:
    config = uvicorn.Config(
        world.service.app, port=0, log_config=None, lifespan="off", timeout_graceful_shutdown=1
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve())
    await wait_until(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    await serving


class Stream:
    """Reads frames of one connection."""

    def __init__(self, response: httpx.Response) -> None:
        self._lines = response.aiter_lines()

    async def next(self) -> dict[str, Any]:
        frame: dict[str, Any] = {}
        async with asyncio.timeout(10):
            async for line in self._lines:
                if not line and frame:
                    return frame
                name, _, value = line.partition(": ")
                if name == "data":
                    frame["data"] = json.loads(value)
                elif name:
                    frame[name] = value
        raise AssertionError("the stream ended")


@contextlib.asynccontextmanager
async def reading(
    world: World, url: str, last_event_id: str | None = None, **token: Any
) -> AsyncIterator[Stream]:
    headers = world.service.auth("analis_tkpkd", key=False, **token)
    if last_event_id:
        headers["Last-Event-ID"] = last_event_id
    async with (
        httpx.AsyncClient(trust_env=False, timeout=15) as client,
        client.stream("GET", f"{url}/v1/indicators/stream", headers=headers) as answer,
    ):
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield Stream(answer)


async def test_a_change_is_told_and_says_what_to_read_again(world: World, url: str):
    await world.hear(a_family())
    async with reading(world, url) as stream:
        hello = await stream.next()
        assert hello["event"] == "hello"
        cycle = a_cycle(a_program())
        await world.hear(cycle, a_delivery(cycle, a_family()))
        changed: set[str] = set()
        while "deliveries" not in changed:
            frame = await stream.next()
            assert frame["event"] == "figures"
            changed |= set(frame["data"]["changed"])
        assert "/v1/contributions" in frame["data"]["resources"]
        assert frame["data"]["last_data_at"]["distribution"]


async def test_who_was_away_learns_of_it_by_the_last_event_id(world: World, url: str):
    await world.hear(a_family())
    async with reading(world, url) as stream:
        known = (await stream.next())["id"]
    await world.hear(a_family())
    async with reading(world, url, last_event_id=known) as stream:
        frame = await stream.next()
        if frame["event"] == "hello":  # counters of a quarter of a second ago; the news follows
            frame = await stream.next()
        if frame["event"] == "hello":
            # The counters were read within the last quarter of a second; the next ones are new.
            frame = await stream.next()
        assert frame["event"] == "figures"
        assert frame["data"]["changed"] == ["families"]
    async with reading(world, url, last_event_id=frame["id"]) as stream:
        assert (await stream.next())["event"] == "hello"
    async with reading(world, url, last_event_id="not ours") as stream:
        assert (await stream.next())["event"] == "hello"


async def test_closed_streams_are_forgotten(world: World, url: str):
    async with reading(world, url) as stream:
        await stream.next()
        assert world.service.app.state.figure_feed.streams >= 1
    await wait_until(lambda: world.service.app.state.figure_feed.streams == 0)
