"""What FastAPI's OpenAPI document does not say by itself: who may call, and how errors look."""

from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from services.shared.auth import Allow
from services.shared.problems import MEDIA_TYPE

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")

PROBLEM_SCHEMA: dict[str, Any] = {
    "title": "Problem",
    "description": "RFC 9457. `code` is stable; the sentences follow Accept-Language (id, en).",
    "type": "object",
    "required": ["type", "title", "status", "code"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "params": {"type": "object", "additionalProperties": {"type": "integer"}},
        "trace_id": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "detail", "code"],
                "properties": {
                    "pointer": {"type": "string"},
                    "detail": {"type": "string"},
                    "code": {"type": "string"},
                },
            },
        },
    },
}


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


def describe(app: FastAPI) -> None:
    """Make the document of ``app`` show every error answer as problem+json."""
    plain = app.openapi

    def with_problems() -> dict[str, Any]:
        document = plain()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        schemas["Problem"] = PROBLEM_SCHEMA
        schemas.pop("HTTPValidationError", None)
        schemas.pop("ValidationError", None)
        answer = {
            "description": "Galat / error",
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for operations in document.get("paths", {}).values():
            for method in METHODS:
                if method in operations:
                    _describe(operations[method], answer)
        return document

    app.openapi = with_problems  # type: ignore[method-assign]  # FastAPI's documented way


def _describe(operation: dict[str, Any], errors: dict[str, Any]) -> None:
    responses = operation.setdefault("responses", {})
    responses.pop("422", None)
    responses["default"] = errors
    # A docstring's first line says more than a function's name.
    if description := operation.get("description"):
        operation["summary"] = description.splitlines()[0]
