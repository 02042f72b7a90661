"""Targets of planning documents: append-only revisions, the highest counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from services.indicators.domain.targets import Target
from services.indicators.storage.tables import TargetRow
from services.shared.db import ReadTransaction, Transaction
from services.shared.ids import new_id

_CURRENT: Final = """
SELECT DISTINCT ON (indicator_code, region_code, document, year)
       indicator_code, region_code, document, document_source, year, value, unit, revision,
       reason, recorded_at
FROM targets
WHERE ($1::text IS NULL OR indicator_code = $1) AND ($2::text IS NULL OR region_code = $2)
    AND ($3::text IS NULL OR document = $3)
ORDER BY indicator_code, region_code, document, year, revision DESC
LIMIT $4
"""

_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || '.targets', 0))"

TARGETS_MAX: Final = 2_000
"""Ten documents of forty indicators and five years; the list is never paged."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A recorded target."""

    indicator_code: str
    region_code: str
    document: str
    document_source: str
    year: int
    value: Decimal
    unit: str
    revision: int
    reason: str | None
    recorded_at: datetime


async def current(
    tx: ReadTransaction,
    *,
    indicator: str | None = None,
    region: str | None = None,
    document: str | None = None,
) -> list[Recorded]:
    """Return the newest revision of each target that fits, at most ``TARGETS_MAX``."""
    rows = await (await tx.raw()).fetch(_CURRENT, indicator, region, document, TARGETS_MAX)
    return [Recorded(*row.values()) for row in rows]


async def lock(tx: Transaction) -> None:
    """Let no other request number revisions until this one commits."""
    await (await tx.raw()).execute(_LOCK)


def add(
    tx: Transaction, entries: Sequence[tuple[Target, int]], *, reason: str | None, actor: str
) -> None:
    """Append (target, revision) entries; only corrections carry the reason."""
    tx.add_all(
        TargetRow(
            id=new_id(),
            indicator_code=target.indicator_code,
            region_code=target.region_code,
            document=target.document,
            document_source=target.document_source,
            year=target.year,
            value=target.value,
            unit=target.unit,
            revision=revision,
            reason=reason if revision > 1 else None,
            recorded_at=tx.now,
            recorded_by=actor,
        )
        for target, revision in entries
    )
