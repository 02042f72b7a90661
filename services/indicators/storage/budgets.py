"""Each program's year in rupiah: ceilings as planned, reserved and handed over as counted."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from services.indicators.domain.budgets import ProgramBudget
from services.shared.db import ReadTransaction

# bool_or(... IS NULL): a program with one fund of unknown size has an unknown ceiling.
_BUDGETS: Final = """
WITH planned AS (
    SELECT program_id,
           CASE WHEN bool_or(ceiling_idr IS NULL) THEN NULL ELSE sum(ceiling_idr)::bigint END
               AS ceiling_idr,
           CASE WHEN bool_or(aid_ceiling_idr IS NULL) THEN NULL
                ELSE sum(aid_ceiling_idr)::bigint END AS aid_ceiling_idr
    FROM program_years WHERE year = $1 GROUP BY program_id
), counted AS (
    SELECT program_id, bool_or(sensitive) AS sensitive,
           sum(reserved_idr)::bigint AS reserved_idr, sum(delivered_idr)::bigint AS delivered_idr
    FROM aid_tallies WHERE year = $1 GROUP BY program_id
)
SELECT p.owner_code, p.program_id, planned.ceiling_idr, planned.aid_ceiling_idr,
       coalesce(counted.reserved_idr, 0) AS reserved_idr,
       coalesce(counted.delivered_idr, 0) AS delivered_idr
FROM programs AS p
LEFT JOIN planned USING (program_id)
LEFT JOIN counted USING (program_id)
WHERE (planned.program_id IS NOT NULL OR counted.program_id IS NOT NULL)
    AND p.status NOT IN ('draft', 'proposed')
    AND ((NOT p.sensitive AND NOT coalesce(counted.sensitive, false)) OR p.owner_code = $2)
ORDER BY p.owner_code, p.program_id
"""


@dataclass(frozen=True, slots=True)
class OwnedBudget:
    """A program's budget with its owner."""

    owner_code: str
    program_id: UUID
    budget: ProgramBudget


async def of_year(tx: ReadTransaction, year: int, viewer_agency: str | None) -> list[OwnedBudget]:
    """Return every program with a ceiling or with aid in ``year``."""
    rows = await (await tx.raw()).fetch(_BUDGETS, year, viewer_agency)
    return [
        OwnedBudget(
            row["owner_code"],
            row["program_id"],
            ProgramBudget(
                ceiling_idr=row["ceiling_idr"],
                aid_ceiling_idr=row["aid_ceiling_idr"],
                reserved_idr=row["reserved_idr"],
                delivered_idr=row["delivered_idr"],
            ),
        )
        for row in rows
    ]
