"""A part of a service as a real process that dies, without a word, at a chosen point.

Production code has no failpoints. A process here runs the real ``main()`` of a service with one
function wrapped, so that its n-th call ends the process by ``os._exit(137)``: what PostgreSQL and
NATS have acknowledged by then stays, nothing else is done. Processes are forked from a server that
has imported the services once, which takes 20 ms instead of seconds.
"""

import asyncio
import ctypes
import functools
import importlib
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import uvicorn

from services.shared import outbox, publishing, pulling

EXIT_CODE = 137
PR_SET_PDEATHSIG = 1
ACK_WAIT_S, STREAM_CHECK_S, ACK_TIMEOUT_S = 2, 5.0, 2.0
BEFORE, AFTER = "before", "after"

POINTS: dict[str, tuple[str, str]] = {
    # F1: committed, and nobody told.
    "committed, not answered": ("services.shared.db:Database.transaction", AFTER),
    "committed, not published": ("services.shared.outbox:Relay._send", BEFORE),
    # F2: the stream has it, the outbox does not know.
    "published, not marked": ("services.shared.outbox:Relay._mark", BEFORE),
    "partly published": ("services.shared.publishing:_publish", AFTER),
    # F3: the effect is there, the consumer's place is not.
    "handled, not committed": ("services.shared.settling:Settler._apply", AFTER),
    "handled, not acknowledged": ("services.shared.settling:Settler.settle", AFTER),
    "partly acknowledged": ("nats.aio.msg:Msg.ack", AFTER),
}
"""Name → the function, and whether death comes before or after its n-th call."""


@dataclass(frozen=True, slots=True)
class Death:
    """Where a process dies, and at which call of it."""

    point: str
    at_call: int = 1


class Parts:
    """Starts processes. Each gets its output in a file of ``logs``."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._context = multiprocessing.get_context("forkserver")
        services = ("registry", "programs", "distribution", "indicators")
        self._context.set_forkserver_preload(
            [__name__, "polars", *(f"services.{service}.main" for service in services)]
        )

    def worker(
        self, service: str, env: Mapping[str, str], death: Death | None = None
    ) -> BaseProcess:
        """Start the service's worker."""
        return self._start(f"{service}-worker", service, dict(env), death, 0)

    def api(
        self, service: str, env: Mapping[str, str], port: int, death: Death | None = None
    ) -> BaseProcess:
        """Start the service's HTTP application on ``port``."""
        return self._start(service, service, dict(env), death, port)

    def _start(
        self, name: str, service: str, env: dict[str, str], death: Death | None, port: int
    ) -> BaseProcess:
        log = str(self._logs / f"{name}.log")
        process = self._context.Process(
            target=_live, args=(service, env, log, death, port), name=name, daemon=True
        )
        process.start()
        return process


def kill(process: BaseProcess) -> None:
    """Kill -9, and wait for the end."""
    process.kill()
    process.join()


async def stop(process: BaseProcess, within_s: float = 30) -> None:
    """Ask to end by SIGTERM; kill what does not."""
    process.terminate()
    await asyncio.to_thread(process.join, within_s)
    kill(process)


def _live(service: str, env: dict[str, str], log: str, death: Death | None, port: int) -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(file, sys.stdout.fileno())
    os.dup2(file, sys.stderr.fileno())
    os.environ.update(env)
    # What a dead consumer held is delivered again, a lost stream is missed, and a message that a
    # stream does not acknowledge is sent again, after seconds.
    pulling.ACK_WAIT_S, outbox.STREAM_CHECK_S = ACK_WAIT_S, STREAM_CHECK_S
    publishing.ACK_TIMEOUT_S = ACK_TIMEOUT_S
    if death is not None:
        _arm(death)
    main: Any = importlib.import_module(f"services.{service}.main")
    if port:
        uvicorn.run(main.create_app(), host="127.0.0.1", port=port, access_log=False)
    else:
        main.main()


def _arm(death: Death) -> None:
    """Wrap the function of the point, in its module or class."""
    path, moment = POINTS[death.point]
    module, _, names = path.partition(":")
    *owners, name = names.split(".")
    owner: Any = importlib.import_module(module)
    for each in owners:
        owner = getattr(owner, each)
    original = getattr(owner, name)
    wrap = _around_block if death.point == "committed, not answered" else _around_call
    setattr(owner, name, wrap(original, moment, _Countdown(death.at_call)))


class _Countdown:
    def __init__(self, calls: int) -> None:
        self.calls = calls

    def tick(self) -> None:
        self.calls -= 1
        if self.calls == 0:
            os._exit(EXIT_CODE)


def _around_call(original: Callable[..., Any], moment: str, countdown: _Countdown) -> Any:
    @functools.wraps(original)
    async def dying(*args: Any, **kwargs: Any) -> Any:
        # A call with nothing to do, no message and no item, is not the moment.
        given = [each for each in args[1:] if isinstance(each, list | dict)]
        busy = any(given) or not given
        if moment == BEFORE and busy:
            countdown.tick()
        result = await original(*args, **kwargs)
        if moment == AFTER and busy:
            countdown.tick()
        return result

    return dying


def _around_block(original: Callable[..., Any], _: str, countdown: _Countdown) -> Any:
    @asynccontextmanager
    async def dying(self: Any) -> Any:
        async with original(self) as tx:
            yield tx
        countdown.tick()

    return dying
