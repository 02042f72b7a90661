"""How far a projection has come: ``as_of`` per producer, and waiting for one's own write.

A write answers ``Betang-Position``; a reader of another service passes it as ``min_position`` and
waits up to 2 s until the projection has it, else gets ``stale: true``.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from services.shared.db import ReadTransaction
from services.shared.problems import Problem, ProblemType

POLL_S = 0.05
POSITION_CHARS_MAX = 400

POSITION_INVALID = ProblemType(
    "position_invalid",
    400,
    "min_position tidak dikenal",
    "min_position is not a position that Betang gave",
)

Reader = Callable[[str], Awaitable[tuple[int, int] | None]]
"""Gives (epoch, version) that the projection holds of a key; for a fact any pair once it is in."""


@dataclass(frozen=True, slots=True)
class Position:
    """``type/key/epoch/version`` of a state, ``type/key`` of a fact."""

    type: str
    key: str
    reached: tuple[int, int] | None

    @classmethod
    def parse(cls, text_: str) -> "Position":
        """Read a position. Raise the ``position_invalid`` problem."""
        match text_[: POSITION_CHARS_MAX + 1].split("/"):
            case [type_, key, epoch, version] if (
                epoch.isascii() and epoch.isdigit() and version.isascii() and version.isdigit()
                and type_ and key and len(text_) <= POSITION_CHARS_MAX
            ):  # fmt: skip
                return cls(type_, key, (int(epoch), int(version)))
            case [type_, key] if type_ and key and len(text_) <= POSITION_CHARS_MAX:
                return cls(type_, key, None)
        raise Problem(POSITION_INVALID)


async def wait_for(
    position: str | None, readers: Mapping[str, Reader], timeout_s: float = 2
) -> bool:
    """Wait until the projection has ``position``. Return True (stale) when it has not in time.

    ``readers`` gives a reader per event type; each call must see the present rows, so it opens a
    snapshot of its own (``Database.pool`` or ``Database.reading``). A type that is not projected
    here is stale at once.
    """
    if position is None:
        return False
    wanted = Position.parse(position)
    reader = readers.get(wanted.type)
    if reader is None:
        return True
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout_s
    while True:
        found = await reader(wanted.key)
        if found is not None and (wanted.reached is None or tuple(found) >= wanted.reached):
            return False
        if loop.time() + POLL_S > deadline:
            return True
        await asyncio.sleep(POLL_S)


async def as_of(tx: ReadTransaction) -> dict[str, datetime | None]:
    """Return per producer until when everything it told is projected here; None is unknown.

    It is unknown before the first reading of a stream and during a rebuild.
    """
    rows = await tx.rows(
        text(
            "SELECT producer, CASE WHEN bool_or(as_of IS NULL) THEN NULL ELSE min(as_of) END"
            " AS as_of FROM consumer_progress GROUP BY producer ORDER BY producer"
        )
    )
    return {row["producer"]: row["as_of"] for row in rows}
