"""What the gateway adds to every operation of the merged document: its limits and its failures."""

from typing import Any

from gateway.limits import WINDOW_S
from gateway.proxy import (
    CALLER_SLOW,
    UPSTREAM_FAILED,
    UPSTREAM_SLOW,
    UPSTREAM_UNREACHABLE,
    URI_TOO_LONG,
)
from services.shared.openapi import HEADERS
from services.shared.openapi_errors import PROBLEM_SCHEMA, add_answers, problem_example
from services.shared.problems import BAD_REQUEST, TOO_MANY_REQUESTS, UNAVAILABLE

Document = dict[str, Any]

RATE_HEADERS: Document = {
    "RateLimit-Policy": {
        "description": "Jatah panggilan / the quota (draft-ietf-httpapi-ratelimit-headers): "
        f"`q` panggilan tiap `w` = {WINDOW_S} detik",
        "required": True,
        "schema": {"type": "string", "pattern": r'^"[a-z]+";q=\d+;w=\d+$', "maxLength": 100},
        "example": '"default";q=600;w=60',
    },
    "RateLimit": {
        "description": "Sisa jatah `r` sampai `t` detik lagi / what is left, for how long",
        "required": True,
        "schema": {"type": "string", "pattern": r'^"[a-z]+";r=\d+;t=\d+$', "maxLength": 100},
        "example": '"default";r=598;t=42',
    },
}
ANY_PASSED_ON = (
    BAD_REQUEST,
    URI_TOO_LONG,
    TOO_MANY_REQUESTS,
    UPSTREAM_UNREACHABLE,
    UPSTREAM_FAILED,
    UNAVAILABLE,
    UPSTREAM_SLOW,
)
WITH_BODY = (CALLER_SLOW,)
OWN = frozenset({"me"})


def show_gateway(merged: Document) -> None:
    """Add limits and failures to each operation that needs a token: those are counted."""
    components = merged["components"]
    components["schemas"].setdefault("Problem", PROBLEM_SCHEMA)
    for operations in merged["paths"].values():
        for operation in operations.values():
            if "security" not in operation:
                continue
            kinds = [TOO_MANY_REQUESTS]
            if not OWN & set(operation.get("tags", ())):
                kinds += ANY_PASSED_ON
            if "requestBody" in operation:
                kinds += WITH_BODY
            add_answers(operation["responses"], kinds)
            for kind in kinds:
                components["examples"].setdefault(kind.code, problem_example(kind))
            for answer in operation["responses"].values():
                answer["headers"] = {
                    **answer.get("headers", {}),
                    **{name: {"$ref": f"#/components/headers/{name}"} for name in RATE_HEADERS},
                }
    components["headers"] |= HEADERS | RATE_HEADERS
