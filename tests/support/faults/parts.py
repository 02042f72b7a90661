"""Parts of a running system, as a fault sees them: their processes, and processes beside them."""

import contextlib
import os
import signal
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from deploy.local import process
from deploy.local.supervisor import answers
from tests.support.faults.proxy import Address
from tests.support.processes import running
from tests.support.system import ROOT, RunningSystem
from tests.support.waiting import wait_until

STARTS_S = 60


def environment_of(pid: int) -> dict[str, str]:
    """Return the variables that a process was started with."""
    file = Path(f"/proc/{pid}/environ")
    if not file.exists():
        pytest.skip("needs /proc: a part is started again with other variables")
    pairs = (pair.split("=", 1) for pair in file.read_bytes().decode().split("\0") if pair)
    return dict(pairs)  # type: ignore[arg-type]  # each pair has two


def command_of(pid: int) -> list[str]:
    """Return the words of a process's command."""
    return Path(f"/proc/{pid}/cmdline").read_bytes().decode().rstrip("\0").split("\0")


def address_of(url: str) -> Address:
    """Return host and port of a URL."""
    parts = urlsplit(url)
    assert parts.hostname
    assert parts.port
    return parts.hostname, parts.port


def moved(url: str, to: Address) -> str:
    """Return ``url`` with another host and port."""
    parts = urlsplit(url)
    who = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
    return parts._replace(netloc=f"{who}{to[0]}:{to[1]}").geturl()


@contextlib.asynccontextmanager
async def beside(
    system: RunningSystem, part: str, changes: Mapping[str, str] | None = None, *, name: str
) -> AsyncIterator[Address]:
    """Run one more process of ``part``, with changed variables, on a port of its own."""
    pid = system.pid(part)
    env, command = environment_of(pid) | dict(changes or {}), command_of(pid)
    port = process.free_port()
    if part.endswith("-worker"):
        env[f"{part.removesuffix('-worker').upper()}_METRICS_PORT"] = str(port)
    else:
        command[command.index("--port") + 1] = str(port)
    log = system.state / "log" / f"{name}.log"
    with running(command, env=env, cwd=ROOT, log=log):
        url = f"http://127.0.0.1:{port}/health/live"
        await wait_until(lambda: answers(url), STARTS_S, what=f"{name} answers")
        yield "127.0.0.1", port


@contextlib.asynccontextmanager
async def instead(
    system: RunningSystem, *parts: str, changes: Mapping[str, str]
) -> AsyncIterator[None]:
    """Let processes with changed variables take the places, and the ports, of ``parts``."""
    pids = {part: system.pid(part) for part in parts}
    told = {part: (environment_of(pid) | changes, command_of(pid)) for part, pid in pids.items()}
    await system.hold(*parts)
    try:
        with contextlib.ExitStack() as started:
            for part, (env, command) in told.items():
                log = system.state / "log" / f"{part}.log"
                started.enter_context(running(command, env=env, cwd=ROOT, log=log))
            urls = system.health()
            await wait_until(
                lambda: all(answers(urls[part]) for part in parts), STARTS_S, what=f"{parts} answer"
            )
            yield
    finally:
        await system.resume(*parts)


@contextlib.contextmanager
def frozen(pid: int) -> Iterator[None]:
    """Stop a process in the middle of what it does; it knows nothing of the time that passes."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def nats_pid(system: RunningSystem) -> int:
    return int((system.state / "nats" / "nats.pid").read_text())


def postgres_pid(system: RunningSystem) -> int:
    return int((system.state / "postgres" / "data" / "postmaster.pid").read_text().split("\n")[0])
