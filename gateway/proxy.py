"""The pass-through: bytes stream both ways, nothing is parsed, everything is bounded.

Raw ASGI over httpx's transport interface; httpx's client and pool would cost most of a service's
throughput. The body is pulled by the transport as fast as the service reads it, while a second
task watches whether the caller is still there.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import httpx
import structlog
from starlette.types import Receive, Scope, Send

from gateway.headers import Headers, to_caller, to_upstream, value_of
from gateway.routes import Route
from gateway.settings import GatewaySettings
from gateway.transport import FAILURES
from services.shared import clock
from services.shared.auth import Actor
from services.shared.observability import current_traceparent
from services.shared.problems import (
    BAD_REQUEST,
    TOO_LARGE,
    TOO_MANY_REQUESTS,
    UNAVAILABLE,
    Problem,
    ProblemType,
)

log = structlog.get_logger(__name__)

UPSTREAM_UNREACHABLE = ProblemType(
    "upstream_unreachable",
    502,
    "Layanan di belakang gerbang tidak dapat dihubungi",
    "The service behind the gateway cannot be reached",
)
UPSTREAM_FAILED = ProblemType(
    "upstream_failed",
    502,
    "Layanan di belakang gerbang memutus sambungan",
    "The service behind the gateway broke off",
)
UPSTREAM_SLOW = ProblemType(
    "upstream_slow",
    504,
    "Layanan di belakang gerbang tidak menjawab tepat waktu",
    "The service behind the gateway did not answer in time",
)
CALLER_SLOW = ProblemType(
    "request_timeout",
    408,
    "Kiriman terhenti terlalu lama",
    "The request stood still for too long",
)
URI_TOO_LONG = ProblemType("uri_too_long", 414, "Alamat terlalu panjang", "The address is too long")
EVENT_STREAM = "text/event-stream"
URI_BYTES_MAX = 8192
UNKNOWN = -1
UNWATCHED_S = 0.05
"""An answer that comes sooner needs nobody who watches whether the caller is still there."""


class CallerGone(Exception):
    """The caller broke the connection; nobody is left to answer."""


class BodyTooLarge(Exception):
    """More bytes came than the route takes."""


class UpstreamBroken(Exception):
    """The answer broke off halfway. Raised to the server, which cuts the caller's connection."""


class RequestBody(httpx.AsyncByteStream):
    """The caller's body as the transport pulls it, counted."""

    def __init__(self, receive: Receive, size_max: int) -> None:
        self._receive = receive
        self._size_max = size_max
        self._count = 0
        self._over = asyncio.Event()
        self.too_large = False
        self.gone = False
        self.waits_for_caller = False
        self.on_progress: Callable[[], None] | None = None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        more = True
        while more:
            self.waits_for_caller = True
            message = await self._receive()
            self.waits_for_caller = False
            if message["type"] == "http.disconnect":
                self.gone = True
                self._over.set()
                raise CallerGone
            chunk = message.get("body", b"")
            more = message.get("more_body", False)
            self._count += len(chunk)
            if self._count > self._size_max:
                self.too_large = True
                raise BodyTooLarge
            if self.on_progress is not None:
                self.on_progress()
            if chunk:
                yield chunk
        self._over.set()

    async def drain(self) -> None:
        """Take the end of a body that the headers say is empty."""
        async for _ in self:
            pass

    async def until_gone(self) -> None:
        """Return when the caller has left. While the body comes, its reader notices that."""
        await self._over.wait()
        while not self.gone:
            self.gone = (await self._receive())["type"] == "http.disconnect"


@dataclass(slots=True)
class Upstream:
    """One service and how many requests it is working on for us."""

    service: str
    url: str
    host: bytes
    under_way: int = 0


@dataclass(slots=True)
class Proxy:
    """Forwards requests and counts what is under way."""

    settings: GatewaySettings
    transport: httpx.AsyncBaseTransport
    upstreams: dict[str, Upstream] = field(init=False)
    streams: int = 0
    streams_by_caller: Counter[str] = field(default_factory=Counter)
    _closing: set[asyncio.Task[None]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.upstreams = {
            service: Upstream(service, url, httpx.URL(url).netloc)
            for service, url in self.settings.upstreams().items()
        }

    async def forward(
        self, scope: Scope, receive: Receive, send: Send, *, route: Route, actor: Actor
    ) -> None:
        """Pass the request on and its answer back. Raise a ``Problem`` before any answer began."""
        settings = self.settings
        size_max = settings.upload_bytes_max if route.takes_files else settings.body_bytes_max
        declared = value_of(scope["headers"], b"content-length") or "0"
        if not declared.isdigit() or int(declared) > size_max:
            raise Problem(TOO_LARGE)
        upstream = self.upstreams[route.service]
        if upstream.under_way >= settings.concurrent_max:
            raise Problem(UNAVAILABLE, headers={"Retry-After": "1"})
        body = RequestBody(receive, size_max)
        exchange = _Exchange(self, upstream, body, scope, send, route, actor)
        # Counted in the same breath as the limit was looked at: many may come at once.
        upstream.under_way += 1
        work = asyncio.create_task(exchange.run())
        work.add_done_callback(lambda _: exchange.release())
        try:
            await asyncio.wait({work}, timeout=UNWATCHED_S)
            if not work.done():
                await _until_done_or_gone(work, body)
        finally:
            work.cancel()
            [outcome] = await asyncio.gather(work, return_exceptions=True)
        if isinstance(outcome, Exception) and not isinstance(outcome, CallerGone):
            raise outcome

    def close_soon(self, response: httpx.Response) -> None:
        """Close an answer that nobody waits for any more."""
        closing = asyncio.create_task(response.aclose())
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)


async def _until_done_or_gone(work: asyncio.Task[None], body: RequestBody) -> None:
    gone = asyncio.create_task(body.until_gone())
    try:
        await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)


@dataclass(slots=True)
class _Exchange:
    """One request and its answer."""

    proxy: Proxy
    upstream: Upstream
    body: RequestBody
    scope: Scope
    send: Send
    route: Route
    actor: Actor
    streams: bool = False
    abandoned: bool = False

    @property
    def deadline_s(self) -> float:
        return self.route.deadline_s or self.proxy.settings.deadline_s

    async def run(self) -> None:
        try:
            async with asyncio.timeout(self.proxy.settings.request_s_max) as whole:
                response = await self._ask()
                try:
                    await self._answer(response, whole)
                finally:
                    await response.aclose()
        except TimeoutError as error:
            # _ask() and _answer() handle their own: this is the whole request's.
            raise UpstreamBroken("request_s_max") from error

    async def _ask(self) -> httpx.Response:
        """Send the request; return the answer once its headers are there."""
        request = await self._request()
        loop = asyncio.get_running_loop()
        asking = asyncio.create_task(self.proxy.transport.handle_async_request(request))
        try:
            async with asyncio.timeout(self.deadline_s) as silence:
                self.body.on_progress = lambda: silence.reschedule(loop.time() + self.deadline_s)
                response = await asyncio.shield(asking)
        except TimeoutError as error:
            slow = CALLER_SLOW if self.body.waits_for_caller else UPSTREAM_SLOW
            raise Problem(slow) from error
        except (*FAILURES, BodyTooLarge, CallerGone) as error:
            raise self._failure(error) from error
        finally:
            self.body.on_progress = None
            if not asking.done():
                self._abandon(asking)
        return response

    def _abandon(self, asking: asyncio.Task[httpx.Response]) -> None:
        """Stop asking; where the transport cannot, keep the slot while the service still works."""
        if self.proxy.settings.transport == "httpx":
            asking.cancel()
            return
        self.abandoned = True

        def finished(task: asyncio.Task[httpx.Response]) -> None:
            self.upstream.under_way -= 1
            if not task.cancelled() and task.exception() is None:
                self.proxy.close_soon(task.result())

        asking.add_done_callback(finished)

    async def _request(self) -> httpx.Request:
        scope = self.scope
        given: Headers = scope["headers"]
        headers = to_upstream(
            scope, request_id=scope["betang.request_id"], traceparent=current_traceparent()
        )
        headers.append((b"host", self.upstream.host))
        query: bytes = scope["query_string"]
        target = scope["raw_path"] + (b"?" + query if query else b"")
        if len(target) > URI_BYTES_MAX:
            raise Problem(URI_TOO_LONG)
        stream: httpx.AsyncByteStream = self.body
        if value_of(given, b"transfer-encoding") is not None:
            headers.append((b"transfer-encoding", b"chunked"))
        elif value_of(given, b"content-length") in (None, "0"):
            await self.body.drain()
            stream = httpx.ByteStream(b"")
        try:
            url = httpx.URL(self.upstream.url + target.decode("latin-1"))
        except httpx.InvalidURL as error:
            raise Problem(BAD_REQUEST) from error
        if stream is not self.body:
            return httpx.Request(scope["method"], url, headers=headers, content=b"")
        return httpx.Request(scope["method"], url, headers=headers, stream=stream)

    def _failure(self, error: Exception) -> Exception:
        if self.body.too_large:
            return Problem(TOO_LARGE)
        if self.body.gone:
            return CallerGone()
        log.warning(
            "upstream_failed",
            upstream=self.upstream.service,
            route=self.route.name,
            error=type(error).__name__,
        )
        if isinstance(error, httpx.PoolTimeout):
            return Problem(UNAVAILABLE, headers={"Retry-After": "1"})
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
            return Problem(UPSTREAM_UNREACHABLE, headers={"Retry-After": "2"})
        if isinstance(error, httpx.TimeoutException):
            return Problem(UPSTREAM_SLOW)
        return Problem(UPSTREAM_FAILED)

    async def _answer(self, response: httpx.Response, whole: asyncio.Timeout) -> None:
        """Pass the answer on, chunk by chunk as it comes."""
        loop = asyncio.get_running_loop()
        ends_at = None
        headers = to_caller(response.headers.raw)
        if (value_of(headers, b"content-type") or "").startswith(EVENT_STREAM):
            self._become_stream()
            whole.reschedule(None)
            lifetime = self.actor.expires_at - clock.now()
            ends_at = loop.time() + max(0.0, lifetime.total_seconds())
        start = {
            "type": "http.response.start",
            "status": response.status_code,
            "headers": headers,
        }
        await self.send(start)
        left, ended = _length_in(headers), False
        try:
            async with asyncio.timeout_at(ends_at or loop.time() + self.deadline_s) as silence:
                async for chunk in response.stream:  # type: ignore[union-attr]  # asynchronous
                    if not chunk:
                        continue
                    left -= len(chunk)
                    ended = left == 0
                    await self.send(
                        {"type": "http.response.body", "body": chunk, "more_body": not ended}
                    )
                    if ends_at is None:
                        silence.reschedule(loop.time() + self.deadline_s)
        except (*FAILURES, BodyTooLarge, CallerGone) as error:
            # A stream that reached its token's end is whole; anything else broke off.
            if ends_at is None or not isinstance(error, TimeoutError):
                raise UpstreamBroken(type(error).__name__) from error
        if not ended:
            await self.send({"type": "http.response.body", "body": b"", "more_body": False})

    def _become_stream(self) -> None:
        """Count as an event stream instead of a request: it stays for hours."""
        proxy, caller = self.proxy, self.actor.id
        if proxy.streams >= proxy.settings.streams_max:
            raise Problem(UNAVAILABLE, headers={"Retry-After": "30"})
        if proxy.streams_by_caller[caller] >= proxy.settings.streams_per_caller_max:
            raise Problem(TOO_MANY_REQUESTS, headers={"Retry-After": "30"})
        self.upstream.under_way -= 1
        self.streams = True
        proxy.streams += 1
        proxy.streams_by_caller[caller] += 1

    def release(self) -> None:
        """Count no more; what the transport could not stop counts until it is over."""
        if self.abandoned:
            return
        if not self.streams:
            self.upstream.under_way -= 1
            return
        proxy, caller = self.proxy, self.actor.id
        proxy.streams -= 1
        proxy.streams_by_caller[caller] -= 1
        if proxy.streams_by_caller[caller] == 0:
            del proxy.streams_by_caller[caller]


def _length_in(headers: Headers) -> int:
    """Return how long the answer says it is, negative when it does not say."""
    declared = value_of(headers, b"content-length") or ""
    return int(declared) if declared.isdigit() else UNKNOWN
