"""Field types of requests that every service shares.

What a type says, its schema says: a text that is trimmed before it is measured, a number that is
no text, a truth value that is no number.
"""

import re
from datetime import date
from typing import Annotated, Any

from fastapi import Header
from pydantic import BeforeValidator, Field, StrictBool

from services.shared.validation_messages import MESSAGES, InvalidValue

DAY_WRITTEN = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
IF_MATCH_CHARS_MAX = 1000
LAST_EVENT_ID_CHARS_MAX = 500

TRIMMED_1 = {"pattern": r"\S"}
TRIMMED_3 = {"pattern": r"\S[\s\S]{1,}\S"}
TRIMMED_5 = {"pattern": r"\S[\s\S]{3,}\S"}
"""Schema of a text that must have so many characters once the spaces around it are gone."""

Flag = StrictBool


def _as_written(value: Any) -> Any:
    if isinstance(value, str) and not DAY_WRITTEN.fullmatch(value):
        raise InvalidValue("date_parsing", *MESSAGES["date_parsing"])
    if isinstance(value, int | float):
        raise InvalidValue("date_type", *MESSAGES["date_type"])
    return value


Day = Annotated[date, BeforeValidator(_as_written)]
"""A day as YYYY-MM-DD; a number is none, though pydantic would count its seconds from 1970."""
Year = Annotated[int, Field(strict=True, ge=2000, le=2100, examples=[2026])]

IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        max_length=IF_MATCH_CHARS_MAX,
        description="ETag dari bacaan terakhir / the ETag of what was read",
        examples=['"3"'],
        json_schema_extra={"x-required": True},
    ),
]
"""For changes of what was read before: 428 when absent, 412 when stale (``require_match``)."""

IfMatchOptional = Annotated[
    str | None,
    Header(
        alias="If-Match",
        max_length=IF_MATCH_CHARS_MAX,
        description="ETag dari bacaan terakhir, bila perlu / the ETag of what was read",
        examples=['"3"'],
    ),
]
LastEventId = Annotated[
    str | None,
    Header(
        alias="Last-Event-ID",
        max_length=LAST_EVENT_ID_CHARS_MAX,
        description="Peristiwa terakhir yang diterima / the last event that arrived",
        examples=["3.120"],
    ),
]


def exactly_one(*names: str) -> dict[str, Any]:
    """Return the part of a schema that wants one of these fields, the others absent or null."""
    return {
        "oneOf": [
            {
                "required": [wanted],
                "properties": {
                    name: {"not": {"type": "null"}} if name == wanted else {"type": "null"}
                    for name in names
                },
            }
            for wanted in names
        ]
    }
