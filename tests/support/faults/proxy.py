"""A TCP proxy of our own between two parts: it passes on, delays, swallows or cuts.

``swallow`` is a partition as both sides see it: connections stay open, nothing comes any more, new
connections get no answer; what was on its way arrives after ``heal``, as TCP would send it again.
Several ``targets`` are replicas of one part: a connection goes to the next one that takes it, as
the names of containers and the addresses of clusters do it.
"""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

CHUNK = 65_536
Address = tuple[str, int]


class Proxy:
    """``address`` leads to the targets."""

    def __init__(self, targets: Sequence[Address]) -> None:
        self._targets = list(targets)
        self._turn = itertools.count()
        self._open = asyncio.Event()
        self._open.set()
        self._under_way: set[asyncio.Task[None]] = set()
        self.delay_s = 0.0
        """How long each piece of an answer stays on the way."""

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.host, self.port = self._server.sockets[0].getsockname()[:2]

    async def stop(self) -> None:
        self._server.close()
        self.cut()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    def swallow(self) -> None:
        """From now on nothing passes in either direction, and nobody is told."""
        self._open.clear()

    def heal(self) -> None:
        """Everything passes again, what waited first."""
        self.delay_s = 0.0
        self._open.set()

    def cut(self) -> None:
        """Break every connection."""
        for task in self._under_way:
            task.cancel()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._under_way.add(task)
        try:
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await self._serve(reader, writer)
        finally:
            self._under_way.discard(task)
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = asyncio.create_task(reader.read(CHUNK))
        await self._open.wait()
        if first.done() and (not first.result() or reader.at_eof()):
            # Who gave up while nothing passed was never heard of on the other side.
            return
        far_reader, far_writer = await self._connect()
        try:
            # Either side's end is the end of both: the protocols here do not close by halves.
            ways = [
                asyncio.create_task(self._pass(reader, far_writer, first)),
                asyncio.create_task(self._pass(far_reader, writer)),
            ]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
        finally:
            far_writer.transport.abort()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        first = next(self._turn)
        for n in range(len(self._targets)):
            target = self._targets[(first + n) % len(self._targets)]
            with contextlib.suppress(OSError):
                return await asyncio.open_connection(*target)
        raise ConnectionRefusedError

    async def _pass(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        first: asyncio.Task[bytes] | None = None,
    ) -> None:
        """Pass one direction on: the calls when there is a ``first``, the answers otherwise."""
        answers = first is None
        pending = first
        while True:
            chunk = await (pending or reader.read(CHUNK))
            pending = None
            await self._open.wait()
            if answers and self.delay_s:
                await asyncio.sleep(self.delay_s)
            if not chunk:
                return
            writer.write(chunk)
            await writer.drain()


@asynccontextmanager
async def proxied(*targets: Address) -> AsyncIterator[Proxy]:
    """Give a running proxy to ``targets``."""
    proxy = Proxy(targets)
    await proxy.start()
    try:
        yield proxy
    finally:
        await proxy.stop()
