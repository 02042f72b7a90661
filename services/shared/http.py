"""The HTTP application of a service, and the names that its ``api`` imports for transactions.

The machinery of writes is in ``routes``, conditional requests in ``conditional``.
"""

import socket
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any

import asyncpg
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.routing import APIRoute
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.requests import ClientDisconnect

from services.shared import broker, openapi, problems
from services.shared.auth import TokenVerifier
from services.shared.conditional import (
    PRECONDITION_FAILED,
    PRECONDITION_REQUIRED,
    etag,
    not_modified,
    require_match,
)
from services.shared.db import Database, EventRefused, sqlstate_of, where
from services.shared.feed import changes_router
from services.shared.health import Check, health_router
from services.shared.idempotency import IN_PROGRESS, KEY_MISSING, KEY_REUSED
from services.shared.key_files import KeyFile
from services.shared.observability import (
    SILENT,
    configure_logging,
    configure_tracing,
    metrics_router,
)
from services.shared.openapi import NOT_MODIFIED, refuses
from services.shared.pages import CURSOR_INVALID, CursorSigner
from services.shared.parked_events import parked_events_router
from services.shared.position import POSITION_INVALID
from services.shared.problems import (
    INTERNAL,
    TEXT_NOT_STORABLE,
    UNAVAILABLE,
    Problem,
    ProblemType,
    problem_response,
)
from services.shared.routes import (
    Keys,
    ReadTx,
    Signer,
    Tx,
    WriteRoute,
    read_tx,
    service_router,
    write_tx,
)
from services.shared.settings import ServiceSettings
from services.shared.startup import keep_what_is_loaded
from services.shared.telemetry import RequestTelemetry

__all__ = [
    "NOT_MODIFIED",
    "Keys",
    "ReadTx",
    "Signer",
    "Tx",
    "WriteRoute",
    "create_service_app",
    "etag",
    "not_modified",
    "read_tx",
    "refuses",
    "require_match",
    "service_router",
    "write_tx",
]

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]

EVENT_REFUSED = ProblemType(
    "too_much_data",
    422,
    "Data ini terlalu besar atau memuat huruf yang tidak dapat disimpan",
    "The data is too large or holds a character that cannot be stored",
)
CUT_OFF = ProblemType(
    "request_cut_off",
    400,
    "Permintaan terputus sebelum lengkap",
    "The request was cut off before it was complete",
)
"""Nobody reads this answer; but a lost connection is not a fault of ours, in logs and alarms."""
NOT_STORABLE_STATES = frozenset({"22021", "22P05"})
"""character_not_in_repertoire and untranslatable_character: in practice, a NUL."""

BY_PARAMETER: Mapping[str, Sequence[ProblemType]] = {
    "cursor": (CURSOR_INVALID,),
    "min_position": (POSITION_INVALID,),
    "Idempotency-Key": (KEY_MISSING, KEY_REUSED, IN_PROGRESS, EVENT_REFUSED),
    "If-Match": (PRECONDITION_FAILED, PRECONDITION_REQUIRED),
}
"""The errors that a parameter brings with it, for the OpenAPI document."""

OFFLINE = (ConnectionError, TimeoutError, socket.gaierror, asyncpg.InternalClientError)


def create_service_app(
    settings: ServiceSettings,
    *,
    title: str,
    routers: Sequence[APIRouter],
    errors: Mapping[type[Exception], ProblemType] | None = None,
    examples: Mapping[str, Any] | None = None,
    lifespan: Lifespan | None = None,
) -> FastAPI:
    """Return the application: ``state`` holds settings, db, verifier, key_file, cursor_signer.

    ``examples`` gives a sample value by field name, for the OpenAPI document.
    Connections open at first use, so that the application also works without its lifespan.
    """
    app = FastAPI(
        title=title,
        version="1",
        docs_url=None,
        redoc_url=None,
        telemetry=SILENT,
        lifespan=_lifespan(lifespan),
    )
    app.state.settings = settings
    app.state.db = Database(
        settings.database_url, schema=settings.database_schema, service=settings.service_name
    )
    app.state.verifier = TokenVerifier(settings.issuers, settings.audience)
    app.state.key_file = KeyFile(settings.key_file)
    app.state.cursor_signer = CursorSigner(app.state.key_file.current())
    own = {EventRefused: EVENT_REFUSED, ClientDisconnect: CUT_OFF}
    problems.install(app, {**own, **(errors or {})})
    app.add_exception_handler(DBAPIError, _answer_database_error)
    for passing in (asyncpg.PostgresError, asyncpg.InterfaceError, PoolTimeoutError, *OFFLINE):
        app.add_exception_handler(passing, _answer_database_error)
    common = (
        health_router(readiness(app.state.db, settings)),
        metrics_router(),
        changes_router(settings.service_name),
        parked_events_router(settings.service_name),
    )
    for router in (*routers, *common):
        # Not include_router(): it has every request matched by the routers in turn, and twice.
        app.router.routes += router.routes
    for route in app.routes:
        if isinstance(route, APIRoute):
            route.operation_id = _operation_id(settings.service_name, route)
    openapi.describe(app, by_parameter=BY_PARAMETER, examples=examples)
    # Added last, thus outermost: it sees every answer, also those of other middleware.
    app.add_middleware(RequestTelemetry, service=settings.service_name)
    return app


def _operation_id(service: str, route: APIRoute) -> str:
    """Name an operation as generated clients should: ``registry_families_get_family``."""
    words = (service, *(str(tag) for tag in route.tags[:1]), route.name)
    return "_".join(words).replace("-", "_")


def readiness(db: Database, settings: ServiceSettings) -> dict[str, Check]:
    """Return what a service needs to be ready: its database, and a NATS that syncs always."""

    async def jetstream() -> None:
        await broker.require_sync_always(settings.nats_monitor_url)

    return {"database": db.ping, "jetstream": jetstream}


def _lifespan(inner: Lifespan | None) -> Lifespan:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        settings: ServiceSettings = app.state.settings
        configure_logging(settings.service_name, settings.log_level)
        configure_tracing(settings.service_name, settings.otlp_endpoint)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(app.state.db.close)
            stack.push_async_callback(app.state.verifier.close)
            if inner is not None:
                await stack.enter_async_context(inner(app))
            keep_what_is_loaded()
            yield

    return lifespan


async def _answer_database_error(request: Request, error: Exception) -> Response:
    """Answer 422 for text that no column holds, 503 for faults that pass; the rest is a bug."""
    state = sqlstate_of(error)
    if state in NOT_STORABLE_STATES:
        return problem_response(request.scope, Problem(TEXT_NOT_STORABLE))
    if broker.is_passing(error):
        problems.log.warning("database_unavailable", error=type(error).__name__, sqlstate=state)
        return problem_response(request.scope, Problem(UNAVAILABLE, headers={"Retry-After": "1"}))
    problems.log.error("database_error", sqlstate=state, where=where(error))
    return problem_response(request.scope, Problem(INTERNAL))
