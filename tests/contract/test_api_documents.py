"""The OpenAPI documents: valid by the published schema, complete, and bounded."""

import functools
import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from services.shared.openapi_examples import UNKNOWN
from tests.support.documents import merged_document, operations, service_documents

DOCUMENTS = {"gateway": merged_document, **{
    name: (lambda name=name: service_documents()[name])
    for name in ("registry", "programs", "distribution", "indicators")
}}  # fmt: skip
PROBLEM = "application/problem+json"
NEVER_REFUSED = {"If-None-Match"}
"""RFC 9110: a tag that is not ours matches nothing; only the server's limit of headers ends it."""
OWN_FAILURES = {"429", "502", "504"}
"""Of the gateway; what it does not pass on has none."""

every_document = pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS.keys())


def all_operations() -> list[Any]:
    found = operations(merged_document())
    return [pytest.param(name, operation, id=name) for name, operation in found]


def resolved(node: dict, document: dict) -> dict:
    while "$ref" in node:
        target: Any = document
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node


@functools.cache
def components() -> Registry:
    """Return the merged document as something that references lead into, read once."""
    resource = Resource(contents=merged_document(), specification=DRAFT202012)
    return Registry().with_resource("urn:api", resource)


def validator_of(schema: dict) -> jsonschema.Draft202012Validator:
    absolute = json.loads(json.dumps(schema).replace('"#/components', '"urn:api#/components'))
    return jsonschema.Draft202012Validator(
        absolute,
        registry=components(),
        format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER,
    )


def reached(node: Any, document: dict, seen: set[str], where: str) -> Iterator[tuple[str, dict]]:
    """Give every schema below ``node``, each referenced one once, with its place."""
    if "$ref" in node:
        if node["$ref"] in seen:
            return
        seen.add(node["$ref"])
        where = node["$ref"].rsplit("/", 1)[1]
    schema = resolved(node, document)
    yield where, schema
    inner = [*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())]
    for each in inner:
        yield from reached(each, document, seen, where)
    for name, each in schema.get("properties", {}).items():
        yield from reached(each, document, seen, f"{where}.{name}")
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from reached(schema[key], document, seen, f"{where}[]")


def unbounded(schema: dict) -> str | None:
    """Say what has no bound in a schema of something that a caller sends."""
    kind = schema.get("type")
    if kind == "string" and not schema.keys() & {"maxLength", "format", "enum", "const"}:
        anchored = schema.get("pattern", "").startswith("^") and schema["pattern"].endswith("$")
        return None if anchored and not re.search(r"[*+]", schema["pattern"]) else "maxLength"
    if kind == "array" and "maxItems" not in schema:
        return "maxItems"
    if kind in {"integer", "number"}:
        least, most = {"minimum", "exclusiveMinimum"}, {"maximum", "exclusiveMaximum"}
        if not (schema.keys() & least and schema.keys() & most):
            return "minimum, maximum"
    return None


@every_document
def test_a_document_is_valid_by_the_published_schema_of_openapi_3_1(document):
    faults = OpenAPIV31SpecValidator(document()).iter_errors()
    assert [f"{list(fault.absolute_path)}: {fault.message[:200]}" for fault in faults] == []


def test_the_published_schema_refuses_an_operation_without_answers():
    broken = {
        "openapi": "3.1.0",
        "info": {"title": "x", "version": "1"},
        "paths": {"/x": {"get": 7}},
    }
    assert not OpenAPIV31SpecValidator(broken).is_valid()


def test_operation_ids_differ():
    ids = [operation["operationId"] for _, operation in operations(merged_document())]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(("name", "operation"), all_operations())
def test_an_operation_says_what_it_does_who_may_and_what_it_answers(name, operation):
    assert operation["summary"].endswith("."), operation["summary"]
    assert operation["operationId"]
    assert operation.get("x-public") or operation["security"] == [{"bearer": []}]
    assert operation.get("x-public") or operation.get("x-roles") or name == "GET /v1/me"
    assert any(status.startswith("2") for status in operation["responses"])
    assert "default" not in operation["responses"]


@pytest.mark.parametrize(("name", "operation"), all_operations())
def test_an_operation_documents_the_errors_that_can_occur_and_no_other(name, operation):
    """By what it takes; what only its own logic refuses is held by every test of it."""
    statuses = set(operation["responses"])
    parameters = {each["name"]: each for each in operation.get("parameters", ())}
    secured, body = "security" in operation, operation.get("requestBody", {})
    in_path = any(each["in"] == "path" for each in parameters.values())
    if_match = parameters.get("If-Match")
    assert ("401" in statuses) == secured
    assert ("403" in statuses) == ("x-roles" in operation)
    assert ("428" in statuses) == (if_match is not None and if_match["required"])
    assert ("412" in statuses) == (if_match is not None)
    assert not in_path or "404" in statuses
    assert "Idempotency-Key" not in parameters or {"400", "409", "422"} <= statuses
    assert ({"413", "415"} <= statuses) == bool(body)
    assert ("429" in statuses) == secured
    assert (statuses >= OWN_FAILURES) == (secured and name != "GET /v1/me")
    assert "500" in statuses or not secured
    if not parameters and not body:
        assert statuses.isdisjoint({"412", "422", "428"})


@pytest.mark.parametrize(("name", "operation"), all_operations())
def test_an_error_is_a_problem_with_an_example_of_each_of_its_codes(name, operation):
    document = merged_document()
    for status, answer in operation["responses"].items():
        if not status.startswith(("4", "5")):
            continue
        content = answer["content"][PROBLEM]
        assert content["schema"] == {"$ref": "#/components/schemas/Problem"}
        assert content["examples"]
        for code, example in content["examples"].items():
            value = resolved(example, document)["value"]
            assert value["code"] == code
            assert str(value["status"]) == status
            validator_of(content["schema"]).validate(value)
            assert f"`{code}`" in answer["description"]


@pytest.mark.parametrize(("name", "operation"), all_operations())
def test_answers_tell_the_rate_limit_and_when_to_come_again(name, operation):
    for status, answer in operation["responses"].items():
        headers = answer.get("headers", {})
        assert ({"RateLimit", "RateLimit-Policy"} <= set(headers)) == ("security" in operation)
        if status in {"429", "503"}:
            assert "Retry-After" in headers


@pytest.mark.parametrize(("name", "operation"), all_operations())
def test_an_operation_shows_examples_that_fit_their_schemas(name, operation):
    shown = [(each["schema"], each["example"]) for each in operation.get("parameters", ())]
    bodies = [operation.get("requestBody", {})]
    bodies += [a for status, a in operation["responses"].items() if status.startswith("2")]
    for body in bodies:
        for kind, content in body.get("content", {}).items():
            assert "example" in content, kind
            shown.append((content.get("schema", {}), content["example"]))
    for schema, example in shown:
        assert UNKNOWN not in json.dumps(example, ensure_ascii=False), example
        validator_of(schema).validate(example)


@every_document
def test_people_in_examples_are_invented(document):
    text = json.dumps(document(), ensure_ascii=False)
    assert set(re.findall(r'(?<=")\d{16}(?=")', text)) <= {"6202060107909001"}


@every_document
def test_everything_that_a_caller_sends_is_bounded(document):
    whole, seen, found = document(), set(), []
    for name, operation in operations(whole):
        sent = [
            (each["name"], each["schema"])
            for each in operation.get("parameters", ())
            if each["name"] not in NEVER_REFUSED
        ]
        for kind, content in operation.get("requestBody", {}).get("content", {}).items():
            sent.append((kind, content["schema"]))
        for what, schema in sent:
            for where, each in reached(schema, whole, seen, f"{name} {what}"):
                if missing := unbounded(each):
                    found.append(f"{where}: {missing}")
    assert found == []


@every_document
def test_a_page_is_bounded(document):
    whole = document()
    pages = {
        name: schema["properties"]["data"]
        for name, schema in whole["components"]["schemas"].items()
        if {"data", "next"} <= set(schema.get("properties", {}))
    }
    assert [name for name, data in pages.items() if data.get("maxItems") != 200] == []
