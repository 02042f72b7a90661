"""What fault tests share: a run with its history, and the table of all runs at the end."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.faults.checker import Databases
from tests.support.faults.history import KEPT_IN, History, Outcome
from tests.support.faults.journey import Journey
from tests.support.faults.longhouse import Longhouse
from tests.support.service import Broker
from tests.support.stack import Stack

SHORT_ROUNDS = "5"
FULL = "full"


class Run:
    """One fault: ``rounds`` of it, and the calls of clients from its beginning on."""

    def __init__(self, name: str, history: History) -> None:
        self.name, self.history = name, history
        self.rounds_done = 0
        self._first_call = len(history.calls)

    def rounds(self, full: int, short: int | None = None) -> Iterator[int]:
        """Count the rounds: ``FAULT_ROUNDS``, of ``make fault`` all of ``full``.

        ``short`` is for a fault whose round takes long: its number where nobody asked for one.
        """
        asked = os.environ.get("FAULT_ROUNDS")
        few = min(int(asked), full) if asked not in (None, FULL) else short or int(SHORT_ROUNDS)
        for number in range(full if asked == FULL else few):
            self.history.note("round", fault=self.name, number=number)
            yield number
            self.rounds_done += 1

    def line(self) -> dict[str, Any]:
        calls = self.history.calls[self._first_call :]
        counts = {one.value: sum(call.outcome is one for call in calls) for one in Outcome}
        return {"fault": self.name, "rounds": self.rounds_done, "calls": len(calls), **counts}


@pytest.fixture(scope="package")
async def longhouse(stack: Stack) -> AsyncIterator[Longhouse]:
    """All services as processes of these tests, with an account for Dinas Sosial."""
    broker = Broker(stack.start_broker())
    house = Longhouse(stack, broker)
    try:
        await house.start(["DINSOS"])
        yield house
    finally:
        await house.stop()
        await broker.close()
        broker.server.stop()


@pytest.fixture(scope="package")
async def journey(longhouse: Longhouse) -> AsyncIterator[Journey]:
    """Clients at work in the longhouse, after their first program."""
    history = History("faults", seed=int(os.environ.get("FAULT_SEED", "1")))
    journey = Journey(longhouse, history)
    await journey.open()
    yield journey
    await journey.close()


@pytest.fixture(scope="package")
async def databases(longhouse: Longhouse) -> Databases:
    """Connections for the checker."""
    return await longhouse.databases()


@pytest.fixture
def run(request: pytest.FixtureRequest, journey: Journey) -> Run:
    """The fault of this test on the module's journey."""
    return Run(request.node.name.removeprefix("test_"), journey.history)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give fault tests their time: they restart processes, and full counts last."""
    seconds = 10_800 if os.environ.get("FAULT_ROUNDS") == FULL else 600
    for item in items:
        if Path(__file__).parent in item.path.parents and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(seconds))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """Add the run's numbers to the report; keep the history of a run that failed."""
    report = yield
    run = getattr(item, "funcargs", {}).get("run")
    if isinstance(run, Run) and report.when == "call":
        report.user_properties.append(("fault", run.line()))
        if report.failed:
            report.sections.append(("history", f"kept in {run.history.keep(KEPT_IN)}"))
    return report


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print a line per fault: rounds, calls, how they ended, verdict."""
    lines = [
        (dict(report.user_properties)["fault"], report.outcome)
        for reports in terminalreporter.stats.values()
        for report in reports
        if "fault" in dict(getattr(report, "user_properties", ()))
        and getattr(report, "when", "") == "call"
    ]
    if not lines:
        return
    terminalreporter.section("faults")
    row = "{:<68} {:>6} {:>7} {:>7} {:>6} {:>8}  {}"
    titles = ("fault", "rounds", "calls", "ok", "fail", "unknown", "verdict")
    terminalreporter.write_line(row.format(*titles))
    for line, outcome in lines:
        verdict = "held" if outcome == "passed" else outcome.upper()
        terminalreporter.write_line(row.format(*line.values(), verdict))
