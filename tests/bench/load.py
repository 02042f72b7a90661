"""A caller that never tires: over each keep-alive connection one request after the other.

A program of its own, so that it shares no interpreter with the server; raw asyncio, so that it
costs a tenth of what it measures. It reads an ``Order`` as JSON from standard input and writes a
``Load``. Every answer must be 200 with a Content-Length, or it fails.
"""

import asyncio
import json
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from itertools import cycle
from typing import cast

import uvloop

SILENCE_S = 30


@dataclass(frozen=True, slots=True)
class Order:
    """What to ask of whom, over how many connections and how long."""

    paths: list[str]
    headers: dict[str, str] = field(default_factory=dict)
    connections: int = 32
    seconds: float = 2.0
    port: int = 0


@dataclass(frozen=True, slots=True)
class Load:
    """What came of it; ``cpu_us`` is the server's processor time per answer, when watched."""

    answers: int
    seconds: float
    p50_ms: float
    p99_ms: float
    cpu_us: float = 0.0

    @property
    def per_s(self) -> float:
        return self.answers / self.seconds


class Caller(asyncio.Protocol):
    """One connection."""

    def __init__(self, requests: Iterator[bytes], until: float, times: list[float]) -> None:
        self._requests = requests
        self._until = until
        self._times = times
        self._buffer = b""
        self._sent_at = 0.0
        self._transport: asyncio.Transport
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._ask()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, separator, body = self._buffer.partition(b"\r\n\r\n")
        if not separator:
            return
        lowered = head.lower()
        if not head.startswith(b"HTTP/1.1 200") or b"\r\ncontent-length:" not in lowered:
            self._end(RuntimeError(self._buffer.decode(errors="replace")))
            return
        length = lowered.split(b"\r\ncontent-length:", 1)[1].split(b"\r\n", 1)[0]
        if len(body) < int(length):
            return
        self._times.append(time.perf_counter() - self._sent_at)
        self._buffer = b""
        if time.perf_counter() < self._until:
            self._ask()
        else:
            self._end(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(exc or ConnectionError("the server closed the connection"))

    def _ask(self) -> None:
        self._sent_at = time.perf_counter()
        self._transport.write(next(self._requests))

    def _end(self, error: Exception | None) -> None:
        if not self.done.done():
            if error is None:
                self.done.set_result(None)
            else:
                self.done.set_exception(error)
            self._transport.close()


async def call(order: Order) -> Load:
    """Carry out the order."""
    sent = {"Host": f"127.0.0.1:{order.port}", "Accept": "*/*", **order.headers}
    fields = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
    requests = cycle([f"GET {path} HTTP/1.1\r\n{fields}\r\n".encode() for path in order.paths])
    times: list[float] = []
    started = time.perf_counter()
    until = started + order.seconds
    loop = asyncio.get_running_loop()
    made = await asyncio.gather(
        *(
            loop.create_connection(lambda: Caller(requests, until, times), "127.0.0.1", order.port)
            for _ in range(order.connections)
        )
    )
    async with asyncio.timeout(order.seconds + SILENCE_S):
        await asyncio.gather(*(caller.done for _, caller in made))
    seconds = time.perf_counter() - started
    percentiles = statistics.quantiles(times, n=100)
    return Load(len(times), seconds, percentiles[49] * 1000, percentiles[98] * 1000)


if __name__ == "__main__":
    found = uvloop.run(call(Order(**json.load(sys.stdin))))
    print(json.dumps(asdict(found)))
