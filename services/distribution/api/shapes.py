"""Field types that several requests share."""

from typing import Annotated, Any

from fastapi import Query
from pydantic import AfterValidator, Field, StringConstraints

from services.shared.shapes import TRIMMED_1, TRIMMED_3
from services.shared.validation_messages import InvalidValue

QUANTITY_MAX = 1_000_000
UNIT_VALUE_IDR_MAX = 100_000_000_000
"""A house is the dearest unit of aid; a hundred billion rupiah is a typing error."""

Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=120),
    Field(json_schema_extra=TRIMMED_1),
]
Reason = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=3, max_length=300),
    Field(json_schema_extra=TRIMMED_3),
]
Note = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)]
Quantity = Annotated[int, Field(strict=True, gt=0, le=QUANTITY_MAX)]
UnitValue = Annotated[int, Field(strict=True, ge=0, le=UNIT_VALUE_IDR_MAX)]
RegionCode = Annotated[str, StringConstraints(pattern=r"^\d{2}(\.\d{2}(\.\d{2}(\.\d{4})?)?)?$")]
RegionQuery = Annotated[
    str | None, Query(pattern=r"^\d{2}(\.\d{2}(\.\d{2}(\.\d{4})?)?)?$", alias="region")
]


def _not_null(value: Any) -> Any:
    if value is None:
        raise InvalidValue("null", "Tidak boleh kosong", "It may not be null")
    return value


NotNull = AfterValidator(_not_null)
"""For fields of a PATCH that may be left out but not emptied."""
