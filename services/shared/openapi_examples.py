"""Examples of requests and answers, made from the schemas and sample values by field name.

The table is asked for ``Shape.field``, then for ``field``, so that names that mean the same say it
once. Tests hold that every example fits its schema and that no text was left without a sample.
"""

from collections.abc import Mapping
from typing import Any

SCHEMA_REF = "#/components/schemas/"
UNKNOWN = "tanpa contoh"
"""Stands where a field's sample is missing; a test refuses it."""

COMMON: Mapping[str, Any] = {
    "Health.status": "ready",
    "checks": {"database": "ok", "jetstream": "ok"},
    "cursor": "AbGv0kR4c2Fsc2ZhbWlsaWVz",
    "next": "AbGv0kR4c2Fsc2ZhbWlsaWVz",
    "min_position": "registry.family.state.v1/01890a5d-ac96-774b-bcce-b302099a8057/1/4",
    "as_of": {"registry": "2026-11-17T02:00:00Z"},
    "ChangePage.data": [
        {
            "specversion": "1.0",
            "id": "01890a5d-ac96-774b-bcce-b302099a8057",
            "source": "registry",
            "type": "registry.region.state.v1",
            "time": "2026-11-17T02:00:00Z",
            "subject": "62.02.06.2005",
            "datacontenttype": "application/json",
            "epoch": 1,
            "version": 1,
            "sequence": "120",
            "data": {"region_code": "62.02.06.2005"},
        }
    ],
    "consumer": "registry",
    "stream": "IN_DINSOS",
    "event_id": "01890a5d-ac96-774b-bcce-b302099a8057",
    "event_type": "skpd.delivery.reported.v1",
    "reason_code": "unknown_type",
    "reason_detail": "skpd.delivery.reported.v9",
    "file_name": "penduduk-pelangsian.csv",
    "media_type": "text/csv",
    "purpose": "import",
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "allowed_actions": [],
}
"""Of what every service has; a service's own table comes first."""

BY_FORMAT = {
    "uuid": "01890a5d-ac96-774b-bcce-b302099a8057",
    "date": "2026-11-17",
    "date-time": "2026-11-17T02:00:00Z",
}
SMALL = 1
TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "object": (dict,),
    "array": (list,),
}


class Examples:
    """Adds ``example`` to the operations of one document."""

    def __init__(self, schemas: Mapping[str, Any], samples: Mapping[str, Any]) -> None:
        self._schemas = schemas
        self._samples = {**COMMON, **samples}

    def add_to(self, operation: dict[str, Any]) -> None:
        """Give every parameter, the request body and the good answers an example."""
        for parameter in operation.get("parameters", ()):
            if "example" not in parameter:
                parameter["example"] = self.of(parameter["schema"], parameter["name"])
        bodies = [operation.get("requestBody", {})]
        bodies += [
            answer for status, answer in operation["responses"].items() if status.startswith("2")
        ]
        for body in bodies:
            for media in body.get("content", {}).values():
                if media.get("schema") and not media.keys() & {"example", "examples"}:
                    media["example"] = self.of(media["schema"], "")

    def of(self, schema: Mapping[str, Any], name: str, owner: str = "") -> Any:
        """Return a value that ``schema`` accepts for the field ``name`` of the shape ``owner``."""
        if "$ref" not in schema and "examples" in schema:
            return schema["examples"][0]
        schema = self._resolved(schema)
        if "enum" in schema:
            return schema["enum"][0]
        for key in () if "properties" in schema else (f"{owner}.{name}", name):
            sample = self._samples.get(key)
            if isinstance(sample, TYPES.get(schema.get("type", ""), ())):
                return sample
        if "examples" in schema:
            return schema["examples"][0]
        if schema.get("format") in BY_FORMAT:
            return BY_FORMAT[schema["format"]]
        return schema["const"] if "const" in schema else self._by_type(schema, name)

    def _resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the schema behind a reference, and the first choice that is not null."""
        if "$ref" in schema:
            return self._resolved(self._schemas[schema["$ref"].removeprefix(SCHEMA_REF)])
        choices = [*schema.get("anyOf", ()), *schema.get("oneOf", ())]
        if choices and "properties" not in schema:
            return self._resolved(next(one for one in choices if one.get("type") != "null"))
        return schema

    def _by_type(self, schema: Mapping[str, Any], name: str) -> Any:
        kind = schema.get("type")
        if kind == "object":
            title = schema.get("title", "")
            fields = schema.get("properties", {})
            return {key: self.of(inner, key, title) for key, inner in fields.items()}
        if kind == "array":
            return [self.of(schema.get("items", {}), name)]
        if kind in ("integer", "number"):
            return max(SMALL, schema.get("minimum", SMALL), schema.get("exclusiveMinimum", 0) + 1)
        return False if kind == "boolean" else UNKNOWN
