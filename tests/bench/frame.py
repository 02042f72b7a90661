"""What every section of the benchmark stands on: figures, fair rounds, programs that are watched.

A section is a module with ``async def run(bench: Bench) -> AsyncIterator[Figure]``, named in
``__main__.SECTIONS``. Machines are noisy, so a figure is judged by its ratio to a limit that was
measured in the same rounds (``interleaved``), and by CPU time before wall time.
"""

import asyncio
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TypeVar

import httpx

from deploy.local import process
from services.shared.db import Database
from tests.bench.load import Load, Order
from tests.support.service import Broker
from tests.support.stack import Stack
from tests.support.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
START_S = 60
ROUNDS = 5
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the result.

    ``limit`` is what the machine could do, in the same unit; ``ratio`` is value / limit, by itself
    or as the median over rounds; ``aim`` is ``"ratio >= 0.4"`` or ``"value <= 60"``, empty for a
    figure that only informs.
    """

    name: str
    value: float
    unit: str
    limit: float | None = None
    ratio: float | None = None
    aim: str = ""

    def share(self) -> float | None:
        """Return the ratio of value to limit."""
        if self.ratio is None and self.limit:
            return self.value / self.limit
        return self.ratio

    def met(self) -> bool | None:
        """Say whether the aim is reached; None without an aim."""
        if not self.aim:
            return None
        what, relation, number = self.aim.split()
        found = self.value if what == "value" else self.share()
        assert found is not None, f"{self.name}: an aim needs its {what}"
        return found >= float(number) if relation == ">=" else found <= float(number)

    def line(self) -> str:
        """Return the figure as one line of JSON."""
        numbers = {"value": self.value, "limit": self.limit, "ratio": self.share()}
        rounded = {k: None if v is None else float(f"{v:.4g}") for k, v in numbers.items()}
        told = {"name": self.name, "value": rounded["value"], "unit": self.unit}
        return json.dumps(
            {**told, "limit": rounded["limit"], "ratio": rounded["ratio"], "aim": self.aim},
            ensure_ascii=False,
        )


async def interleaved(
    variants: Mapping[str, Callable[[], Awaitable[T]]], rounds: int = ROUNDS
) -> dict[str, list[T]]:
    """Measure all variants in each round, after one round that does not count.

    The order turns from round to round, so that no variant always runs in another one's wake.
    """
    names = list(variants)
    found: dict[str, list[T]] = {name: [] for name in names}
    for number in range(-1, rounds):
        turn = number % len(names)
        for name in (*names[turn:], *names[:turn]):
            result = await variants[name]()
            if number >= 0:
                found[name].append(result)
    return found


def median(values: Iterable[float]) -> float:
    """Return the middle value."""
    return statistics.median(values)


def ratio(values: Sequence[float], limits: Sequence[float]) -> float:
    """Return the median of value / limit, round by round."""
    return median(value / limit for value, limit in zip(values, limits, strict=True))


class Program:
    """A started program, its ``port`` if it serves, and what it used. Linux only: ``/proc``."""

    def __init__(
        self, command: Sequence[str], *, log: Path, env: Mapping[str, str], port: int = 0
    ) -> None:
        inherited = {"PATH": os.environ.get("PATH", ""), "TMPDIR": tempfile.gettempdir()}
        self.log = log
        self.env = env
        self.port = port
        self._process = process.spawn(command, log=log, env={**inherited, **env}, cwd=ROOT)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def answers(self) -> None:
        """Wait until it takes connections. Fail with the end of its log when it ended."""

        async def takes_connections() -> bool:
            assert self._process.poll() is None, self.story()
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                return False
            writer.close()
            return True

        await wait_until(takes_connections, within_s=START_S, what=f"{self.log.stem} answers")

    def story(self) -> str:
        """Return the end of its log."""
        return f"{self.log.stem}: {self.log.read_text()[-2000:]}"

    def cpu_s(self) -> float:
        """Return the processor time used so far, user and system, in seconds."""
        after_name = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(after_name[11]) + int(after_name[12])) / TICKS_PER_S

    def memory_mb(self) -> float:
        """Return the resident memory in megabytes of 10^6 bytes."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) * 1024 / 1e6

    def stop(self) -> None:
        process.stop(self._process)


class Bench:
    """One run: a PostgreSQL that keeps its promises, programs, all stopped at the end.

    ``stack`` gives databases, tokens (``stack.signer``) and environments; ``broker`` a NATS.
    """

    def __init__(self, stack: Stack, stopping: AsyncExitStack) -> None:
        self.stack = stack
        self._stopping = stopping

    def say(self, text: str) -> None:
        """Tell who waits how far it is."""
        print(text, file=sys.stderr, flush=True)

    def start(
        self, name: str, command: Sequence[str], env: Mapping[str, str], port: int = 0
    ) -> Program:
        """Start a program; it is stopped at the end of the section."""
        program = Program(command, log=self.log(name), env=env, port=port)
        self._stopping.callback(program.stop)
        return program

    async def serve(self, name: str, factory: str, env: Mapping[str, str]) -> Program:
        """Start an application, e.g. ``services.registry.main:create_app``, as it is deployed.

        Under uvicorn, one worker; wait until it takes connections.
        """
        port = process.free_port()
        command = [sys.executable, "-m", "uvicorn", "--factory", factory, "--host", "127.0.0.1"]
        options = ["--port", str(port), "--no-access-log", "--timeout-graceful-shutdown", "5"]
        program = self.start(name, [*command, *options], env, port)
        await program.answers()
        return program

    async def load(self, server: Program, order: Order) -> Load:
        """Put load on a server from a process of its own."""
        command = [sys.executable, "-m", "tests.bench.load"]
        pipe = asyncio.subprocess.PIPE
        caller = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, cwd=ROOT)
        before = server.cpu_s()
        order = replace(order, port=server.port)
        told, _ = await caller.communicate(json.dumps(asdict(order)).encode())
        assert caller.returncode == 0, server.story()
        found = Load(**json.loads(told))
        return replace(found, cpu_us=(server.cpu_s() - before) / found.answers * 1e6)

    def broker(self) -> Broker:
        """Start a NATS server of the section's own, without streams."""
        server = self.stack.start_broker()
        self._stopping.callback(server.stop)
        broker = Broker(server)
        self._stopping.push_async_callback(broker.close)
        return broker

    async def database(self, service: str) -> Database:
        """Return a fresh database of ``service``, as its programs connect to it."""
        urls = await self.stack.database(service)
        database = Database(urls.app, schema=service, service=service)
        self.at_end(database.close)
        return database

    def at_end(self, close: Callable[[], Awaitable[object]]) -> None:
        """Call ``close`` at the end of the section."""
        self._stopping.push_async_callback(close)

    def client(self) -> httpx.AsyncClient:
        """Return an HTTP client, for set-up and checks, never for load."""
        client = httpx.AsyncClient(timeout=30, trust_env=False)
        self._stopping.push_async_callback(client.aclose)
        return client

    def log(self, name: str) -> Path:
        """Return the file where a program's output goes, gone after the run."""
        return self.stack.folder / f"{name}.log"
