"""Write ``schemas/`` and ``asyncapi.yaml`` from the event classes: ``make schemas``.

``schemas/frozen/`` keeps each schema as it was first published and is never rewritten: the
contract tests refuse every difference from it but an optional addition. The golden examples in
``examples/`` are written by hand.
"""

import json
import sys
from pathlib import Path
from typing import Any

import yaml

from services.contracts.catalogue import EVENTS
from services.shared.events import CloudEvent, EventData, Kind

HERE = Path(__file__).parent
SCHEMAS = HERE / "schemas"
FROZEN = SCHEMAS / "frozen"
EXAMPLES = HERE / "examples"
ASYNCAPI = HERE / "asyncapi.yaml"


def schema_of(event: type[EventData]) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of an event body, with its delivery facts beside it."""
    schema = event.model_json_schema(mode="validation")
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = event.__name__
    schema["description"] = (event.__doc__ or "").strip()
    schema["x-type"] = event.TYPE
    schema["x-kind"] = event.KIND.value
    schema["x-key"] = event.KEY
    schema["x-stream"] = event.STREAM
    schema["x-personal"] = event.PERSONAL or None
    return schema


def render_schema(event: type[EventData]) -> str:
    """Return the schema file's text."""
    return json.dumps(schema_of(event), indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def asyncapi() -> dict[str, Any]:
    """Return the AsyncAPI 3.0 document of everything that travels over NATS."""
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    messages: dict[str, Any] = {}
    schemas: dict[str, Any] = {"CloudEvent": _plain(CloudEvent.model_json_schema())}
    for event in EVENTS:
        name = event.__name__
        schemas[name] = _embedded(event)
        messages[name] = {
            "name": event.TYPE,
            "title": name,
            "summary": (event.__doc__ or "").strip().splitlines()[0],
            "contentType": "application/cloudevents+json",
            "payload": {
                "allOf": [
                    {"$ref": "#/components/schemas/CloudEvent"},
                    {"properties": {"data": {"$ref": f"#/components/schemas/{name}"}}},
                ]
            },
            "examples": [{"payload": json.loads((EXAMPLES / f"{event.TYPE}.json").read_text())}],
        }
        channels[name] = _channel(event)
        operations[f"receive{name}" if _is_agency(event) else f"send{name}"] = {
            "action": "receive" if _is_agency(event) else "send",
            "channel": {"$ref": f"#/channels/{name}"},
            "messages": [{"$ref": f"#/channels/{name}/messages/{name}"}],
        }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Betang events",
            "version": "1.0.0",
            "description": (
                "CloudEvents 1.0 in structured JSON over NATS JetStream. A state replaces the "
                "one before it, guarded by (epoch, version); a fact happened once, guarded by "
                "(source, id)."
            ),
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/cloudevents+json",
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages, "schemas": schemas},
    }


def render_asyncapi() -> str:
    """Return the text of ``asyncapi.yaml``."""
    return yaml.safe_dump(asyncapi(), sort_keys=False, allow_unicode=True, width=100)


def _is_agency(event: type[EventData]) -> bool:
    return event.TYPE.startswith("skpd.")


def _channel(event: type[EventData]) -> dict[str, Any]:
    name = event.__name__
    last = "id" if event.KIND is Kind.FACT else event.KEY
    address = f"events.{event.TYPE}" if _is_agency(event) else f"{event.TYPE}.{{{last}}}"
    channel: dict[str, Any] = {
        "address": address,
        "description": f"Stream {event.STREAM}{'<CODE>' if _is_agency(event) else ''}",
        "messages": {name: {"$ref": f"#/components/messages/{name}"}},
    }
    if not _is_agency(event):
        channel["parameters"] = {last: {"description": "the event's key in its subject"}}
    return channel


def _embedded(event: type[EventData]) -> dict[str, Any]:
    """Return the body's schema with its own definitions inlined under a per-event prefix."""
    schema = _plain(event.model_json_schema())
    definitions: dict[str, Any] = schema.pop("$defs", {})
    inlined: dict[str, Any] = _inline(schema, definitions)
    return inlined


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    schema.pop("title", None)
    return schema


def _inline(node: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(node, dict):
        if "$ref" in node:
            return _inline(definitions[node["$ref"].rsplit("/", 1)[1]], definitions)
        return {key: _inline(value, definitions) for key, value in node.items()}
    if isinstance(node, list):
        return [_inline(item, definitions) for item in node]
    return node


def main() -> None:
    """Write every schema file and the AsyncAPI document."""
    FROZEN.mkdir(parents=True, exist_ok=True)
    for event in EVENTS:
        text = render_schema(event)
        (SCHEMAS / f"{event.TYPE}.json").write_text(text)
        if not (FROZEN / f"{event.TYPE}.json").exists():
            (FROZEN / f"{event.TYPE}.json").write_text(text)
    ASYNCAPI.write_text(render_asyncapi())
    sys.stdout.write(f"{len(EVENTS)} schemas and asyncapi.yaml written\n")


if __name__ == "__main__":
    main()
