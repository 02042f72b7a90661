"""Values frozen at their data date; append-only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from services.indicators.storage.tables import PublicationRow
from services.shared.db import ReadTransaction, Transaction

_COLUMNS: Final = """
SELECT id, indicator_code, definition_version, region_code, period, value, suppressed, unit,
       data_as_of, published_at
FROM publications
"""

_LISTED: Final = (
    _COLUMNS
    + """
WHERE indicator_code = $1 AND region_code = $2 AND ($3::text IS NULL OR period = $3)
ORDER BY period, published_at, id LIMIT $4
"""
)

_AFTER: Final = _COLUMNS + "WHERE $1::uuid IS NULL OR id > $1 ORDER BY id LIMIT $2"

PUBLICATIONS_MAX: Final = 1_000
CHUNK: Final = 1_000


@dataclass(frozen=True, slots=True)
class Publication:
    """A frozen value. ``value`` is null when it was too small to show."""

    id: UUID
    indicator_code: str
    definition_version: int
    region_code: str
    period: str
    value: Decimal | None
    suppressed: bool
    unit: str
    data_as_of: datetime
    published_at: datetime


def add(tx: Transaction, publication: Publication, *, actor: str) -> None:
    """Append a publication."""
    tx.add(
        PublicationRow(
            id=publication.id,
            indicator_code=publication.indicator_code,
            definition_version=publication.definition_version,
            region_code=publication.region_code,
            period=publication.period,
            value=publication.value,
            suppressed=publication.suppressed,
            unit=publication.unit,
            data_as_of=publication.data_as_of,
            published_at=publication.published_at,
            published_by=actor,
        )
    )


async def listed(
    tx: ReadTransaction, indicator: str, region: str, period: str | None
) -> Sequence[Publication]:
    """Return the publications of an indicator in a region, oldest first."""
    rows = await (await tx.raw()).fetch(_LISTED, indicator, region, period, PUBLICATIONS_MAX)
    return [Publication(*row.values()) for row in rows]


async def after(tx: ReadTransaction, last: UUID | None) -> Sequence[Publication]:
    """Return the next publications by id, for telling all of them again."""
    rows = await (await tx.raw()).fetch(_AFTER, last, CHUNK)
    return [Publication(*row.values()) for row in rows]
