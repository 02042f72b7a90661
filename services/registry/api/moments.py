"""Which moment a read asks about: ``as_of`` (when it was true), ``known_at`` (when we knew it).

Read from the query by hand, not by parameters of the endpoint: two parameters more would cost the
hottest read, which has none of them, some 20 µs each time.
"""

import re
from datetime import UTC, date, datetime
from typing import Annotated, Any, NamedTuple

from fastapi.exceptions import RequestValidationError
from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ValidationError
from starlette.requests import Request

from services.shared import clock
from services.shared.shapes import Day
from services.shared.validation_messages import MESSAGES, InvalidValue

AT_A_MOMENT: dict[str, Any] = {
    "parameters": [
        {
            "name": "as_of",
            "in": "query",
            "required": False,
            "description": "Keadaan pada hari itu; bila kosong, hari ini. Tidak boleh di masa"
            " depan. / As it was true on that day; today when absent. Not in the future.",
            "schema": {"type": "string", "format": "date"},
            "example": "2026-10-01",
        },
        {
            "name": "known_at",
            "in": "query",
            "required": False,
            "description": "Menurut catatan sampai saat itu; bila kosong, sekarang. Tidak boleh"
            " di masa depan. / By what was on record at that instant; now when absent. Not in the"
            " future.",
            "schema": {"type": "string", "format": "date-time"},
            "example": "2026-11-17T02:00:00Z",
        },
    ]
}
"""``openapi_extra`` of a route that calls ``asked``."""

_INSTANT_WRITTEN = re.compile(
    r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})", re.ASCII | re.IGNORECASE
)
_NOT_YET = ("in_future", "Belum tiba; paling akhir sekarang", "Is in the future")
_NO_INSTANT = ("datetime_parsing", *MESSAGES["datetime_parsing"])


def _come(day: date) -> date:
    if day > clock.today():
        raise InvalidValue(*_NOT_YET)
    return day


def _as_written(value: Any) -> Any:
    if not _INSTANT_WRITTEN.fullmatch(value):
        raise InvalidValue(*_NO_INSTANT)
    return value


def _past(instant: datetime) -> datetime:
    try:
        in_utc = instant.astimezone(UTC)
    except OverflowError:  # the first and last day that can be written, in another zone
        raise InvalidValue(*_NO_INSTANT) from None
    if in_utc > clock.now():
        raise InvalidValue(*_NOT_YET)
    return in_utc


class Moment(NamedTuple):
    """The day on which a thing was true, and the instant up to which the record counts."""

    as_of: date
    known_at: datetime


class _Query(BaseModel):
    as_of: Annotated[Day, AfterValidator(_come)] | None = None
    known_at: (
        Annotated[AwareDatetime, BeforeValidator(_as_written), AfterValidator(_past)] | None
    ) = None


def asked(request: Request) -> Moment | None:
    """Return the moment when the caller named a part of it. Raise what answers 422."""
    if not request.scope["query_string"]:
        return None
    try:
        query = _Query.model_validate(dict(request.query_params))
    except ValidationError as error:
        faults = [fault | {"loc": ("query", *fault["loc"])} for fault in error.errors()]
        raise RequestValidationError(faults) from None
    if query.as_of is None and query.known_at is None:
        return None
    return Moment(query.as_of or clock.today(), query.known_at or clock.now())
