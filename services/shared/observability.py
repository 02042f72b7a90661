"""What a process tells about itself: JSON logs without personal data, metrics, traces.

A trace starts at the gateway, goes on in the service, is kept in the outbox row of an event, and
is continued by the consumer of that event (``continued``). Spans are exported only when an OTLP
endpoint is set; trace ids are made and passed on always. Requests are noted by ``telemetry``.
"""

import logging
import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson
import structlog
from fastapi import APIRouter, Response
from fastapi.telemetry import TelemetryConfig
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    TraceFlags,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, Histogram, generate_latest

from services.shared.redaction import redact

QUIET_LOGGERS = ("httpx", "httpcore", "uvicorn.access", "asyncio")
"""They log addresses with their queries; the log of ``telemetry`` has the route's template."""

REQUESTS = Counter(
    "betang_http_requests", "Requests answered", ("service", "method", "route", "status")
)
LATENCY = Histogram(
    "betang_http_request_seconds",
    "Time to the end of the answer",
    ("service", "method", "route"),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
CONSUMER_LAG = Gauge(
    "betang_consumer_lag", "Messages that a consumer has not handled", ("service", "consumer")
)
EVENTS_HANDLED = Counter(
    "betang_events_handled", "Events handled by a consumer", ("service", "consumer")
)
TOKEN_FAILURES = Counter("betang_token_failures", "Tokens refused, by reason", ("reason",))
JOB_DONE = Gauge(
    "betang_job_done_timestamp_seconds",
    "When this process last finished a periodic job",
    ("service", "job"),
)
PARKED = Gauge("betang_parked_events", "Parked events that wait", ("service", "consumer"))

_propagator = TraceContextTextMapPropagator()
_tracer = trace.get_tracer("betang")

SILENT: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}
"""For each ``FastAPI(telemetry=...)``: its own spans would carry paths and queries, thus
identifiers, and the texts of errors. Ours name routes."""


class ReadyLine(str):
    """A log entry that is a line of JSON already, of our own making: nothing to take out of it."""

    __slots__ = ()


def configure_logging(service: str, level: str = "INFO") -> None:
    """Write every log of this process, the libraries' too, as one JSON line on stderr."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_trace,
        structlog.processors.StackInfoRenderer(),
        # Plain tracebacks: the rich ones print local variables, thus personal data.
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    # Nothing that a line is made of; Python's HOWTO says how not to collect it.
    logging._srcfile = None  # noqa: SLF001 - documented there
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        _Formatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _named(service),
                redact,
                structlog.processors.JSONRenderer(serializer=_json),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers = []
        logging.getLogger(name).propagate = True
    for name in QUIET_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)


class _Formatter(structlog.stdlib.ProcessorFormatter):
    def format(self, record: logging.LogRecord) -> str:
        return record.msg if isinstance(record.msg, ReadyLine) else super().format(record)


def _json(entry: Any, **_: Any) -> str:
    return orjson.dumps(entry, default=str).decode()


def _named(service: str) -> Any:
    def add(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
        return {"service": service, **event}

    return add


def _add_trace(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = trace.format_trace_id(context.trace_id)
    return event


def configure_tracing(service: str, otlp_endpoint: str | None) -> None:
    """Export spans to ``otlp_endpoint`` (OTLP over HTTP); without one, export nothing."""
    if otlp_endpoint is None:
        return
    url = otlp_endpoint.rstrip("/")
    if not url.endswith("/v1/traces"):
        url += "/v1/traces"
    provider = TracerProvider(resource=Resource.create({"service.name": f"betang-{service}"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=url)))
    trace.set_tracer_provider(provider)


@contextmanager
def continued(
    traceparent: str | None, name: str, kind: SpanKind = SpanKind.CONSUMER
) -> Iterator[Span]:
    """Run the block in the trace of ``traceparent``; in a new trace when there is none."""
    parent = _propagator.extract({"traceparent": traceparent} if traceparent else {})
    span = _tracer.start_span(name, context=parent, kind=kind)
    if not span.get_span_context().is_valid:
        # No exporter is set up, so no tracer made ids.
        span = NonRecordingSpan(
            SpanContext(
                # Ids tell traces apart; nobody is let in by one.
                random.getrandbits(128) or 1,
                random.getrandbits(64) or 1,
                is_remote=False,
                trace_flags=TraceFlags(TraceFlags.SAMPLED),
            )
        )
    # Exceptions are not recorded: their texts may quote personal data.
    with trace.use_span(span, end_on_exit=True, record_exception=False):
        yield span


def current_traceparent() -> str | None:
    """Return the W3C traceparent of the running trace."""
    carrier: dict[str, str] = {}
    _propagator.inject(carrier)
    return carrier.get("traceparent")


def current_trace_id() -> str | None:
    """Return the running trace's id as 32 hex digits."""
    context = trace.get_current_span().get_span_context()
    return trace.format_trace_id(context.trace_id) if context.is_valid else None


def metrics_router() -> APIRouter:
    """Return ``GET /metrics`` for Prometheus. The gateway does not route it."""
    router = APIRouter(include_in_schema=False)

    @router.get("/metrics")
    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return router
