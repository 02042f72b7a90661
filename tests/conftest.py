"""Fixtures of all tests. What they give is described in ``tests/support``."""

import contextlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadFileScheduling

from tests.support.given import GivenSystem
from tests.support.service import Broker, ServiceUnderTest, running_service
from tests.support.stack import Stack
from tests.support.system import RunningSystem

MakeService = Callable[[str], Awaitable[ServiceUnderTest]]
# A busy machine is slow, not wrong: speed is shown by benchmarks, never by a timed test.
settings.register_profile("betang", deadline=None, print_blob=True)
settings.load_profile("betang")


WHOLE_SYSTEM = ("tests/e2e/", "tests/fault/")


class ByModule(LoadFileScheduling):
    """Keeps a module on one worker of ``pytest -n``, and a folder whose tests share a system."""

    def _split_scope(self, nodeid: str) -> str:
        if nodeid.startswith(WHOLE_SYSTEM):
            return nodeid.partition("::")[0].rpartition("/")[0]
        return super()._split_scope(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByModule:
    """Tell ``pytest -n`` how to distribute (its own groups are lost on pytest 9.2)."""
    return ByModule(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that no worker waits for another at the end."""
    items.sort(key=lambda item: not item.nodeid.startswith(WHOLE_SYSTEM))


@pytest.fixture(scope="session")
async def stack() -> AsyncIterator[Stack]:
    """A real PostgreSQL with all roles and databases."""
    stack = Stack()
    try:
        await stack.provision()
        yield stack
    finally:
        stack.stop()


@pytest.fixture(scope="module")
async def broker(stack: Stack) -> AsyncIterator[Broker]:
    """A real NATS server for this module alone, without streams."""
    server = stack.start_broker()
    broker = Broker(server)
    try:
        yield broker
    finally:
        await broker.close()
        server.stop()


@pytest.fixture(scope="module")
async def make_service(stack: Stack, broker: Broker) -> AsyncIterator[MakeService]:
    """A factory: ``await make_service("registry")`` is that service with a fresh database.

    Services of one module share its broker, so they hear each other when they are drained.
    """
    async with contextlib.AsyncExitStack() as running:

        async def make(name: str) -> ServiceUnderTest:
            service = contextlib.asynccontextmanager(running_service)(name, stack, broker)
            return await running.enter_async_context(service)

        yield make


@pytest.fixture(scope="session")
async def running_system() -> AsyncIterator[RunningSystem]:
    """The whole of Betang as real processes behind its gateway, started when first asked for.

    ``BETANG_RUNNING`` names the file of one that runs already, such as ``make compose-check``'s.
    """
    given = os.environ.get("BETANG_RUNNING")
    system = GivenSystem(Path(given)) if given else RunningSystem()
    try:
        await system.start()
        yield system
    finally:
        await system.stop()
