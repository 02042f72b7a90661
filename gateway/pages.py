"""What the gateway answers itself: who am I, health, the API document and its page."""

import asyncio
import base64
import hashlib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import httpx
from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from pydantic import BaseModel

from gateway.openapi import Documents, windows
from gateway.settings import GatewaySettings
from gateway.transport import FAILURES
from services.shared import problems
from services.shared.auth import Actor, Allow
from services.shared.health import CHECK_TIMEOUT_S, NOT_READY, PUBLIC
from services.shared.observability import SILENT
from services.shared.openapi import describe, refuses
from services.shared.problems import FieldError, Problem

PUBLIC_PATHS = frozenset({"/health/live", "/health/ready", "/openapi.json", "/docs"})
OWN_PATHS = PUBLIC_PATHS | {"/v1/me"}
DOCS_FILE = Path(__file__).with_name("docs.html")
EXAMPLES = {
    "subject": "operator-pelangsian",
    "issuer": "https://masuk.example.go.id",
    "name": "Operator Desa Pelangsian",
    "roles": ["operator_desa"],
    "regions": ["62.02.06.2005"],
    "agency": "DINSOS",
    "client_id": "betang-web",
    "resource": "/v1/families",
    "service": "registry",
    "methods": ["GET", "PATCH"],
    "upstreams": {"registry": "ready", "programs": "not ready"},
}
"""Sample values by field name, for the document."""
DOCUMENT_CACHE = "public, max-age=30"


class Window(BaseModel):
    """A resource that the caller may open, and by which methods."""

    resource: str
    service: str
    methods: list[str]


class Me(BaseModel):
    """The caller, as the identity provider describes it. ``regions`` are dotted prefixes."""

    subject: str
    issuer: str
    name: str | None
    roles: list[str]
    regions: list[str]
    agency: str | None
    client_id: str | None
    expires_at: datetime
    windows: list[Window]


class Live(BaseModel):
    """The gateway's process works."""

    status: Literal["live"]


class Readiness(BaseModel):
    """``ready`` when every service is, ``degraded`` when one is not: the others work on."""

    status: Literal["ready", "degraded"]
    upstreams: dict[str, Literal["ready", "not ready", "unreachable"]]


def make_pages(
    settings: GatewaySettings, documents: Documents, transport: httpx.AsyncBaseTransport
) -> FastAPI:
    """Return the application of the gateway's own paths."""
    app = FastAPI(
        title="Betang",
        version="1",
        description="Data kemiskinan satu kabupaten di bawah satu atap.",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        telemetry=SILENT,
        generate_unique_id_function=lambda route: f"gateway_{route.name}",
    )
    problems.install(app)
    describe(app, examples=EXAMPLES)

    @app.get("/v1/me", tags=["me"], openapi_extra={"security": [{Allow.scheme_name: []}]})
    async def me(request: Request) -> Me:
        """Who the caller is, and which resources its roles may open."""
        actor: Actor = request.scope["betang.actor"]
        known, _ = await documents.services()
        roles = {role.value for role in actor.roles}
        return Me(
            subject=actor.subject,
            issuer=actor.issuer,
            name=actor.name,
            roles=sorted(roles),
            regions=list(actor.regions),
            agency=actor.agency,
            client_id=actor.client_id,
            expires_at=actor.expires_at,
            windows=[Window(**w) for w in windows(known, documents.router, roles)],
        )

    @app.get("/health/live", tags=["health"], openapi_extra=PUBLIC)
    async def live() -> Live:
        """Whether the process answers."""
        return Live(status="live")

    @app.get("/health/ready", tags=["health"], openapi_extra=PUBLIC)
    @refuses(NOT_READY)
    async def ready() -> Readiness:
        """Whether the services behind the gateway work: all, some, or none."""
        states = await _states(settings.upstreams(), transport)
        if "ready" not in states.values():
            raise Problem(
                NOT_READY,
                errors=[
                    FieldError(f"upstream:{name}", state.replace(" ", "_"), state, state)
                    for name, state in states.items()
                ],
                headers={"Retry-After": "2"},
            )
        whole = all(state == "ready" for state in states.values())
        return Readiness(status="ready" if whole else "degraded", upstreams=states)

    if settings.docs:
        _add_document(app, documents)
    return app


def _add_document(app: FastAPI, documents: Documents) -> None:
    page = DOCS_FILE.read_text(encoding="utf-8")
    policy = _content_policy(page)

    @app.get("/openapi.json", include_in_schema=False)
    async def document() -> JSONResponse:
        merged = await documents.merged(own_document(app))
        return JSONResponse(merged, headers={"Cache-Control": DOCUMENT_CACHE})

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        headers = {"Content-Security-Policy": policy, "Cache-Control": DOCUMENT_CACHE}
        return HTMLResponse(page, headers=headers)


def own_document(app: FastAPI) -> dict[str, Any]:
    """Return the document of the gateway's own paths."""
    own = app.openapi()
    scheme = Allow.model.model_dump(mode="json", by_alias=True, exclude_none=True)
    own.setdefault("components", {})["securitySchemes"] = {Allow.scheme_name: scheme}
    return own


def _content_policy(page: str) -> str:
    """Allow the page its own script and style by their hashes, and calls to this gateway only."""
    script = _between(page, "<script>", "</script>")
    style = _between(page, "<style>", "</style>")
    return (
        f"default-src 'none'; connect-src 'self'; script-src '{_source(script)}'; "
        f"style-src '{_source(style)}'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )


def _between(page: str, start: str, end: str) -> str:
    return page.split(start, 1)[1].split(end, 1)[0]


def _source(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


async def _states(
    upstreams: Mapping[str, str], transport: httpx.AsyncBaseTransport
) -> dict[str, str]:
    """Return for each service ``ready``, ``not ready`` or ``unreachable``."""

    async def ask(url: str) -> str:
        try:
            async with asyncio.timeout(CHECK_TIMEOUT_S + 1):
                request = httpx.Request("GET", f"{url}/health/ready")
                response = await transport.handle_async_request(request)
                await response.aclose()
        except FAILURES:
            return "unreachable"
        return "ready" if response.status_code == httpx.codes.OK else "not ready"

    states: list[Any] = await asyncio.gather(*(ask(url) for url in upstreams.values()))
    return dict(zip(upstreams, states, strict=True))
