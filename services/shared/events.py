"""What an event is: its class, its CloudEvents 1.0 envelope, and how one is read from bytes.

Nothing here sends or receives; see ``outbox`` and ``inbox``. An event class says its ``TYPE``,
its ``KIND`` and which field is its ``KEY``; the NATS subject is ``TYPE + "." + key`` for a state
and ``TYPE + "." + event id`` for a fact, so that a stream keeps the last message of each state.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

EVENT_BYTES_MAX = 900_000
"""NATS refuses messages over 1 MiB; the rest is room for headers."""

RFC_3339 = re.compile(r"^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$")


E_co = TypeVar("E_co", bound="EventData", covariant=True)


class Kind(StrEnum):
    """STATE: the last message per key counts. FACT: it happened once, each message counts."""

    STATE = "state"
    FACT = "fact"


class EventData(BaseModel):
    """Base of every event body. Consumers ignore fields that they do not know."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    TYPE: ClassVar[str]
    KIND: ClassVar[Kind]
    KEY: ClassVar[str]
    STREAM: ClassVar[str]
    PERSONAL: ClassVar[str] = ""
    """The reason why this event carries personal data; empty for all that carry none."""

    @property
    def key(self) -> str:
        """The aggregate's id as it stands in the subject; dots become dashes."""
        return str(getattr(self, self.KEY)).replace(".", "-")


class CloudEvent(BaseModel):
    """CloudEvents 1.0, structured JSON mode, with the extensions that Betang uses.

    ``epoch`` and ``version`` guard states; ``sequence`` is the producer's outbox number.
    """

    model_config = ConfigDict(frozen=True, extra="allow", strict=True)

    specversion: Literal["1.0"] = "1.0"
    id: str = Field(min_length=1, max_length=200)
    source: str = Field(min_length=1, max_length=200)
    type: str = Field(min_length=1, max_length=200)
    time: str
    subject: str | None = None
    datacontenttype: Literal["application/json"] | None = "application/json"
    dataschema: str | None = None
    epoch: int | None = None
    version: int | None = None
    sequence: str | None = None
    traceparent: str | None = None
    data: dict[str, Any]

    @field_validator("time")
    @classmethod
    def _time_is_rfc_3339(cls, value: str) -> str:
        if not RFC_3339.match(value):
            msg = "time must be an RFC 3339 date-time with seconds and offset"
            raise ValueError(msg)
        datetime.fromisoformat(value.upper())
        return value

    def to_bytes(self) -> bytes:
        """Return the structured-mode JSON, absent attributes left out."""
        return self.model_dump_json(exclude_none=True).encode()


class Unreadable(Exception):
    """The bytes are no event that this consumer knows; ``code`` says why. The event is parked."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


@dataclass(frozen=True, slots=True)
class Received(Generic[E_co]):
    """An event as a handler gets it: the typed body and what it needs of the envelope."""

    id: str
    source: str
    type: str
    time: datetime
    subject: str
    data: E_co
    epoch: int
    version: int
    stream: str
    stream_sequence: int
    traceparent: str | None = None


def parse(raw: bytes, types: dict[str, type[EventData]]) -> tuple[CloudEvent, EventData]:
    """Read one message. Raise ``Unreadable`` with a code when it is not an event of ``types``.

    Codes: ``not_json``, ``not_cloudevent``, ``unknown_type``, ``wrong_shape``.
    """
    try:
        envelope = CloudEvent.model_validate_json(raw)
    except (ValidationError, UnicodeDecodeError) as error:
        code = "not_json" if _is_json_error(error) else "not_cloudevent"
        raise Unreadable(code, _first_line(error)) from error
    if "specversion" not in envelope.model_fields_set:
        # Our own envelopes may leave it to the class; what comes from outside must say it.
        raise Unreadable("not_cloudevent", "specversion: Field required")
    event_class = types.get(envelope.type)
    if event_class is None:
        raise Unreadable("unknown_type", f"no reader for type {envelope.type!r}")
    try:
        return envelope, event_class.model_validate(envelope.data)
    except ValidationError as error:
        raise Unreadable("wrong_shape", _first_line(error)) from error


def _is_json_error(error: Exception) -> bool:
    return isinstance(error, UnicodeDecodeError) or (
        isinstance(error, ValidationError) and error.errors()[0]["type"] == "json_invalid"
    )


def _first_line(error: Exception) -> str:
    """Say where and what, without the offending value: it may be personal data."""
    if not isinstance(error, ValidationError):
        return type(error).__name__
    first = error.errors(include_input=False, include_url=False)[0]
    return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"[:500]
