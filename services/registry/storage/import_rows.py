"""The rows of an import in staging: written by COPY, judged in bulk, read in parts by family."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Select, select, text
from sqlmodel import col

from services.registry.domain.imports import Verdict
from services.registry.storage.import_tables import StagedRow
from services.shared.db import ReadTransaction, Transaction
from services.shared.sealing import Sealer

SEAL_CONTEXT = "import_rows.sealed"
_COLUMNS = (
    "import_id",
    "row_number",
    "verdict",
    "kk_index",
    "nik_index",
    "is_head",
    "family_digest",
    "sealed",
    "findings",
)


# Windows pass over the rows once, in the order of the index, and stop at the limit.
_NEXT_PENDING = """
SELECT * FROM import_rows WHERE import_id = $1 AND verdict = 'pending'
AND (kk_index, row_number) > ($2, $3) ORDER BY kk_index, row_number LIMIT $4
"""
_NEXT_TOUCHED = """
SELECT * FROM (
    SELECT *, bool_or(verdict <> 'unchanged') OVER (PARTITION BY kk_index ORDER BY row_number
        ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS touched
    FROM import_rows WHERE import_id = $1 AND verdict IN ('new', 'changed', 'unchanged')
    AND (kk_index, row_number) > ($2, $3)) AS families
WHERE touched ORDER BY kk_index, row_number LIMIT $4
"""


@dataclass(frozen=True, slots=True)
class NewRow:
    """What is written of a row beside its sealed content (JSON: kk, nik, values, original)."""

    row_number: int
    is_rejected: bool
    kk_index: bytes | None
    nik_index: bytes | None
    is_head: bool
    family_digest: bytes | None
    findings: str


@dataclass(frozen=True, slots=True)
class StagedContent:
    """A staged row, opened. Original cells stand by column, as they were in the file."""

    row_number: int
    verdict: Verdict
    kk: str | None
    nik: str | None
    kk_index: bytes | None
    nik_index: bytes | None
    values: dict[str, Any]
    original: dict[str, str]
    findings: list[list[str]]
    changed: list[str]
    fingerprint: bytes | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the comparison with the registry found for one row."""

    row_number: int
    verdict: Verdict
    changed: Sequence[str]
    fingerprint: bytes
    findings: Sequence[Sequence[str]] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """Which rows come next: those behind ``after`` (KK index, row number), about ``size``.

    ``touched``: families with something to merge, whole; else rows that wait for comparison.
    """

    touched: bool
    size: int
    after: tuple[bytes, int] = (b"", 0)


async def stage(
    tx: Transaction, import_id: UUID, rows: Iterable[NewRow], sealed: Sequence[bytes | None]
) -> None:
    """COPY rows with their sealed contents."""
    await tx.copy(
        "import_rows",
        _COLUMNS,
        [
            (
                import_id,
                row.row_number,
                Verdict.REJECTED if row.is_rejected else Verdict.PENDING,
                row.kk_index,
                row.nik_index,
                row.is_head,
                row.family_digest,
                box,
                row.findings,
            )
            for row, box in zip(rows, sealed, strict=True)
        ],
    )


async def clear(tx: Transaction, import_id: UUID, index_key_version: int | None) -> None:
    """Delete what an interrupted attempt staged; what follows is indexed by this key."""
    values = {"id": import_id, "version": index_key_version}
    await tx.execute(text("DELETE FROM import_rows WHERE import_id = :id"), {"id": import_id})
    await tx.execute(text("UPDATE imports SET index_key_version = :version WHERE id = :id"), values)


async def same_niks(tx: Transaction, import_id: UUID) -> list[tuple[int, bytes, bytes]]:
    """Return (row, KK index, NIK index) of accepted rows that share a NIK, in file order."""
    rows: list[tuple[int, bytes, bytes]] = await _fetch(
        tx,
        "SELECT row_number, kk_index, nik_index FROM (SELECT row_number, kk_index, nik_index,"
        "  count(*) OVER (PARTITION BY nik_index) AS rows FROM import_rows"
        "  WHERE import_id = $1 AND verdict = 'pending' AND nik_index IS NOT NULL) AS counted"
        " WHERE rows > 1 ORDER BY row_number",
        import_id,
    )
    return rows


async def heads(tx: Transaction, import_id: UUID) -> list[tuple[int, list[int]]]:
    """Return (first row, rows of heads) of families that have not exactly one head."""
    rows: list[tuple[int, list[int]]] = await _fetch(
        tx,
        "SELECT min(row_number), coalesce(array_agg(row_number ORDER BY row_number)"
        "  FILTER (WHERE is_head), '{}')"
        " FROM import_rows WHERE import_id = $1 AND verdict = 'pending'"
        " GROUP BY kk_index HAVING count(*) FILTER (WHERE is_head) <> 1",
        import_id,
    )
    return rows


async def disagreeing_families(tx: Transaction, import_id: UUID) -> list[list[int]]:
    """Return the rows of families whose own values differ from row to row."""
    rows = await _fetch(
        tx,
        "SELECT array_agg(row_number ORDER BY row_number) FROM import_rows"
        " WHERE import_id = $1 AND verdict = 'pending'"
        " GROUP BY kk_index HAVING count(DISTINCT family_digest) > 1",
        import_id,
    )
    return [row[0] for row in rows]


async def add_findings(
    tx: Transaction, import_id: UUID, found: Sequence[tuple[int, list[str], bool]]
) -> None:
    """Add (row, finding, does it reject) to staged rows."""
    if found:
        await (await tx.raw()).execute(
            "UPDATE import_rows r SET findings = r.findings || t.findings,"
            " verdict = CASE WHEN t.rejects THEN 'rejected' ELSE r.verdict END"
            " FROM (SELECT row_number, jsonb_agg(finding::jsonb) AS findings,"
            "  bool_or(rejects) AS rejects"
            "  FROM unnest($2::int[], $3::text[], $4::bool[]) AS u (row_number, finding, rejects)"
            "  GROUP BY row_number) t WHERE r.import_id = $1 AND r.row_number = t.row_number",
            import_id,
            [row for row, _, _ in found],
            [orjson.dumps(finding).decode() for _, finding, _ in found],
            [rejects for _, _, rejects in found],
        )


async def set_outcomes(tx: Transaction, import_id: UUID, outcomes: Sequence[Outcome]) -> None:
    """Write verdicts of the comparison."""
    await (await tx.raw()).execute(
        "UPDATE import_rows r SET verdict = t.verdict, changed = t.changed::jsonb,"
        " fingerprint = t.fingerprint, findings = r.findings || t.findings::jsonb"
        " FROM unnest($2::int[], $3::text[], $4::text[], $5::bytea[], $6::text[])"
        "  AS t (row_number, verdict, changed, fingerprint, findings)"
        " WHERE r.import_id = $1 AND r.row_number = t.row_number",
        import_id,
        [one.row_number for one in outcomes],
        [str(one.verdict) for one in outcomes],
        [orjson.dumps(list(one.changed)).decode() for one in outcomes],
        [one.fingerprint for one in outcomes],
        [orjson.dumps([list(finding) for finding in one.findings]).decode() for one in outcomes],
    )


async def next_part(
    tx: Transaction, import_id: UUID, sealer: Sealer, select_from: Part
) -> list[StagedContent]:
    """Return the next rows, whole families, in the order of their KK index; empty at the end."""
    connection = await tx.raw()
    # Fresh rows have no statistics: taken for few, all that are left would be sorted for each part.
    await connection.execute("SELECT set_config('enable_sort', 'off', true)")
    rows = await connection.fetch(
        _NEXT_TOUCHED if select_from.touched else _NEXT_PENDING,
        import_id,
        *select_from.after,
        select_from.size,
    )
    await connection.execute("SELECT set_config('enable_sort', 'on', true)")
    if len(rows) == select_from.size and rows[0]["kk_index"] != rows[-1]["kk_index"]:
        # The last family may go on behind the limit: it comes whole with the next part.
        rows = [row for row in rows if row["kk_index"] != rows[-1]["kk_index"]]
    return [opened(row, sealer) for row in rows]


async def count(tx: ReadTransaction, import_id: UUID) -> dict[str, int]:
    """Return how many rows there are of each verdict, and with a finding but not rejected."""
    rows = await _fetch(
        tx,
        "SELECT count(*) AS rows_read, count(*) FILTER (WHERE verdict = 'new') AS rows_new,"
        " count(*) FILTER (WHERE verdict = 'changed') AS rows_changed,"
        " count(*) FILTER (WHERE verdict = 'unchanged') AS rows_unchanged,"
        " count(*) FILTER (WHERE verdict = 'rejected') AS rows_rejected,"
        " count(*) FILTER (WHERE verdict <> 'rejected' AND findings <> '[]') AS rows_warned"
        " FROM import_rows WHERE import_id = $1",
        import_id,
    )
    return dict(rows[0])


def listing(import_id: UUID, verdict: Verdict | None) -> Select[Any]:
    """Return the statement of an import's rows, for pages by ``row_number``."""
    columns = StagedRow.__table__.c  # type: ignore[attr-defined] # SQLModel does not declare it
    stmt = select(*columns).where(col(StagedRow.import_id) == import_id)
    return stmt if verdict is None else stmt.where(col(StagedRow.verdict) == verdict)


LIST_KEY = col(StagedRow.row_number)


async def rejected(
    tx: ReadTransaction, import_id: UUID, after: int, size: int, sealer: Sealer
) -> list[StagedContent]:
    """Return the next rejected rows behind row ``after``, in file order."""
    rows = await _fetch(
        tx,
        "SELECT * FROM import_rows WHERE import_id = $1 AND verdict = 'rejected'"
        " AND row_number > $2 ORDER BY row_number LIMIT $3",
        import_id,
        after,
        size,
    )
    return [opened(row, sealer) for row in rows]


def opened(row: Any, sealer: Sealer) -> StagedContent:
    """Open a row of either driver: asyncpg gives JSON as text, SQLAlchemy as objects."""
    content = orjson.loads(sealer.open(row["sealed"], SEAL_CONTEXT))
    return StagedContent(
        row["row_number"],
        Verdict(row["verdict"]),
        content["kk"],
        content["nik"],
        row["kk_index"],
        row["nik_index"],
        content["values"],
        content["original"],
        _json(row["findings"]) or [],
        _json(row["changed"]) or [],
        row["fingerprint"],
    )


def _json(value: Any) -> Any:
    return orjson.loads(value) if isinstance(value, str) else value


async def _fetch(tx: ReadTransaction, sql: str, *args: Any) -> Any:
    return await (await tx.raw()).fetch(sql, *args)
