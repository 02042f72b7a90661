"""Queries of organisations."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from services.programs.storage.tables import OrganisationRow
from services.shared.db import ReadTransaction, Transaction
from services.shared.pages import CursorSigner, Slice, paginate


@dataclass(frozen=True, slots=True)
class Organisation:
    """An organisation as it is kept."""

    code: str
    name: str
    kind: str
    version: int


async def add_organisation(tx: Transaction, organisation: Organisation, *, by: str) -> bool:
    """Insert it; return False when the code is taken."""
    added = await tx.scalar(
        insert(OrganisationRow)
        .values(
            code=organisation.code,
            name=organisation.name,
            kind=organisation.kind,
            version=organisation.version,
            created_by=by,
            created_at=tx.now,
        )
        .on_conflict_do_nothing()
        .returning(col(OrganisationRow.code))
    )
    return added is not None


async def known_codes(tx: ReadTransaction, codes: list[str]) -> set[str]:
    """Return which of ``codes`` are organisations."""
    column = col(OrganisationRow.code)
    return set(await tx.scalars(select(column).where(column.in_(codes))))


async def list_organisations(
    tx: ReadTransaction, *, kind: str | None, limit: int, cursor: str | None, signer: CursorSigner
) -> Slice:
    """Return one page of organisations by code."""
    stmt = _organisations()
    if kind is not None:
        stmt = stmt.where(col(OrganisationRow.kind) == kind)
    keys = [col(OrganisationRow.code)]
    name = f"organisations:{kind}"
    return await paginate(
        tx, stmt, keys=keys, limit=limit, cursor=cursor, signer=signer, list_name=name
    )


async def every_organisation(tx: ReadTransaction) -> AsyncIterator[Organisation]:
    """Yield all of them: there are hundreds at most."""
    for row in await tx.rows(_organisations().order_by(col(OrganisationRow.code))):
        yield Organisation(**row)


def _organisations() -> Any:
    return select(
        col(OrganisationRow.code),
        col(OrganisationRow.name),
        col(OrganisationRow.kind),
        col(OrganisationRow.version),
    )
