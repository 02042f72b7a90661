"""How fresh an answer is: ``as_of`` per source, and waiting for a write of another service."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request
from pydantic import BaseModel

from services.distribution.storage.projections import HELD_VERSIONS
from services.shared.db import Database
from services.shared.http import ReadTx
from services.shared.position import POSITION_CHARS_MAX, Reader, as_of, wait_for


class Freshness(BaseModel):
    """``as_of``: until when each source is known here, null when unknown.

    ``stale``: the ``min_position`` that was asked for had not arrived within two seconds.
    """

    as_of: Mapping[str, datetime | None]
    stale: bool


async def freshness(
    request: Request,
    tx: ReadTx,
    min_position: Annotated[
        str | None,
        Query(max_length=POSITION_CHARS_MAX, description="Isi tajuk Betang-Position"),
    ] = None,
) -> Freshness:
    """Wait for ``min_position``, then say how fresh the projections are.

    The wait comes before the first statement of the request's snapshot, which would not see it.
    """
    db: Database = request.app.state.db
    waited = await wait_for(min_position, {type_: _reader(db, type_) for type_ in HELD_VERSIONS})
    return Freshness(as_of=await as_of(tx), stale=waited)


Fresh = Annotated[Freshness, Depends(freshness)]


def _reader(db: Database, type_: str) -> Reader:
    async def read(key: str) -> tuple[int, int] | None:
        try:
            row = await db.pool.fetchrow(HELD_VERSIONS[type_], UUID(key))
        except ValueError:
            return None
        return (row["epoch"], row["version"]) if row else None

    return read
