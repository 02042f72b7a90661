"""One OpenAPI 3.1 document of everything that can be called: the services' own, merged.

Each service's document is fetched and kept for a while; the last one known stands in for a
service that is down. Only paths of the route table are shown. A component's name that two
services use differently gets the service's name in front, in both.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import httpx
import structlog

from gateway.described import show_gateway
from gateway.routes import Router
from gateway.transport import FAILURES

FRESH_S = 30
FETCH_S = 3
DOCUMENT_BYTES_MAX = 5_000_000
METHODS = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace"})
SHARED_COMPONENTS = ("schemas", "examples", "headers")
"""Led to by references. Security schemes are led to by name, and are the same everywhere."""
log = structlog.get_logger(__name__)

Document = dict[str, Any]


@dataclass(slots=True)
class Documents:
    """The services' documents as last fetched."""

    transport: httpx.AsyncBaseTransport
    upstreams: Mapping[str, str]
    router: Router
    _known: dict[str, Document] = field(default_factory=dict)
    _failed: frozenset[str] = frozenset()
    _asked_at: float = -FRESH_S
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def services(self) -> tuple[dict[str, Document], frozenset[str]]:
        """Return each service's document, and the services that did not answer just now."""
        async with self._lock:
            if monotonic() - self._asked_at >= FRESH_S:
                found = await asyncio.gather(*(self._fetch(name) for name in self.upstreams))
                answers = dict(zip(self.upstreams, found, strict=True))
                self._failed = frozenset(name for name, got in answers.items() if got is None)
                self._known |= {name: got for name, got in answers.items() if got is not None}
                # A service that starts is found soon: only a full round is kept for long.
                self._asked_at = monotonic() - (FRESH_S - 2 if self._failed else 0)
        return dict(self._known), self._failed

    async def merged(self, own: Document) -> Document:
        """Return the whole document; ``own`` describes the gateway's own paths."""
        documents, failed = await self.services()
        return merge(own, documents, self.router, unavailable=sorted(failed))

    async def _fetch(self, service: str) -> Document | None:
        request = httpx.Request("GET", f"{self.upstreams[service]}/openapi.json")
        try:
            async with asyncio.timeout(FETCH_S):
                response = await self.transport.handle_async_request(request)
                try:
                    body = await _read(response)
                finally:
                    await response.aclose()
            document = json.loads(body)
        except (*FAILURES, ValueError, RecursionError) as error:
            log.warning("openapi_not_fetched", upstream=service, error=type(error).__name__)
            return None
        is_document = response.status_code == httpx.codes.OK and isinstance(document, dict)
        return document if is_document else None


async def _read(response: httpx.Response) -> bytes:
    body = bytearray()
    async for chunk in response.stream:  # type: ignore[union-attr]  # asynchronous
        body += chunk
        if len(body) > DOCUMENT_BYTES_MAX:
            raise ValueError("the document is too large")
    return bytes(body)


def merge(
    own: Document, documents: Mapping[str, Document], router: Router, *, unavailable: list[str]
) -> Document:
    """Merge the services' documents into ``own``; pure."""
    everyone = {"gateway": own, **documents}
    clashing = _clashing(everyone)
    components: Document = {kind: {} for kind in (*SHARED_COMPONENTS, "securitySchemes")}
    paths: Document = {}
    for service, document in everyone.items():
        renamed = {ref: _own_ref(ref, service) for ref in clashing}
        theirs = document.get("components", {})
        for kind in SHARED_COMPONENTS:
            for name, component in theirs.get(kind, {}).items():
                ref = f"#/components/{kind}/{name}"
                target = renamed.get(ref, ref).rsplit("/", 1)[1]
                components[kind][target] = _with_refs(component, renamed)
        components["securitySchemes"] |= theirs.get("securitySchemes", {})
        for path, operations in document.get("paths", {}).items():
            route = router.find(path.replace("{", "").replace("}", "").encode())
            if service == "gateway" or (route is not None and route.service == service):
                paths[path] = _with_refs(operations, renamed)
    merged: Document = {
        "openapi": "3.1.0",
        "info": own["info"],
        "servers": [{"url": "/"}],
        "tags": [{"name": name} for name in _tag_names(paths)],
        "paths": paths,
        "components": components,
    }
    show_gateway(merged)
    if unavailable:
        merged["info"] = {**merged["info"], "x-unavailable": unavailable}
    return merged


def _clashing(documents: Mapping[str, Document]) -> set[str]:
    """Return the references that two services use for different things."""
    seen: dict[str, Any] = {}
    clashing = set()
    for document in documents.values():
        for kind in SHARED_COMPONENTS:
            for name, component in document.get("components", {}).get(kind, {}).items():
                ref = f"#/components/{kind}/{name}"
                if seen.setdefault(ref, component) != component:
                    clashing.add(ref)
    return clashing


def _own_ref(ref: str, service: str) -> str:
    folder, name = ref.rsplit("/", 1)
    return f"{folder}/{service.capitalize()}{name}"


def _with_refs(node: Any, renamed: Mapping[str, str]) -> Any:
    """Return a copy in which references lead to the new names."""
    if isinstance(node, dict):
        copy = {key: _with_refs(value, renamed) for key, value in node.items()}
        ref = copy.get("$ref")
        if isinstance(ref, str):
            copy["$ref"] = renamed.get(ref, ref)
        return copy
    return [_with_refs(item, renamed) for item in node] if isinstance(node, list) else node


def _tag_names(paths: Mapping[str, Any]) -> list[str]:
    return sorted(
        {
            tag
            for operations in paths.values()
            for method, operation in operations.items()
            if method in METHODS
            for tag in operation.get("tags", [])
        }
    )


def windows(documents: Mapping[str, Document], router: Router, roles: set[str]) -> list[Document]:
    """Return what a caller with ``roles`` may open: per resource its service and methods.

    Read from the ``x-roles`` of the services' own documents, so that it cannot differ from what
    they check.
    """
    found: dict[str, tuple[str, set[str]]] = {}
    for service, document in documents.items():
        for path, operations in document.get("paths", {}).items():
            route = router.find(path.replace("{", "").replace("}", "").encode())
            if route is None or route.service != service:
                continue
            for method, operation in operations.items():
                if method in METHODS and roles & set(operation.get("x-roles", [])):
                    found.setdefault(route.prefix, (service, set()))[1].add(method.upper())
    return [
        {"resource": prefix, "service": service, "methods": sorted(methods)}
        for prefix, (service, methods) in sorted(found.items())
    ]
