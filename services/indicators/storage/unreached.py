"""Target families that no delivery reaches: the counts by village, and the list."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    Select,
    Text,
    Uuid,
    bindparam,
    column,
    exists,
    literal,
    select,
    text,
)
from sqlmodel import col

from services.indicators.storage.roots import ROOTS, ROOTS_QUERY
from services.indicators.storage.tables import AidTallyRow, EnrolmentRow, FamilyRow, ProgramRow
from services.shared.db import ReadTransaction

_SUMMARY: Final = f"""{ROOTS}, reached AS (
    SELECT DISTINCT coalesce(r.root_id, t.family_id) AS family_id
    FROM aid_tallies AS t
    JOIN programs AS p USING (program_id)
    LEFT JOIN roots AS r ON r.family_id = t.family_id
    WHERE t.last_delivered_on BETWEEN $2 AND $3
        AND p.counts_as_reached AND NOT p.sensitive AND NOT t.sensitive
)
SELECT f.region_code, g.name,
       count(*) AS families,
       count(*) FILTER (WHERE f.desil_high <= $4) AS target,
       count(*) FILTER (WHERE f.desil_high <= $4 AND h.family_id IS NULL) AS unreached,
       count(*) FILTER (
           WHERE f.desil_low IS NULL OR (f.desil_low <= $4 AND f.desil_high > $4)
       ) AS unknown_desil
FROM families AS f
LEFT JOIN reached AS h USING (family_id)
LEFT JOIN regions AS g ON g.code = f.region_code
WHERE f.active AND f.region_code LIKE ANY ($1::text[])
GROUP BY f.region_code, g.name
"""  # noqa: S608 - put together from constants only

PENDING: Final = ("proposed", "waiting", "granted")
"""Enrolments that may still bring something."""

LIST_KEYS: Final = (col(FamilyRow.region_code), col(FamilyRow.family_id))
"""The order of the list, an index of ``families``."""


@dataclass(frozen=True, slots=True)
class Village:
    """One village's counts. ``target`` are families surely within the target's desil."""

    region_code: str
    name: str | None
    families: int
    target: int
    unreached: int
    unknown_desil: int


async def by_village(
    tx: ReadTransaction, *, patterns: Sequence[str], since: date, until: date, desil_max: int
) -> list[Village]:
    """Count target families and those without a delivery between the two days, per village."""
    rows = await (await tx.raw()).fetch(_SUMMARY, list(patterns), since, until, desil_max)
    return [Village(*row.values()) for row in rows]


def listed(*, patterns: Sequence[str], since: date, until: date, desil_max: int) -> Select[Any]:
    """Return the query of unreached target families, for ``pages.paginate`` by ``LIST_KEYS``.

    It looks each family up by the tallies' primary key, so a page costs a page, not a regency.
    """
    family = col(FamilyRow.family_id)
    roots = (
        text(ROOTS_QUERY).columns(column("family_id", Uuid), column("root_id", Uuid)).cte("roots")
    )
    pending = exists().where(
        col(EnrolmentRow.family_id) == family,
        col(EnrolmentRow.status).in_(PENDING),
        col(EnrolmentRow.program_id) == col(ProgramRow.program_id),
        col(EnrolmentRow.sensitive).is_(False),
        col(ProgramRow.sensitive).is_(False),
    )
    reaching = (
        col(AidTallyRow.last_delivered_on).between(since, until),
        col(AidTallyRow.sensitive).is_(False),
        col(AidTallyRow.program_id) == col(ProgramRow.program_id),
        col(ProgramRow.counts_as_reached).is_(True),
        col(ProgramRow.sensitive).is_(False),
    )
    # Two conditions instead of one with OR: each is answered by the tallies' primary key.
    reached = exists().where(col(AidTallyRow.family_id) == family, *reaching)
    reached_as_merged = exists().where(
        roots.c.root_id == family, col(AidTallyRow.family_id) == roots.c.family_id, *reaching
    )
    places = bindparam("patterns", list(patterns), type_=ARRAY(Text))
    columns: list[Any] = [
        col(FamilyRow.family_id),
        col(FamilyRow.region_code),
        col(FamilyRow.desil_low),
        col(FamilyRow.desil_high),
        col(FamilyRow.desil_as_of),
        col(FamilyRow.members),
        pending.label("has_pending"),
    ]
    return select(*columns).where(
        col(FamilyRow.active).is_(True),
        col(FamilyRow.desil_high) <= literal(desil_max),
        col(FamilyRow.region_code).like(places.any_()),
        ~reached,
        ~reached_as_merged,
    )
