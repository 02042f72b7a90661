"""What a server notes of each request: its trace, its id, an access log line, metrics.

Every request passes here, so the access log's line is made at once instead of through structlog:
nothing in it could be filled with personal data by a caller.
"""

import logging
import re
from functools import cache
from time import perf_counter

import orjson
import structlog
from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, StatusCode
from prometheus_client import Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.shared import clock
from services.shared.observability import LATENCY, REQUESTS, ReadyLine, continued
from services.shared.redaction import scrub_text

REQUEST_ID = re.compile(r"^[A-Za-z0-9._-]{1,64}$")
UNMATCHED = "unmatched"
KNOWN_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
SERVER_ERROR = 500
log = logging.getLogger("access")


class RequestTelemetry:
    """ASGI middleware, the outermost: trace and request id, access log, request metrics."""

    def __init__(self, app: ASGIApp, *, service: str) -> None:
        self.app = app
        self.service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = perf_counter()
        status = 500
        headers = dict(scope["headers"])
        with continued(_header(headers, b"traceparent"), scope["method"], SpanKind.SERVER) as span:
            trace_id = trace.format_trace_id(span.get_span_context().trace_id)
            scope["betang.trace_id"] = trace_id
            request_id = _request_id(_header(headers, b"x-request-id"), trace_id)
            scope["betang.request_id"] = request_id

            async def label(message: Message) -> None:
                nonlocal status
                if message["type"] == "http.response.start":
                    status = message["status"]
                    named = [h for h in message.get("headers", ()) if h[0] != b"x-request-id"]
                    message["headers"] = [*named, (b"x-request-id", request_id.encode())]
                await send(message)

            with structlog.contextvars.bound_contextvars(request_id=request_id):
                try:
                    await self.app(scope, receive, label)
                finally:
                    self._tell(scope, span, status, perf_counter() - started)

    def _tell(self, scope: Scope, span: Span, status: int, seconds: float) -> None:
        method, route = scope["method"], route_of(scope)
        method = method if method in KNOWN_METHODS else "other"
        requests, latency = _metrics(self.service, method, route, status)
        requests.inc()
        latency.observe(seconds)
        span.update_name(f"{method} {route}")
        span.set_attribute("http.route", route)
        span.set_attribute("http.response.status_code", status)
        if status >= SERVER_ERROR:
            span.set_status(StatusCode.ERROR)
        if log.isEnabledFor(logging.INFO) and not route.startswith(("/health/", "/metrics")):
            entry = {
                "service": self.service,
                "logger": "access",
                "level": "info",
                "event": "request",
                "method": method,
                "route": route,
                "status": status,
                "ms": round(seconds * 1000, 1),
                "request_id": scope["betang.request_id"],
                "trace_id": scope["betang.trace_id"],
                "timestamp": clock.now(),
            }
            log.info(ReadyLine(orjson.dumps(entry, option=orjson.OPT_UTC_Z).decode()))


@cache
def _metrics(service: str, method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    """Find these once: to look them up by their labels costs more than to count."""
    requests = REQUESTS.labels(service, method, route, str(status))
    return requests, LATENCY.labels(service, method, route)


def route_of(scope: Scope) -> str:
    """Return the route's template: paths hold identifiers, and make endlessly many labels."""
    named = scope.get("betang.route")
    return str(named or getattr(scope.get("route"), "path", UNMATCHED))


def _header(headers: dict[bytes, bytes], name: bytes) -> str | None:
    value = headers.get(name)
    return value.decode("latin-1") if value is not None else None


def _request_id(given: str | None, trace_id: str) -> str:
    """Return the caller's id, without what could be an identity number; else the trace's.

    The gateway sends the trace id, in which sixteen decimal digits may follow by chance.
    """
    if given is None or given == trace_id or not REQUEST_ID.match(given):
        return trace_id
    return scrub_text(given)
