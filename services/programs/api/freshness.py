"""How fresh an answer is: ``as_of`` per source, and the wait for a ``min_position``."""

from datetime import datetime
from typing import Annotated, TypedDict

from fastapi import Depends, Query, Request

from services.programs.storage.positions import readers
from services.shared.http import ReadTx
from services.shared.position import POSITION_CHARS_MAX, as_of, wait_for

MinPosition = Annotated[
    str | None,
    Query(
        max_length=POSITION_CHARS_MAX,
        description="Betang-Position dari penulisan sebelumnya; ditunggu paling lama 2 detik",
    ),
]


class Freshness(TypedDict):
    """``as_of`` per producer (null: unknown); ``stale``: the position has not come in time."""

    as_of: dict[str, datetime | None]
    stale: bool


async def _freshness(request: Request, tx: ReadTx, min_position: MinPosition = None) -> Freshness:
    # The wait comes before the snapshot's first statement, which is when it is taken.
    stale = await wait_for(min_position, readers(request.app.state.db))
    known = await as_of(tx)
    sources = {name: known.get(name) for name in ("registry", "distribution", "skpd")}
    return Freshness(as_of=sources, stale=stale)


Fresh = Annotated[Freshness, Depends(_freshness)]
