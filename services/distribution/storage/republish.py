"""Reading whole tables in pages by id, for telling them again."""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, RowMapping, Select, select

from services.distribution.storage.tables import metadata
from services.shared.db import ReadTransaction

PAGE_ROWS = 2_000

_cycles = metadata.tables["cycles"]
_programs = metadata.tables["programs"]
_entitlements = metadata.tables["entitlements"]
_deliveries = metadata.tables["deliveries"]
_returns = metadata.tables["delivery_returns"]


async def cycles(tx: ReadTransaction, after: UUID | None) -> list[RowMapping]:
    """Return the next cycles with whether their program is sensitive, and whose it is."""
    stmt = select(_cycles, _programs.c.sensitive, _programs.c.owner_code).join(
        _programs, _programs.c.id == _cycles.c.program_id
    )
    return await _page(tx, stmt, _cycles.c.id, after)


async def entitlements(tx: ReadTransaction, after: UUID | None) -> list[RowMapping]:
    """Return the next entitlements."""
    stmt = select(_entitlements, _programs.c.owner_code).outerjoin(
        _programs, _programs.c.id == _entitlements.c.program_id
    )
    return await _page(tx, stmt, _entitlements.c.id, after)


async def deliveries(tx: ReadTransaction, after: UUID | None) -> list[RowMapping]:
    """Return the next deliveries."""
    stmt = select(_deliveries, _programs.c.owner_code).outerjoin(
        _programs, _programs.c.id == _deliveries.c.program_id
    )
    return await _page(tx, stmt, _deliveries.c.id, after)


async def returns(tx: ReadTransaction, after: UUID | None) -> list[RowMapping]:
    """Return the next returns, each with what its event needs of its delivery."""
    d = _deliveries.c
    stmt = (
        select(
            _returns, d.entitlement_id, d.program_id, d.family_id, d.person_id, d.region_code,
            d.sensitive, _programs.c.owner_code,
        )
        .join(_deliveries, d.id == _returns.c.delivery_id)
        .outerjoin(_programs, _programs.c.id == d.program_id)
    )  # fmt: skip
    return await _page(tx, stmt, _returns.c.id, after)


async def _page(
    tx: ReadTransaction, stmt: Select[Any], key: ColumnElement[Any], after: UUID | None
) -> list[RowMapping]:
    if after is not None:
        stmt = stmt.where(key > after)
    return await tx.rows(stmt.order_by(key).limit(PAGE_ROWS))
