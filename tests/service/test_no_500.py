"""No request, however odd, is answered 5xx or other than as a problem: every operation of OpenAPI.

Each operation gets odd path parts, odd queries, odd headers and odd bodies; bodies are also built
from the schema with one odd value in every field, so that they pass validation where that is lax
and reach the database.
"""

import asyncio
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

import pytest

from services.shared.roles import Role
from tests.support.permissions import MATRIX

PROBLEM = "application/problem+json"
STREAMING = {"GET /v1/indicators/stream"}
NIK = "6202060107909001"
NOT_UTF8 = b'{"name": "\xff\xfe"}'
DEEP = b"[" * 20_000 + b"]" * 20_000
DEEP_OBJECT = b'{"tree":' * 5_000 + b"1" + b"}" * 5_000
ODD_TEXTS = ["a\x00b", NIK, "9" * 400, "-1", "'%s{0}\u202e\U0001f9bf"]
ODD_VALUES = ["a\x00b", "\ud800", 10**30, -(2**63) - 1, None, [], {"a": NIK}, "x" * 9_000]
ODD_PATHS = ["%00", "..%2f..%2fetc", NIK, "%ff%fe", "%ed%a0%80", "9" * 300, "x%0d%0aA:b", "~"]
RAW_BODIES = [b"", b"null", b"[]", b"{", b"NaN", b'"\\ud800"', NOT_UTF8, DEEP, DEEP_OBJECT, b"\x00"]
CURSORS = ["x", "====", "a.b.c", "\x00", "eyJhIjoxfQ", "é" * 100]
ODD_HEADERS = [
    {"If-Match": '"' + "9" * 5_000 + '"'},
    {"If-None-Match": "W/,,,"},
    {"Idempotency-Key": "x" * 5_000},
    {"Accept-Language": "en;q=" + "9" * 500},
    {"Content-Type": "text/plain; charset=nowhere"},
    {"Content-Type": "application/json; charset=utf-7"},
    {"Upload-Offset": "9" * 40},
    {"Last-Event-ID": "-1"},
    {"traceparent": "00-" + "z" * 200},
]


@pytest.fixture(scope="module", params=sorted(MATRIX))
async def service(request, make_service):
    return await make_service(request.param)


def operations(document: dict) -> Iterator[tuple[str, str, dict]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if f"{method.upper()} {path}" not in STREAMING:
                yield method.upper(), path, operation


def example(schema: dict, document: dict, depth: int = 0) -> Any:
    """Return a value that the schema accepts, as far as it is told."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    choices = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
    if choices:
        return example(choices[0], document, depth)
    if "const" in schema or "enum" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    kind = schema.get("type")
    if kind == "object":
        fields = schema.get("properties", {})
        return {name: example(field, document, depth + 1) for name, field in fields.items()}
    if kind == "array":
        return [example(schema.get("items", {}), document, depth + 1)] if depth < 6 else []
    plain = {"integer": max(schema.get("minimum", 1), 1), "boolean": False, "null": None}
    return plain[kind] if kind in plain else text_of(schema)


def text_of(schema: dict) -> str:
    formats = {
        "uuid": str(UUID(int=7)),
        "date": "2026-03-10",
        "date-time": "2026-03-10T00:00:00Z",
    }
    if schema.get("format") in formats:
        return formats[schema["format"]]
    pattern = schema.get("pattern", "")
    tries = ("62.02.06.2005", "62.02", "62", "001", "DINSOS", "a", "0" * 64, "2026")
    fits = [text for text in tries if re.search(pattern, text)]
    return (fits or ["contoh"])[0].ljust(schema.get("minLength", 0), "x")


def with_odd_fields(body: Any, rebuild=lambda value: value) -> Iterator[Any]:
    """Give the body again and again, each time with one odd value in one place."""
    for odd in ODD_VALUES:
        yield rebuild(odd)
    inner = body.items() if isinstance(body, dict) else ()
    if isinstance(body, list):
        inner = enumerate(body)
    for key, value in inner:

        def replaced(odd: Any, key: Any = key) -> Any:
            copy = dict(body) if isinstance(body, dict) else list(body)
            copy[key] = odd
            return rebuild(copy)

        yield from with_odd_fields(value, replaced)


def filled(template: str, document: dict, operation: dict, odd: str | None = None) -> str:
    schemas = {
        one["name"]: one.get("schema", {})
        for one in operation.get("parameters", ())
        if one["in"] == "path"
    }
    return re.sub(
        r"{(\w+)}",
        lambda part: odd or quote(str(example(schemas.get(part[1], {}), document))),
        template,
    )


def requests_of(method: str, template: str, operation: dict, document: dict) -> Iterator[dict]:
    path = filled(template, document, operation)
    if "{" in template:
        for odd in ODD_PATHS:
            yield {"url": filled(template, document, operation, odd)}
    queries = [one for one in operation.get("parameters", ()) if one["in"] == "query"]
    for query in queries:
        for text in [*ODD_TEXTS, *(CURSORS if query["name"] == "cursor" else ())]:
            yield {"url": path, "params": {query["name"]: text}}
    yield {"url": f"{path}?{'a=1&' * 2_000}"}
    yield {"url": f"{path}?%ff=%00&limit=%ed%a0%80"}
    for headers in ODD_HEADERS:
        yield {"url": path, "headers": headers}
    if method in {"POST", "PATCH", "PUT"}:
        for raw in RAW_BODIES:
            yield {"url": path, "content": raw}
        content = operation.get("requestBody", {}).get("content", {})
        if "application/json" in content:
            good = example(content["application/json"]["schema"], document)
            for body in [good, *with_odd_fields(good)]:
                yield {"url": path, "content": json.dumps(body).encode()}


async def test_no_odd_request_is_a_fault_or_repeated_in_answers_and_logs(service, caplog):
    document = service.app.openapi()
    headers = {
        "Authorization": f"Bearer {service.token([role.value for role in Role], agency='DINSOS')}",
        "Content-Type": "application/json",
        "If-Match": '"1"',
        "Upload-Offset": "0",
    }
    wrong: list[str] = []
    gate = asyncio.Semaphore(8)

    async def send(method: str, template: str, request: dict) -> None:
        key = {"Idempotency-Key": str(uuid4())}
        asked = request | {"headers": headers | key | request.get("headers", {})}
        async with gate:
            answer = await service.client.request(method, **asked)
        told = {k: repr(v)[:200] for k, v in request.items()}
        where = f"{method} {template} {told} -> {answer.status_code}"
        refused = answer.status_code >= 400 and method != "HEAD"
        is_problem = answer.headers.get("content-type") == PROBLEM
        if answer.status_code >= 500 or (refused and (not is_problem or NIK in answer.text)):
            wrong.append(f"{where} {answer.text[:200]}")

    for method, template, operation in operations(document):
        batch = requests_of(method, template, operation, document)
        await asyncio.gather(*(send(method, template, request) for request in batch))
    assert not wrong, f"{len(wrong)} faults:\n" + "\n".join(wrong[:40])
    assert "/v1/" in caplog.text
    assert NIK not in caplog.text
