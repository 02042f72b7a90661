"""Which errors an operation may answer, and how they look in the OpenAPI document.

Derived from what the route takes: a token, an address with an id, a body, a key, a condition. What
only its own logic refuses, the endpoint names itself (``openapi.refuses``).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fastapi.routing import RouteContext

from services.shared.auth import ROLE_MISSING, TOKEN_INVALID, TOKEN_MISSING
from services.shared.problems import (
    FORBIDDEN,
    INTERNAL,
    JSON_INVALID,
    MEDIA_TYPE,
    MEDIA_TYPE_UNSUPPORTED,
    NOT_FOUND,
    TEXT_NOT_STORABLE,
    TOO_LARGE,
    UNAVAILABLE,
    VALIDATION_FAILED,
    ProblemType,
)

Refusal = ProblemType | type[Exception]
ByParameter = Mapping[str, Sequence[ProblemType]]
"""The errors that a parameter brings with it, by its name: ``cursor``, ``Idempotency-Key``."""

WAITS = frozenset({429, 503})
CONDITION_REQUIRED = 428

PROBLEM_SCHEMA: dict[str, Any] = {
    "title": "Problem",
    "description": "RFC 9457. `code` is stable; the sentences follow Accept-Language (id, en).",
    "type": "object",
    "required": ["type", "title", "status", "code"],
    "properties": {
        "type": {"type": "string", "maxLength": 200},
        "title": {"type": "string", "maxLength": 200},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "code": {"type": "string", "maxLength": 100},
        "detail": {"type": "string", "maxLength": 4000},
        "instance": {"type": "string", "maxLength": 500},
        "params": {"type": "object", "additionalProperties": {"type": "integer"}},
        "trace_id": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
        "errors": {
            "type": "array",
            "maxItems": 100,
            "items": {
                "type": "object",
                "required": ["pointer", "detail", "code"],
                "properties": {
                    "pointer": {"type": "string", "maxLength": 2000},
                    "detail": {"type": "string", "maxLength": 4000},
                    "code": {"type": "string", "maxLength": 100},
                },
            },
        },
    },
}


class Errors:
    """Finds the errors of operations; ``used`` are all that were found, by code."""

    def __init__(
        self, catalogue: Mapping[type[Exception], ProblemType], by_parameter: ByParameter
    ) -> None:
        self._catalogue = catalogue
        self._by_parameter = {name.lower(): kinds for name, kinds in by_parameter.items()}
        self.used: dict[str, ProblemType] = {}

    def of(self, operation: Mapping[str, Any], route: RouteContext) -> list[ProblemType]:
        """Return what ``operation`` may answer, each kind once."""
        own = [self._kind(refusal) for refusal in getattr(route.endpoint, "refuses", ())]
        kinds = dict.fromkeys([*own, *self._implied(operation, own)])
        self.used |= {kind.code: kind for kind in kinds}
        return list(kinds)

    def _kind(self, refusal: Refusal) -> ProblemType:
        if isinstance(refusal, ProblemType):
            return refusal
        return next(self._catalogue[cls] for cls in refusal.__mro__ if cls in self._catalogue)

    def _implied(
        self, operation: Mapping[str, Any], own: Sequence[ProblemType]
    ) -> Iterator[ProblemType]:
        parameters = operation.get("parameters", ())
        content = operation.get("requestBody", {}).get("content", {})
        if "security" in operation:
            yield from (TOKEN_MISSING, TOKEN_INVALID, INTERNAL, UNAVAILABLE)
        if "x-roles" in operation:
            yield from (FORBIDDEN, ROLE_MISSING)
        for parameter in parameters:
            for kind in self._by_parameter.get(parameter["name"].lower(), ()):
                if kind.status != CONDITION_REQUIRED or parameter["required"]:
                    yield kind
        if any(parameter["in"] == "path" for parameter in parameters) and not any(
            kind.status == NOT_FOUND.status for kind in own
        ):
            yield NOT_FOUND
        if content:
            yield from (TOO_LARGE, MEDIA_TYPE_UNSUPPORTED)
        if "application/json" in content:
            yield JSON_INVALID
        if content or any(parameter["name"] != "If-None-Match" for parameter in parameters):
            yield from (VALIDATION_FAILED, TEXT_NOT_STORABLE)


def add_answers(responses: dict[str, Any], kinds: Sequence[ProblemType]) -> None:
    """Add each kind to the answer of its status: its code in words, and its example."""
    for kind in sorted(kinds, key=lambda kind: kind.status):
        answer = responses.setdefault(
            str(kind.status),
            {
                "description": "",
                "content": {
                    MEDIA_TYPE: {
                        "schema": {"$ref": "#/components/schemas/Problem"},
                        "examples": {},
                    }
                },
            },
        )
        examples = answer["content"][MEDIA_TYPE]["examples"]
        if kind.code in examples:
            continue
        examples[kind.code] = {"$ref": f"#/components/examples/{kind.code}"}
        told = f"`{kind.code}`: {kind.title_en}"
        answer["description"] = "; ".join(filter(None, (answer["description"], told)))
        if kind.status in WAITS:
            answer["headers"] = {"Retry-After": {"$ref": "#/components/headers/Retry-After"}}


def problem_example(kind: ProblemType) -> dict[str, Any]:
    """Return the example of one kind, in Indonesian as most callers see it."""
    value: dict[str, Any] = {
        "type": f"urn:betang:problem:{kind.code}",
        "title": kind.title_id,
        "status": kind.status,
        "code": kind.code,
        "instance": "/v1/…",
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
    }
    if kind.detail_id:
        value["detail"] = kind.detail_id
    if kind is VALIDATION_FAILED:
        value["errors"] = [{"pointer": "#/…", "detail": "Wajib diisi", "code": "missing"}]
    return {"summary": kind.title_en, "value": value}
