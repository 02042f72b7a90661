"""The gateway: knows who calls and where to, not too fast. It owns no data.

``create_app`` returns the ASGI application. From outside in: traces and request ids, CORS,
security headers, then ``Gateway``, which checks the caller and either passes the request on
(``proxy``) or answers it itself (``pages``).
"""

import contextlib
from collections.abc import AsyncIterator

import httpx
from fastapi import FastAPI
from starlette.datastructures import Headers as StarletteHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.headers import SECURITY, Headers, value_of, with_defaults
from gateway.limits import Allowance, RateLimits
from gateway.openapi import Documents
from gateway.pages import OWN_PATHS, PUBLIC_PATHS, make_pages
from gateway.proxy import Proxy
from gateway.routes import Route, Router
from gateway.settings import GatewaySettings
from gateway.transport import make_transport
from services.shared.auth import Actor, TokenVerifier, authenticate
from services.shared.health import serving_operations
from services.shared.observability import configure_logging, configure_tracing
from services.shared.problems import (
    FORBIDDEN,
    NOT_AUTHENTICATED,
    NOT_FOUND,
    Problem,
    UnhandledErrors,
    problem_response,
)
from services.shared.startup import keep_what_is_loaded
from services.shared.telemetry import RequestTelemetry

CALLER_HEADERS = (
    "Accept-Language",
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "If-Match",
    "If-None-Match",
    "Last-Event-ID",
    "Upload-Offset",
    "X-Request-Id",
    "traceparent",
)
READABLE_HEADERS = (
    "Betang-Position",
    "Content-Disposition",
    "Content-Language",
    "ETag",
    "Link",
    "Location",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "Upload-Length",
    "Upload-Offset",
    "WWW-Authenticate",
    "X-Request-Id",
)
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


def create_app(settings: GatewaySettings | None = None) -> ASGIApp:
    """Return the gateway. Reads ``GATEWAY_*`` unless ``settings`` are given."""
    settings = settings or GatewaySettings()
    gateway = Gateway(settings, make_transport(settings))
    app: ASGIApp = SecurityHeaders(UnhandledErrors(gateway))
    if settings.allowed_origins:
        app = Cors(
            app,
            allow_origins=settings.allowed_origins,
            allow_methods=METHODS,
            allow_headers=CALLER_HEADERS,
            expose_headers=READABLE_HEADERS,
            max_age=600,
        )
    return RequestTelemetry(app, service="gateway")


class Gateway:
    """Checks the caller, counts the call, and hands the request on."""

    def __init__(self, settings: GatewaySettings, transport: httpx.AsyncBaseTransport) -> None:
        self.settings = settings
        self.transport = transport
        self.router = Router()
        self.proxy = Proxy(settings, transport)
        self.verifier = TokenVerifier(settings.issuers, settings.audience)
        self.limits = RateLimits(
            calls=settings.calls_per_minute,
            anonymous_calls=settings.anonymous_calls_per_minute,
            storage=settings.limits_storage,
        )
        documents = Documents(transport, settings.upstreams(), self.router)
        self.pages: FastAPI = make_pages(settings, documents, transport)
        self.pages.router.lifespan_context = self._lifespan

    @contextlib.asynccontextmanager
    async def _lifespan(self, _app: FastAPI) -> AsyncIterator[None]:
        configure_logging("gateway", self.settings.log_level)
        configure_tracing("gateway", self.settings.otlp_endpoint)
        async with serving_operations("Betang gateway", {}, self.settings.metrics_port):
            keep_what_is_loaded()
            yield
        await self.verifier.close()
        await self.transport.aclose()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.pages(scope, receive, send)
            return
        if scope["type"] != "http":
            # WebSocket: closing it before accepting it answers 403.
            await send({"type": "websocket.close", "code": 1008})
            return
        try:
            await self._dispatch(scope, receive, send)
        except Problem as problem:
            await problem_response(scope, problem)(scope, receive, send)

    async def _dispatch(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        route = self.router.find(scope["raw_path"])
        scope["betang.route"] = route.name if route else path if path in OWN_PATHS else "unmatched"
        if route is None and path in PUBLIC_PATHS:
            await self.pages(scope, receive, send)
            return
        actor, allowance = await self._admit(scope)
        counted = _adding(send, allowance)
        try:
            if route is not None:
                await self.proxy.forward(scope, receive, counted, route=route, actor=actor)
            elif path in OWN_PATHS:
                scope["betang.actor"] = actor
                await self.pages(scope, receive, counted)
            else:
                await problem_response(scope, Problem(NOT_FOUND))(scope, receive, counted)
        except Problem as problem:
            await problem_response(scope, problem)(scope, receive, counted)

    async def _admit(self, scope: Scope) -> tuple[Actor, Allowance]:
        """Return the caller and what is left to it. Raise 401, 403, 429 or 503."""
        try:
            authorization = value_of(scope["headers"], b"authorization")
            actor = await authenticate(self.verifier, authorization)
        except Problem as problem:
            if problem.kind.status == NOT_AUTHENTICATED.status:
                # Wrong tokens count against the address, right ones never do: a village office
                # behind one address must not be locked out by a neighbour's old token.
                address = scope["client"][0] if scope.get("client") else ""
                allowance = await self.limits.count_address(address)
                problem.headers |= allowance.headers()
            raise
        return actor, await self.limits.count_caller(actor)


def _adding(send: Send, allowance: Allowance) -> Send:
    """Return a ``send`` that puts the rate limit headers on the answer."""
    extra: Headers = [
        (name.lower().encode(), value.encode()) for name, value in allowance.headers().items()
    ]

    async def counted(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = with_defaults(message["headers"], extra)
        await send(message)

    return counted


class SecurityHeaders:
    """Adds the security headers to every answer that does not set its own."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = with_defaults(message.get("headers", []), SECURITY)
            await send(message)

        await self.app(scope, receive, guarded)


class Cors(CORSMiddleware):
    """Starlette's, but a refused preflight is a problem like every other error."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (
            scope["type"] == "http"
            and scope["method"] == "OPTIONS"
            and value_of(scope["headers"], b"origin") is not None
            and value_of(scope["headers"], b"access-control-request-method") is not None
        ):
            answer = self.preflight_response(StarletteHeaders(scope=scope))
            if answer.status_code != Response().status_code:
                answer = problem_response(scope, Problem(FORBIDDEN))
            await answer(scope, receive, send)
            return
        await super().__call__(scope, receive, send)


__all__ = ["Gateway", "Route", "create_app"]
