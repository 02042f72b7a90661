"""How far the projections are: the (epoch, version) that is held of one key."""

from collections.abc import Awaitable, Callable, Mapping
from uuid import UUID

from services.shared.db import Database

Guard = tuple[int, int]
OWN: Guard = (2**31, 2**63)
"""What programs itself wrote is always there to be read: any version has been reached."""

_QUERIES = {
    "registry.family.state.v1": "SELECT epoch, version FROM family_facts WHERE family_id = $1",
    "registry.person.identity.v1": (
        "SELECT epoch, version FROM person_identities WHERE person_id = $1"
    ),
    "distribution.entitlement.state.v1": (
        "SELECT epoch, version FROM entitlement_facts WHERE entitlement_id = $1"
    ),
}
_REGION = "SELECT epoch, version FROM region_facts WHERE code = replace($1, '-', '.')"
_OWN_TYPES = (
    "programs.organisation.state.v1",
    "programs.program.state.v1",
    "programs.enrolment.state.v1",
)


def readers(db: Database) -> Mapping[str, Callable[[str], Awaitable[Guard | None]]]:
    """Return, per event type, what reads the guard of a key; each call sees the present rows."""

    def by_id(query: str) -> Callable[[str], Awaitable[Guard | None]]:
        async def read(key: str) -> Guard | None:
            try:
                ident = UUID(key)
            except ValueError:
                return None
            row = await db.pool.fetchrow(query, ident)
            return None if row is None else (row["epoch"], row["version"])

        return read

    async def region(key: str) -> Guard | None:
        row = await db.pool.fetchrow(_REGION, key)
        return None if row is None else (row["epoch"], row["version"])

    async def own(_key: str) -> Guard:
        return OWN

    return {
        **{type_: by_id(query) for type_, query in _QUERIES.items()},
        "registry.region.state.v1": region,
        **dict.fromkeys(_OWN_TYPES, own),
    }
