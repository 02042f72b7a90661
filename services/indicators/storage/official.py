"""Official statistics as recorded: append-only revisions, the highest of a key counts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Select, exists, select
from sqlalchemy.orm import aliased
from sqlmodel import col

from services.indicators.domain.official import Entry, Figure, Known
from services.indicators.storage.tables import OfficialStatisticRow
from services.shared.db import ReadTransaction, Transaction
from services.shared.ids import new_id

_KNOWN: Final = """
SELECT DISTINCT ON (indicator_code, region_code, period, source)
       indicator_code, region_code, period, source, revision, value, unit, note
FROM official_statistics
WHERE (indicator_code, region_code, period, source) IN (
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])
)
ORDER BY indicator_code, region_code, period, source, revision DESC
"""

# Two imports at once would number the same revision; the second waits and then sees the first.
_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || '.official', 0))"

_SERIES: Final = """
SELECT period, value, unit, source, note, revision, recorded_at
FROM official_statistics AS s
WHERE indicator_code = $1 AND region_code = $2 AND ($3::text IS NULL OR period = $3)
    AND NOT EXISTS (
        SELECT 1 FROM official_statistics AS newer
        WHERE (newer.indicator_code, newer.region_code, newer.period, newer.source)
            = (s.indicator_code, s.region_code, s.period, s.source)
            AND newer.revision > s.revision
    )
ORDER BY period, recorded_at, id LIMIT $4
"""

SERIES_MAX: Final = 1_000

LIST_KEYS: Final = (
    col(OfficialStatisticRow.indicator_code),
    col(OfficialStatisticRow.region_code),
    col(OfficialStatisticRow.period),
    col(OfficialStatisticRow.id),
)


@dataclass(frozen=True, slots=True)
class Point:
    """One published value of a series, in its newest revision."""

    period: str
    value: Decimal
    unit: str
    source: str
    note: str
    revision: int
    recorded_at: datetime


async def known(
    tx: Transaction, figures: Sequence[Figure]
) -> Mapping[tuple[str, str, str, str], Known]:
    """Return the newest revision of those figures that are recorded; others wait meanwhile."""
    connection = await tx.raw()
    await connection.execute(_LOCK)
    keys = [list(column) for column in zip(*(figure.key for figure in figures), strict=True)]
    return {
        tuple(row.values())[:4]: Known(row["revision"], row["value"], row["unit"], row["note"])
        for row in await connection.fetch(_KNOWN, *keys)
    }


def add(tx: Transaction, entries: Sequence[Entry], *, reason: str | None, actor: str) -> None:
    """Append entries; only corrections carry the reason."""
    tx.add_all(
        OfficialStatisticRow(
            id=new_id(),
            indicator_code=entry.figure.indicator,
            region_code=entry.figure.region_code,
            region_name=entry.figure.region_name,
            period=entry.figure.period,
            value=entry.figure.value,
            unit=entry.figure.unit,
            source=entry.figure.source,
            note=entry.figure.note,
            revision=entry.revision,
            reason=reason if entry.revision > 1 else None,
            recorded_at=tx.now,
            recorded_by=actor,
        )
        for entry in entries
    )


def listed(*, indicator: str | None, region: str | None, history: bool) -> Select[Any]:
    """Return the query of figures, newest revisions only unless ``history``, for ``paginate``."""
    row = OfficialStatisticRow
    query = select(*row.__table__.columns)  # type: ignore[attr-defined]  # SQLModel hides it
    if indicator is not None:
        query = query.where(col(row.indicator_code) == indicator)
    if region is not None:
        query = query.where(col(row.region_code) == region)
    if not history:
        newer = aliased(row)
        query = query.where(
            ~exists().where(
                col(newer.indicator_code) == col(row.indicator_code),
                col(newer.region_code) == col(row.region_code),
                col(newer.period) == col(row.period),
                col(newer.source) == col(row.source),
                col(newer.revision) > col(row.revision),
            )
        )
    return query


async def series(
    tx: ReadTransaction, indicator: str, region: str, period: str | None = None
) -> list[Point]:
    """Return the series, oldest first; where sources differ, the one recorded last comes last."""
    rows = await (await tx.raw()).fetch(_SERIES, indicator, region, period, SERIES_MAX)
    return [Point(*row.values()) for row in rows]
