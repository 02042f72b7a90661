"""Keeps programs alive: starts them, restarts what dies with a growing pause, stops them all."""

import contextlib
import json
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

from deploy.local import process
from deploy.nats.claims import write_secret

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
STEADY_S = 60.0
"""A program that ran this long was well: its next death starts with the shortest pause again."""

PART_STOP_TIMEOUT_S = 15.0
READY_TIMEOUT_S = 90.0
"""Ten Python programs start at once on two cores."""


@dataclass(frozen=True, slots=True)
class Part:
    """A program to keep alive. ``ready_url`` answers 200 when it works; None for no question."""

    name: str
    command: Sequence[str]
    env: Mapping[str, str]
    cwd: Path
    mark: str
    ready_url: str | None = None


@dataclass(slots=True)
class _Running:
    part: Part
    process: subprocess.Popen[bytes]
    started: float
    pause_s: float = FIRST_PAUSE_S
    due: float | None = None
    held: bool = False


def answers(url: str, *, within_s: float = 1.0) -> bool:
    """Say whether ``url`` (http, loopback) answers 200."""
    try:
        with urllib.request.urlopen(url, timeout=within_s) as answer:  # noqa: S310 - loopback
            return bool(answer.status == HTTPStatus.OK)
    except OSError:
        return False


@dataclass(slots=True)
class Supervisor:
    """The programs of one system, their logs in ``logs``, their pids in ``pid_file``."""

    logs: Path
    pid_file: Path
    held: Path
    say: Callable[[str], None]
    _running: dict[str, _Running] = field(default_factory=dict)

    def end_leftovers(self) -> None:
        """End what an earlier, killed supervisor left behind."""
        with contextlib.suppress(OSError, ValueError):
            for name, (pid, mark) in json.loads(self.pid_file.read_text()).items():
                if process.end_leftover(pid, mark=mark):
                    self.say(f"{name} of an earlier run was still there and was stopped")
        self.pid_file.unlink(missing_ok=True)

    def start(self, part: Part) -> None:
        """Start ``part``; from now on ``tend`` restarts it."""
        self._running[part.name] = _Running(part, self._spawn(part), time.monotonic())
        self._remember()

    def wait_ready(self, within_s: float = READY_TIMEOUT_S) -> None:
        """Wait until all parts answer. Raise ``StartError`` when one does not."""
        deadline = time.monotonic() + within_s
        waiting = [run for run in self._running.values() if run.part.ready_url]
        while waiting:
            waiting = [run for run in waiting if not answers(str(run.part.ready_url))]
            for run in self._running.values():
                if run.process.poll() is not None:
                    raise process.StartError(self._death(run))
            if waiting and time.monotonic() > deadline:
                names = ", ".join(run.part.name for run in waiting)
                raise process.StartError(f"{names} not ready; see the logs in {self.logs}")
            time.sleep(process.POLL_S)

    def tend(self) -> None:
        """Look once after all parts: note the dead, start again those whose pause is over.

        A part whose name is a file in the folder ``held`` is stopped and stays so until the file
        is gone: ``python -m deploy.local hold programs`` shows how the others work without it.
        """
        held = {file.name for file in self.held.iterdir()} if self.held.exists() else set()
        running = self._running.values()
        self._hold([run for run in running if run.part.name in held and not run.held])
        for run in running:
            if run.held and run.part.name not in held:
                run.held, run.due = False, 0.0
            self._tend(run, time.monotonic())

    def _hold(self, parts: Sequence[_Running]) -> None:
        _stop(parts)
        for run in parts:
            run.held = True
            self.say(f"{run.part.name} is held")

    def _tend(self, run: _Running, now: float) -> None:
        if run.held:
            return
        if run.due is None and run.process.poll() is not None:
            if now - run.started > STEADY_S:
                run.pause_s = FIRST_PAUSE_S
            self.say(f"{self._death(run)}; it is started again in {run.pause_s:g} s")
            run.due = now + run.pause_s
            run.pause_s = min(run.pause_s * 2, LONGEST_PAUSE_S)
        elif run.due is not None and now >= run.due:
            run.process = self._spawn(run.part)
            run.started, run.due = now, None
            self.say(f"{run.part.name} runs again (pid {run.process.pid})")
            self._remember()

    def health_urls(self) -> dict[str, str]:
        """Return the address that answers 200 while it works, of each part that has one."""
        parts = [run.part for run in self._running.values()]
        return {part.name: part.ready_url for part in parts if part.ready_url}

    def stop(self) -> None:
        """Stop all parts, the last started first."""
        _stop([*reversed(self._running.values())])
        self._running.clear()
        self.pid_file.unlink(missing_ok=True)

    def _spawn(self, part: Part) -> subprocess.Popen[bytes]:
        log = self.logs / f"{part.name}.log"
        return process.spawn(part.command, log=log, env=part.env, cwd=part.cwd)

    def _death(self, run: _Running) -> str:
        return (
            f"{run.part.name} ended with code {run.process.returncode}"
            f" (log: {self.logs / run.part.name}.log)"
        )

    def _remember(self) -> None:
        pids = {name: (run.process.pid, run.part.mark) for name, run in self._running.items()}
        write_secret(self.pid_file, json.dumps(pids))


def _stop(parts: Sequence[_Running]) -> None:
    """Stop parts, the first one first, by a signal to all at once."""
    for run in parts:
        if run.process.poll() is None:
            run.process.send_signal(signal.SIGTERM)
    for run in parts:
        process.stop(run.process, within_s=PART_STOP_TIMEOUT_S)
