"""Start and stop programs: children that die with us, free ports, leftovers of a killed run."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

LAUNCHER = Path(__file__).with_name("child.py")
STOP_TIMEOUT_S = 20.0
"""PostgreSQL writes its checkpoint while it stops; on a slow disk this takes seconds."""

POLL_S = 0.02


class StartError(Exception):
    """A program did not start; the message says why and where its log is."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account of the operating system that a program runs as."""

    uid: int
    gid: int


def free_port() -> int:
    """Return a TCP port of the loopback address that is free at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def port_is_free(port: int) -> bool:
    """Say whether a server could listen on ``port`` of the loopback address now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def spawn(
    command: Sequence[str],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    death_signal: signal.Signals = signal.SIGTERM,
    account: Account | None = None,
) -> subprocess.Popen[bytes]:
    """Start ``command`` in a session of its own, output appended to ``log``.

    ``death_signal`` reaches it when this process dies (on Linux; elsewhere the next start ends
    what was left). ``account`` is given when root must not run the program.
    """
    program = shutil.which(command[0])
    if program is None:
        raise StartError(f"program {command[0]} not found")
    who = f"{account.uid}:{account.gid}" if account else "-"
    launcher = [sys.executable, "-I", "-S", str(LAUNCHER), death_signal.name, who, "--"]
    with log.open("ab") as output:
        return subprocess.Popen(
            [*launcher, program, *command[1:]],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(env) if env is not None else None,
            cwd=cwd,
            start_new_session=True,
        )


def wait_ready(
    process: subprocess.Popen[bytes], ready: Callable[[], bool], *, what: str, within_s: float
) -> None:
    """Wait until ``ready()``. Raise ``StartError`` when the process ends or time is up."""
    deadline = time.monotonic() + within_s
    while not ready():
        if process.poll() is not None:
            raise StartError(f"{what} ended with code {process.returncode}")
        if time.monotonic() > deadline:
            raise StartError(f"{what} was not ready within {within_s:.0f} s")
        time.sleep(POLL_S)


def stop(
    process: subprocess.Popen[bytes],
    *,
    with_signal: signal.Signals = signal.SIGTERM,
    within_s: float = STOP_TIMEOUT_S,
) -> int:
    """Ask the process to end, kill its group when it does not, and return its exit code."""
    if process.poll() is None:
        process.send_signal(with_signal)
        try:
            return process.wait(within_s)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    return process.wait(within_s)


def command_of(pid: int) -> str:
    """Return the command line of a live process, or an empty string."""
    proc = Path(f"/proc/{pid}/cmdline")
    if proc.parent.parent.joinpath("self").exists():
        try:
            return proc.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            return ""
    answer = subprocess.run(
        ["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return answer.stdout.strip()


def end_leftover(pid: int, *, mark: str, with_signal: signal.Signals = signal.SIGTERM) -> bool:
    """End a process of an earlier run, if ``pid`` is still that one: its command holds ``mark``.

    The mark (a path in our state folder) keeps a recycled pid from being taken for ours.
    """
    if pid <= 1 or mark not in command_of(pid):
        return False
    for asked, seconds in ((with_signal, STOP_TIMEOUT_S), (signal.SIGKILL, 5.0)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, asked)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if mark not in command_of(pid):
                return True
            time.sleep(POLL_S)
    return False
