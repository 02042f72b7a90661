"""Roles and field types that the routes of programs share."""

from typing import Annotated, Self
from uuid import UUID

from fastapi import Path, Query
from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.shared.roles import Role
from services.shared.shapes import TRIMMED_3, TRIMMED_5
from services.shared.validation_messages import InvalidValue

STAFF = tuple(role for role in Role if role is not Role.WARGA)
"""The catalog, organisations and rules hold no personal data: every office may read them."""
DECIDERS = (Role.PETUGAS_SKPD, Role.VERIFIKATOR_DINSOS, Role.ADMIN_DINSOS)
PROPOSERS = (Role.PETUGAS_SKPD, Role.ADMIN_DINSOS)
FIELD = (Role.OPERATOR_DESA, Role.PENDAMPING, Role.KADES, Role.CAMAT)
LIST_READERS = (*DECIDERS, *FIELD, Role.PIMPINAN, Role.AUDITOR)

AgencyCode = Annotated[str, Field(pattern=r"^[A-Z0-9][A-Z0-9-]{1,39}$")]
Name = Annotated[str, Field(min_length=3, max_length=200, json_schema_extra=TRIMMED_3)]
Reason = Annotated[str, Field(min_length=5, max_length=500, json_schema_extra=TRIMMED_5)]
YearQuery = Annotated[int | None, Query(ge=2000, le=2100)]
Region = Annotated[
    str | None,
    Query(pattern=r"^\d{2}(\.\d{2}(\.\d{2}(\.\d{4})?)?)?$", description="Kode wilayah, awalan"),
]
Id = Annotated[UUID, Path()]


class Request(BaseModel):
    """Base of request bodies: a field that nobody knows is refused, not ignored."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class Dated(Request):
    """A body with a first and a last day; either may be left to the default."""

    @model_validator(mode="after")
    def _dates_in_order(self) -> Self:
        first, last = getattr(self, "valid_from", None), getattr(self, "valid_to", None)
        if first is not None and last is not None and last < first:
            raise InvalidValue(
                "dates_in_order", "valid_to mendahului valid_from", "valid_to before valid_from"
            )
        return self


class ReasonBody(Request):
    """Why something is done."""

    reason: Reason


class TextView(BaseModel):
    """One sentence in both languages."""

    id: str
    en: str
