"""What FastAPI's OpenAPI document does not say by itself: who may call, which errors, examples.

Errors are derived from the route (``openapi_errors``), examples from the schemas and a service's
table of sample values (``openapi_examples``). Nothing here runs while a request is answered.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts

from services.shared.auth import Allow
from services.shared.openapi_errors import (
    PROBLEM_SCHEMA,
    ByParameter,
    Errors,
    Refusal,
    add_answers,
    problem_example,
)
from services.shared.openapi_examples import Examples

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
NOT_MODIFIED: dict[int | str, dict[str, Any]] = {
    304: {"description": "Tidak berubah sejak ETag di If-None-Match / unchanged since that ETag"}
}
"""``responses=NOT_MODIFIED`` of a route that answers 304."""

EVENT_STREAM = "text/event-stream"

HEADERS: dict[str, dict[str, Any]] = {
    "ETag": {
        "description": "Versi; kirim di If-Match / the version, to be sent in If-Match",
        "schema": {"type": "string", "maxLength": 200},
        "example": '"3"',
    },
    "Link": {
        "description": 'RFC 8288, `rel="next"`: halaman berikutnya / the next page',
        "schema": {"type": "string", "maxLength": 8192},
        "example": '</v1/families?cursor=AQ>; rel="next"',
    },
    "Betang-Position": {
        "description": "Kirim sebagai min_position ke layanan lain / for min_position elsewhere",
        "schema": {"type": "string", "maxLength": 400},
        "example": "registry.family.state.v1/01890a5d-ac96-774b-bcce-b302099a8057/1/4",
    },
    "Idempotency-Replayed": {
        "description": "Jawaban yang disimpan / the answer stored for this key",
        "schema": {"type": "string", "enum": ["true"]},
    },
    "Retry-After": {
        "description": "Detik sampai boleh mencoba lagi / seconds to wait",
        "schema": {"type": "integer", "minimum": 0, "maximum": 86400},
        "example": 5,
    },
}
IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "ETag yang sudah dimiliki / the ETag that the caller has",
    "schema": {"type": "string"},
    "example": '"3.20261117"',
}

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


def answers(media_type: str, example: str) -> dict[int | str, dict[str, Any]]:
    """Return the ``responses`` of a route whose good answer is not JSON."""
    return {200: {"content": {media_type: {"schema": {}, "example": example}}}}


def refuses(*kinds: Refusal) -> Callable[[Endpoint], Endpoint]:
    """Say by which problems an endpoint refuses, beside those that its signature tells.

    A kind is a ``ProblemType`` or an error class of the service's catalogue. Stands below the
    route's decorator. A test holds every answer of every test against it.
    """

    def note(endpoint: Endpoint) -> Endpoint:
        endpoint.refuses = (*getattr(endpoint, "refuses", ()), *kinds)  # type: ignore[attr-defined]
        return endpoint

    return note


class AllowedRoute(APIRoute):
    """A route that shows the roles of its ``allow(...)`` as ``x-roles`` in the document.

    A public route says ``openapi_extra={"x-public": "<reason>"}`` instead.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        roles = roles_of(self.dependant)
        if roles is not None:
            self.openapi_extra = {**(self.openapi_extra or {}), "x-roles": roles}


def roles_of(dependant: Dependant) -> list[str] | None:
    """Return the sorted roles that the ``allow`` below ``dependant`` names; None without one."""
    if isinstance(dependant.call, Allow):
        return sorted(role.value for role in dependant.call.roles)
    for inner in dependant.dependencies:
        if (roles := roles_of(inner)) is not None:
            return roles
    return None


def describe(
    app: FastAPI,
    *,
    by_parameter: ByParameter | None = None,
    examples: Mapping[str, Any] | None = None,
) -> None:
    """Make the document of ``app`` complete; ``examples`` gives a sample value by field name."""
    plain = app.openapi

    def complete() -> dict[str, Any]:
        document = plain()
        if "x-complete" not in document:
            errors = Errors(app.state.problem_catalogue, by_parameter or {})
            _complete(app, document, errors, examples or {})
            document["x-complete"] = True
        return {key: value for key, value in document.items() if key != "x-complete"}

    app.openapi = complete  # type: ignore[method-assign]  # FastAPI's documented way


def _complete(
    app: FastAPI, document: dict[str, Any], errors: Errors, samples: Mapping[str, Any]
) -> None:
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    schemas["Problem"] = PROBLEM_SCHEMA
    shown = Examples(schemas, samples)
    routes = dict(_routes(app))
    for path, operations in document.get("paths", {}).items():
        for method in METHODS:
            if method in operations:
                operation = operations[method]
                _describe(operation, routes[path, method], errors)
                shown.add_to(operation)
    components["headers"] = HEADERS
    components["examples"] = {kind.code: problem_example(kind) for kind in errors.used.values()}


def _routes(app: FastAPI) -> Iterator[tuple[tuple[str, str], RouteContext]]:
    for context in iter_route_contexts(app.routes):
        for method in context.methods or ():
            yield (str(context.path_format), method.lower()), context


def _describe(operation: dict[str, Any], route: RouteContext, errors: Errors) -> None:
    # A docstring's first line says more than a function's name.
    if description := operation.get("description"):
        operation["summary"] = description.splitlines()[0]
    for parameter in operation.get("parameters", ()):
        _settle(parameter)
    responses = operation.setdefault("responses", {})
    responses.pop("422", None)
    names = {parameter["name"].lower() for parameter in operation.get("parameters", ())}
    if "304" in responses:
        operation.setdefault("parameters", []).append(IF_NONE_MATCH)
    shown = _headers_of(names, conditional="304" in responses)
    for response in responses.values():
        if shown:
            response["headers"] = shown | response.get("headers", {})
    add_answers(responses, errors.of(operation, route))


def _headers_of(parameters: set[str], *, conditional: bool) -> dict[str, Any]:
    """Return the headers of a good answer, by the lower names of what the operation takes."""
    names: list[str] = []
    if conditional or "if-match" in parameters:
        names.append("ETag")
    if "cursor" in parameters:
        names.append("Link")
    if "idempotency-key" in parameters:
        names += ["Betang-Position", "Idempotency-Replayed"]
    return {name: _header(name) for name in names}


def _settle(parameter: dict[str, Any]) -> None:
    """Move what a header's schema says of the parameter itself to where it belongs."""
    if parameter["schema"].pop("x-required", False):
        parameter["required"] = True
        schema = parameter["schema"]
        (kept,) = (one for one in schema.pop("anyOf", []) if one.get("type") != "null")
        schema |= kept


def _header(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/headers/{name}"}
