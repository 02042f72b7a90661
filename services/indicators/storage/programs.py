"""One program's year: question 5 of DESIGN section 1."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from services.indicators.storage.roots import ROOTS
from services.shared.db import ReadTransaction

_PROGRAM: Final = """
SELECT program_id, code, name, owner_code, klaster, strategi, bidang, unit, counts_as_reached,
       sensitive, target_desil_max, status
FROM programs
WHERE program_id = $1 AND (NOT sensitive OR owner_code = $2)
"""

_YEAR: Final = """
SELECT CASE WHEN bool_or(ceiling_idr IS NULL) THEN NULL ELSE sum(ceiling_idr)::bigint END
           AS ceiling_idr,
       CASE WHEN bool_or(aid_ceiling_idr IS NULL) THEN NULL ELSE sum(aid_ceiling_idr)::bigint END
           AS aid_ceiling_idr,
       CASE WHEN bool_or(quota IS NULL) THEN NULL ELSE sum(quota)::int END AS quota
FROM program_years WHERE program_id = $1 AND year = $2
"""

_ENROLMENTS: Final = """
SELECT status, count(*) AS enrolments, count(DISTINCT family_id) AS families
FROM enrolments
WHERE program_id = $1 AND year = $2 AND region_code LIKE ANY ($3::text[])
GROUP BY status
"""

_AID: Final = f"""{ROOTS}
SELECT left(t.region_code, 8) AS kecamatan,
       count(DISTINCT coalesce(r.root_id, t.family_id)) FILTER (WHERE t.entitlements > 0)
           AS families_entitled,
       count(DISTINCT coalesce(r.root_id, t.family_id)) FILTER (WHERE t.delivered_quantity > 0)
           AS families_reached,
       coalesce(sum(t.entitlements), 0)::bigint AS entitlements,
       coalesce(sum(t.entitled_idr), 0)::bigint AS entitled_idr,
       coalesce(sum(t.reserved_idr), 0)::bigint AS reserved_idr,
       coalesce(sum(t.delivered_quantity), 0)::bigint AS delivered_quantity,
       coalesce(sum(t.delivered_idr), 0)::bigint AS delivered_idr
FROM aid_tallies AS t LEFT JOIN roots AS r ON r.family_id = t.family_id
WHERE t.program_id = $1 AND t.year = $2 AND t.region_code LIKE ANY ($3::text[])
GROUP BY GROUPING SETS ((left(t.region_code, 8)), ())
ORDER BY 1 NULLS LAST
"""  # noqa: S608 - put together from constants only


@dataclass(frozen=True, slots=True)
class Program:
    """What a program is."""

    program_id: UUID
    code: str
    name: str
    owner_code: str
    klaster: str
    strategi: str
    bidang: str
    unit: str
    counts_as_reached: bool
    sensitive: bool
    target_desil_max: int | None
    status: str


@dataclass(frozen=True, slots=True)
class Plan:
    """A year's plan; null is unknown."""

    ceiling_idr: int | None
    aid_ceiling_idr: int | None
    quota: int | None


@dataclass(frozen=True, slots=True)
class Enrolled:
    """How many enrolments stand in a status, and of how many families."""

    status: str
    enrolments: int
    families: int


@dataclass(frozen=True, slots=True)
class Aid:
    """A program's aid in one kecamatan, or in all (None)."""

    kecamatan: str | None
    families_entitled: int
    families_reached: int
    entitlements: int
    entitled_idr: int
    reserved_idr: int
    delivered_quantity: int
    delivered_idr: int


async def find(tx: ReadTransaction, program_id: UUID, viewer_agency: str | None) -> Program | None:
    """Return a program that the viewer may know of."""
    row = await (await tx.raw()).fetchrow(_PROGRAM, program_id, viewer_agency)
    return Program(*row.values()) if row else None


async def plan(tx: ReadTransaction, program_id: UUID, year: int) -> Plan:
    """Return the year's plan over all funds."""
    row = await (await tx.raw()).fetchrow(_YEAR, program_id, year)
    return Plan(*row.values()) if row else Plan(None, None, None)


async def enrolled(
    tx: ReadTransaction, program_id: UUID, year: int, patterns: Sequence[str]
) -> list[Enrolled]:
    """Count enrolments by status."""
    rows = await (await tx.raw()).fetch(_ENROLMENTS, program_id, year, list(patterns))
    return [Enrolled(*row.values()) for row in rows]


async def aid(
    tx: ReadTransaction, program_id: UUID, year: int, patterns: Sequence[str]
) -> list[Aid]:
    """Return the aid per kecamatan; the last row is the whole, in distinct families."""
    rows = await (await tx.raw()).fetch(_AID, program_id, year, list(patterns))
    return [Aid(*row.values()) for row in rows]
