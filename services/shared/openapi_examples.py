"""Examples of requests and answers, made from the schemas and sample values by field name.

A schema's own ``examples`` come first, then the table, then what its type allows. Tests hold that
every example fits its schema and that no text was left without a sample.
"""

from collections.abc import Mapping
from typing import Any

SCHEMA_REF = "#/components/schemas/"
UNKNOWN = "tanpa contoh"
"""Stands where a field's sample is missing; a test refuses it."""

BY_FORMAT = {
    "uuid": "01890a5d-ac96-774b-bcce-b302099a8057",
    "date": "2026-11-17",
    "date-time": "2026-11-17T02:00:00Z",
}
SMALL = 1


class Examples:
    """Adds ``example`` to the operations of one document."""

    def __init__(self, schemas: Mapping[str, Any], samples: Mapping[str, Any]) -> None:
        self._schemas = schemas
        self._samples = samples

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

    def of(self, schema: Mapping[str, Any], name: str) -> Any:
        """Return a value that ``schema`` accepts for the field ``name``."""
        schema = self._resolved(schema)
        if "examples" in schema:
            return schema["examples"][0]
        for given in ("const", "enum"):
            if given in schema:
                return schema[given] if given == "const" else schema[given][0]
        if name in self._samples and schema.get("type") != "array":
            return self._samples[name]
        if schema.get("format") in BY_FORMAT:
            return BY_FORMAT[schema["format"]]
        return self._by_type(schema, name)

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
            return {key: self.of(inner, key) for key, inner in schema.get("properties", {}).items()}
        if kind == "array":
            if name in self._samples and isinstance(self._samples[name], list):
                return self._samples[name]
            return [self.of(schema.get("items", {}), name)]
        if kind in ("integer", "number"):
            return max(SMALL, schema.get("minimum", SMALL), schema.get("exclusiveMinimum", 0) + 1)
        return False if kind == "boolean" else UNKNOWN
