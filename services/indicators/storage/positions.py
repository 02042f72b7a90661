"""How far the projections are: the (epoch, version) that is held of one key."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final
from uuid import UUID

from services.shared.db import Database

Guard = tuple[int, int]
Read = Callable[[str], Awaitable[Guard | None]]

_BY_ID: Final = {
    "registry.family.state.v1": "SELECT epoch, version FROM families WHERE family_id = $1",
    "programs.program.state.v1": "SELECT epoch, version FROM programs WHERE program_id = $1",
    "programs.enrolment.state.v1": "SELECT epoch, version FROM enrolments WHERE enrolment_id = $1",
    "distribution.cycle.state.v1": "SELECT epoch, version FROM cycles WHERE cycle_id = $1",
    "distribution.entitlement.state.v1": (
        "SELECT epoch, version FROM entitlements WHERE entitlement_id = $1"
    ),
    "distribution.delivery.completed.v1": (
        "SELECT 0 AS epoch, 0 AS version FROM deliveries WHERE delivery_id = $1"
    ),
    "distribution.delivery.returned.v1": (
        "SELECT 0 AS epoch, 0 AS version FROM returns WHERE return_id = $1"
    ),
    "indicators.indicator.published.v1": (
        "SELECT 0 AS epoch, 0 AS version FROM publications WHERE id = $1"
    ),
}
# Dots of a code are dashes in a subject.
_BY_CODE: Final = {
    "registry.region.state.v1": (
        "SELECT epoch, version FROM regions WHERE code = replace($1, '-', '.')"
    ),
    "programs.organisation.state.v1": (
        "SELECT epoch, version FROM organisations WHERE replace(code, '.', '-') = $1"
    ),
}


def readers(db: Database) -> Mapping[str, Read]:
    """Return, per event type, what reads the guard of a key; each call sees the present rows."""

    def by_id(query: str) -> Read:
        async def read(key: str) -> Guard | None:
            try:
                ident = UUID(key)
            except ValueError:
                return None
            row = await db.pool.fetchrow(query, ident)
            return None if row is None else (row["epoch"], row["version"])

        return read

    def by_code(query: str) -> Read:
        async def read(key: str) -> Guard | None:
            row = await db.pool.fetchrow(query, key)
            return None if row is None else (row["epoch"], row["version"])

        return read

    return {
        **{type_: by_id(query) for type_, query in _BY_ID.items()},
        **{type_: by_code(query) for type_, query in _BY_CODE.items()},
    }
