"""A part whose clock is wrong: by the same amount wherever our code and its libraries ask."""

import datetime as dt
import sys
import time
from collections.abc import Mapping
from multiprocessing.process import BaseProcess
from typing import Any

from tests.support.faults import mortal
from tests.support.faults.longhouse import Longhouse

ASK_THE_TIME = ("services.", "jwt.", "nats.")
"""Packages that read the wall clock by ``datetime``; ``time.time`` is one for everybody."""


def run_skewed(house: Longhouse, part: str, skew_s: float) -> BaseProcess:
    """Start a part that does not run, with its clock ``skew_s`` ahead."""
    service = part.removesuffix("-worker")
    port = house.ports[service] if part == service else 0
    log = str(house.logs / f"{part}.log")
    process = house._starter._context.Process(
        target=_live_skewed,
        args=(skew_s, service, house.environment(service), log, port),
        name=part,
        daemon=True,
    )
    process.start()
    house.parts[part] = process
    return process


def _live_skewed(skew_s: float, service: str, env: Mapping[str, str], log: str, port: int) -> None:
    """Shift every clock that tells the time of day, then live as the part does."""
    skew = dt.timedelta(seconds=skew_s)
    right, right_ns = time.time, time.time_ns  # noqa: TID251 - this is the clock
    right_class = dt.datetime

    class AsRight(type):
        def __instancecheck__(cls, value: object) -> bool:
            return isinstance(value, right_class)

    class Shifted(right_class, metaclass=AsRight):
        def __new__(cls, *args: Any, **kwargs: Any) -> Any:
            # Only the clock is wrong: what is read from a text is an instant like any other, of
            # the very class that orjson can write.
            return right_class(*args, **kwargs)

        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return right_class.now(tz) + skew

        @classmethod
        def utcnow(cls) -> Any:
            return right_class.utcnow() + skew

    time.time = lambda: right() + skew_s  # noqa: TID251 - this is the clock
    time.time_ns = lambda: right_ns() + int(skew_s * 1e9)
    for name, module in list(sys.modules.items()):
        if name.startswith(ASK_THE_TIME) and getattr(module, "datetime", None) is right_class:
            module.datetime = Shifted  # type: ignore[attr-defined]  # our own clock
    mortal._live(service, dict(env), log, None, port)
