"""How fresh each source is: counters per topic, newest word per program, expected sources."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from services.indicators.domain.reach import ExpectedSource, Topic
from services.indicators.storage.tables import ExpectedSourceRow
from services.shared.db import Pool, ReadTransaction, Transaction

# The row lock lasts until the commit, so that counters grow in commit order: a reader that has
# seen a counter has seen everything that it counts.
_TOUCH: Final = """
INSERT INTO source_progress AS kept (topic, counter, last_data_at, changed_at)
VALUES ($1, 1, $2, $3)
ON CONFLICT (topic) DO UPDATE SET
    counter = kept.counter + 1,
    last_data_at = greatest(kept.last_data_at, excluded.last_data_at),
    changed_at = excluded.changed_at
"""

_TOUCH_PROGRAMS: Final = """
INSERT INTO program_progress AS kept (program_id, last_data_at)
SELECT program_id, max(told_at) FROM unnest($1::uuid[], $2::timestamptz[])
    AS told (program_id, told_at)
GROUP BY program_id ORDER BY program_id
ON CONFLICT (program_id) DO UPDATE SET
    last_data_at = greatest(kept.last_data_at, excluded.last_data_at)
"""

_PROGRESS: Final = "SELECT topic, counter, last_data_at FROM source_progress"

_EXPECTED: Final = """
SELECT s.year, s.code, s.revision, s.name, s.reporter_code, s.program_code, s.region_code,
       s.max_age_days, s.recorded_at, max(told.last_data_at) AS last_data_at
FROM (
    SELECT DISTINCT ON (code) * FROM expected_sources WHERE year = $1 ORDER BY code, revision DESC
) AS s
LEFT JOIN programs AS p
    ON p.reporter_code = s.reporter_code AND NOT p.sensitive
    AND (s.program_code IS NULL OR p.code = s.program_code)
LEFT JOIN program_progress AS told USING (program_id)
WHERE s.active
GROUP BY s.year, s.code, s.revision, s.name, s.reporter_code, s.program_code, s.region_code,
         s.max_age_days, s.recorded_at
ORDER BY s.code
"""

_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || '.sources', 0))"
_REVISION: Final = "SELECT max(revision) FROM expected_sources WHERE year = $1 AND code = $2"


async def touch(tx: Transaction, topic: Topic, last_data_at: datetime) -> None:
    """Count one commit of ``topic``. Call last: it holds a row until the commit."""
    await (await tx.raw()).execute(_TOUCH, topic.value, last_data_at, tx.now)


async def touch_programs(tx: Transaction, told: Iterable[tuple[UUID, datetime]]) -> None:
    """Remember when handovers of these programs were last told of."""
    pairs = list(told)
    connection = await tx.raw()
    await connection.execute(_TOUCH_PROGRAMS, [p[0] for p in pairs], [p[1] for p in pairs])


async def last_data_at(tx: ReadTransaction) -> dict[Topic, datetime]:
    """Return the newest event's time of each topic that has any."""
    rows = await (await tx.raw()).fetch(_PROGRESS)
    return {Topic(row["topic"]): row["last_data_at"] for row in rows}


async def counters(pool: Pool) -> dict[Topic, tuple[int, datetime]]:
    """Return (commits, newest event's time) of each topic; read four times a second."""
    return {
        Topic(row["topic"]): (row["counter"], row["last_data_at"])
        for row in await pool.fetch(_PROGRESS)
    }


async def expected(
    tx: ReadTransaction, year: int
) -> Sequence[tuple[ExpectedSource, datetime | None]]:
    """Return the sources expected in ``year``, each with the time of its newest word."""
    rows = await (await tx.raw()).fetch(_EXPECTED, year)
    return [(_source(row), row["last_data_at"]) for row in rows]


async def next_revision(tx: Transaction, year: int, code: str) -> int:
    """Return the number of the next revision of an expected source; 1 for a new one.

    No other request numbers revisions until this one commits.
    """
    connection = await tx.raw()
    await connection.execute(_LOCK)
    newest = await connection.fetchval(_REVISION, year, code)
    return int(newest or 0) + 1


def add_expected(
    tx: Transaction,
    source: ExpectedSource,
    *,
    revision: int,
    active: bool,
    reason: str | None,
    recorded_by: str,
) -> None:
    """Append one revision of an expected source."""
    tx.add(
        ExpectedSourceRow(
            year=source.year,
            code=source.code,
            revision=revision,
            name=source.name,
            reporter_code=source.reporter_code,
            program_code=source.program_code,
            region_code=source.region_code,
            max_age_days=source.max_age_days,
            active=active,
            reason=reason,
            recorded_at=tx.now,
            recorded_by=recorded_by,
        )
    )


def _source(row: Mapping[str, object]) -> ExpectedSource:
    return ExpectedSource(
        code=str(row["code"]),
        name=str(row["name"]),
        reporter_code=str(row["reporter_code"]),
        program_code=None if row["program_code"] is None else str(row["program_code"]),
        region_code=str(row["region_code"]),
        year=int(str(row["year"])),
        max_age_days=int(str(row["max_age_days"])),
    )
