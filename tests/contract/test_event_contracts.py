"""Nobody breaks a promise between services unnoticed: schemas, examples, AsyncAPI."""

import json
import re
from pathlib import Path

import jsonschema
import pytest

from services.contracts import generate
from services.contracts.catalogue import BY_TYPE, EVENTS
from services.shared.events import EventData, Kind, Unreadable, parse

PRODUCERS = ("registry", "programs", "distribution", "indicators", "skpd")
PERSONAL_FIELDS = re.compile(
    r"(^|_)(name|nik|kk|address|alamat|phone|birth_date|sealed|masked|receiver|account)(_|$)"
)
THINGS_WITH_A_NAME = {"RegionStateV1", "OrganisationStateV1", "ProgramStateV1", "CycleStateV1"}
"""Regions, organisations, programs and cycles have names; people's names are what is guarded."""

every_event = pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.TYPE)


def example_bytes(event: type[EventData]) -> bytes:
    return (generate.EXAMPLES / f"{event.TYPE}.json").read_bytes()


def property_names(schema: dict) -> set[str]:
    names = set(schema.get("properties", {}))
    for definition in schema.get("$defs", {}).values():
        names |= set(definition.get("properties", {}))
    return names


@every_event
def test_the_schema_file_is_what_the_class_says(event):
    on_disk = (generate.SCHEMAS / f"{event.TYPE}.json").read_text()
    assert on_disk == generate.render_schema(event), "run `make schemas` and commit the result"


def test_the_asyncapi_document_is_what_the_classes_say():
    assert generate.ASYNCAPI.read_text() == generate.render_asyncapi(), "run `make schemas`"


def incompatibilities(frozen: dict, now: dict, where: str) -> list[str]:
    """Everything that a consumer of the frozen form would trip over."""
    found = []
    if missing := set(frozen.get("properties", {})) - set(now.get("properties", {})):
        found.append(f"{where}: removed {sorted(missing)}")
    if added := set(now.get("required", [])) - set(frozen.get("required", [])):
        found.append(f"{where}: newly required {sorted(added)}")
    if dropped := set(frozen.get("required", [])) - set(now.get("required", [])):
        found.append(f"{where}: no longer always sent {sorted(dropped)}")
    descriptive = ("title", "description")
    for name, old in frozen.get("properties", {}).items():
        new = now.get("properties", {}).get(name, old)
        strip = lambda item: {k: v for k, v in item.items() if k not in descriptive}  # noqa: E731
        if strip(old) != strip(new):
            found.append(f"{where}.{name}: {old} became {new}")
    for key in ("x-type", "x-kind", "x-key", "x-stream", "x-personal"):
        if frozen.get(key) != now.get(key):
            found.append(f"{where}: {key} changed")
    return found


@every_event
def test_a_published_event_only_ever_gains_optional_fields(event):
    frozen = json.loads((generate.FROZEN / f"{event.TYPE}.json").read_text())
    now = generate.schema_of(event)
    found = incompatibilities(frozen, now, event.TYPE)
    for name, old in frozen.get("$defs", {}).items():
        found += incompatibilities(old, now.get("$defs", {}).get(name, {}), f"{event.TYPE}#{name}")
    assert not found, f"make a V2 instead: {found}"


def test_the_compatibility_check_sees_each_kind_of_break():
    frozen = {"properties": {"a": {"type": "string"}, "b": {"type": "integer"}}, "required": ["a"]}
    optional = {
        "properties": {**frozen["properties"], "c": {"type": "string"}},
        "required": ["a"],
    }
    assert incompatibilities(frozen, optional, "x") == []
    assert incompatibilities(frozen, {"properties": {"a": {"type": "string"}}}, "x")
    assert incompatibilities(frozen, {**optional, "required": ["a", "c"]}, "x")
    retyped = {"properties": {**frozen["properties"], "b": {"type": "string"}}, "required": ["a"]}
    assert incompatibilities(frozen, retyped, "x")


@every_event
def test_every_event_has_a_golden_example_that_parses_and_fits_its_schema(event):
    envelope, body = parse(example_bytes(event), BY_TYPE)
    assert isinstance(body, event)
    jsonschema.validate(envelope.data, generate.schema_of(event))
    if event.KIND is Kind.STATE:
        assert envelope.epoch is not None
        assert envelope.version is not None


@every_event
def test_consumers_ignore_fields_that_they_do_not_know(event):
    message = json.loads(example_bytes(event))
    message["data"]["a_field_of_the_future"] = 1
    _, body = parse(json.dumps(message).encode(), BY_TYPE)
    assert not hasattr(body, "a_field_of_the_future")


@every_event
def test_an_unknown_version_is_unreadable_and_says_so(event):
    message = json.loads(example_bytes(event))
    message["type"] = event.TYPE.removesuffix(".v1") + ".v9"
    with pytest.raises(Unreadable) as caught:
        parse(json.dumps(message).encode(), BY_TYPE)
    assert caught.value.code == "unknown_type"


@every_event
def test_type_stream_and_key_name_their_producer_and_a_field(event):
    producer = event.TYPE.split(".")[0]
    assert producer in PRODUCERS
    assert re.fullmatch(r"[a-z]+(\.[a-z]+){2}\.v\d+", event.TYPE)
    assert event.KEY in event.model_fields
    assert (
        event.STREAM == "IN_" if producer == "skpd" else event.STREAM.startswith(producer.upper())
    )
    assert event.__doc__


@every_event
def test_only_events_marked_personal_carry_personal_fields(event):
    if event.__name__ in THINGS_WITH_A_NAME or event.PERSONAL:
        return
    leaking = {
        name for name in property_names(generate.schema_of(event)) if PERSONAL_FIELDS.search(name)
    }
    # Names of programs travel in an agency's report of the program.
    assert leaking - ({"name"} if event.TYPE == "skpd.program.reported.v1" else set()) == set()


def test_personal_events_travel_in_a_stream_of_their_own():
    personal = {event.STREAM for event in EVENTS if event.PERSONAL}
    assert personal == {"REGISTRY_IDENTITY"}
    assert not [event for event in EVENTS if not event.PERSONAL and event.STREAM in personal]


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"{", "not_json"),
        (b"\xff\xfe", "not_json"),
        (b"[]", "not_cloudevent"),
        (b"{}", "not_cloudevent"),
    ],
)
def test_bytes_that_are_no_event_are_named(raw: bytes, code: str):
    with pytest.raises(Unreadable) as caught:
        parse(raw, BY_TYPE)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "change",
    [
        {"specversion": None},
        {"specversion": "0.3"},
        {"id": ""},
        {"time": "2026-11-17T02:00Z"},
        {"time": "2026-11-17T02:00:00+07"},
        {"time": "2026-13-17T02:00:00Z"},
        {"datacontenttype": "text/plain"},
        {"data": None},
        {"version": "3"},
    ],
    ids=str,
)
def test_an_envelope_outside_cloudevents_is_refused(change: dict):
    event = EVENTS[1]
    message = {**json.loads(example_bytes(event)), **change}
    with pytest.raises(Unreadable) as caught:
        parse(json.dumps(message).encode(), BY_TYPE)
    assert caught.value.code == "not_cloudevent"


def test_absent_optionals_may_also_be_null():
    message = json.loads(example_bytes(EVENTS[1])) | {"subject": None, "dataschema": None}
    parse(json.dumps(message).encode(), BY_TYPE)


def test_a_refusal_never_repeats_the_value_it_refused():
    event = EVENTS[1]
    message = json.loads(example_bytes(event))
    message["data"]["family_id"] = "6202060107909001"
    with pytest.raises(Unreadable) as caught:
        parse(json.dumps(message).encode(), BY_TYPE)
    assert "6202060107909001" not in str(caught.value)


def test_no_schema_or_example_is_left_over():
    types = {f"{event.TYPE}.json" for event in EVENTS}
    for folder in (generate.SCHEMAS, generate.FROZEN, generate.EXAMPLES):
        assert {path.name for path in Path(folder).glob("*.json")} == types
