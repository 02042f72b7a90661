"""Who was helped in which field and group, and by which agency: distinct families, net rupiah."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from services.indicators.domain.contributions import FIELDS, GROUPS, Cell, MaskCount
from services.indicators.storage.roots import ROOTS
from services.shared.db import ReadTransaction

# Each family's cells as two bit masks, then how many families share a pair of masks: one pass over
# the year's tallies, and every distinct count of the table follows from the few rows it returns.
_MASKS: Final = f"""{ROOTS}, places AS MATERIALIZED (
    SELECT program_id,
           1 << ((array_position($3::text[], bidang) - 1) * cardinality($4::text[])
                 + array_position($4::text[], klaster) - 1) AS cell
    FROM programs WHERE NOT sensitive
), standing AS (
    SELECT coalesce(r.root_id, t.family_id) AS family_id,
           bit_or(CASE WHEN t.entitlements > 0 THEN p.cell ELSE 0 END) AS entitled,
           bit_or(CASE WHEN t.delivered_quantity > 0 THEN p.cell ELSE 0 END) AS reached
    FROM aid_tallies AS t
    JOIN places AS p USING (program_id)
    LEFT JOIN roots AS r ON r.family_id = t.family_id
    WHERE t.year = $1 AND NOT t.sensitive AND t.region_code LIKE ANY ($2::text[])
    GROUP BY 1
)
SELECT entitled, reached, count(*) AS families FROM standing GROUP BY entitled, reached
"""  # noqa: S608 - put together from constants only

_VALUES: Final = """
SELECT p.bidang, p.klaster, sum(t.delivered_idr)::bigint AS delivered_idr
FROM aid_tallies AS t JOIN programs AS p USING (program_id)
WHERE t.year = $1 AND NOT p.sensitive AND NOT t.sensitive AND t.region_code LIKE ANY ($2::text[])
GROUP BY p.bidang, p.klaster
"""

# A sensitive program is visible to its owner ($3) alone, who then sees it in own figures.
_AGENCIES: Final = f"""{ROOTS}
SELECT p.owner_code,
       count(DISTINCT coalesce(r.root_id, t.family_id)) FILTER (WHERE t.entitlements > 0)
           AS families_entitled,
       count(DISTINCT coalesce(r.root_id, t.family_id)) FILTER (WHERE t.delivered_quantity > 0)
           AS families_reached,
       count(DISTINCT t.recipient_id)
           FILTER (WHERE t.delivered_quantity > 0 AND t.recipient_id <> t.family_id)
           AS persons_reached,
       sum(t.delivered_idr)::bigint AS delivered_idr
FROM aid_tallies AS t
JOIN programs AS p USING (program_id)
LEFT JOIN roots AS r ON r.family_id = t.family_id
WHERE t.year = $1 AND t.region_code LIKE ANY ($2::text[])
    AND ((NOT p.sensitive AND NOT t.sensitive) OR p.owner_code = $3)
GROUP BY GROUPING SETS ((p.owner_code), ())
ORDER BY p.owner_code NULLS LAST
"""  # noqa: S608 - as above

_ORGANISATIONS: Final = "SELECT code, name, kind FROM organisations WHERE code = ANY ($1::text[])"


@dataclass(frozen=True, slots=True)
class AgencyFigures:
    """One agency's year; ``owner_code`` None is all agencies, in distinct families."""

    owner_code: str | None
    families_entitled: int
    families_reached: int
    persons_reached: int
    delivered_idr: int


@dataclass(frozen=True, slots=True)
class Organisation:
    """What an agency is called."""

    code: str
    name: str
    kind: str


async def masks(tx: ReadTransaction, year: int, patterns: Sequence[str]) -> list[MaskCount]:
    """Return how many families stand in which cells."""
    arguments = (year, list(patterns), list(FIELDS), list(GROUPS))
    rows = await (await tx.raw()).fetch(_MASKS, *arguments)
    return [MaskCount(row["entitled"], row["reached"], row["families"]) for row in rows]


async def values(tx: ReadTransaction, year: int, patterns: Sequence[str]) -> dict[Cell, int]:
    """Return the net rupiah handed over per cell."""
    rows = await (await tx.raw()).fetch(_VALUES, year, list(patterns))
    return {(row["bidang"], row["klaster"]): row["delivered_idr"] for row in rows}


async def by_agency(
    tx: ReadTransaction, year: int, patterns: Sequence[str], viewer_agency: str | None
) -> list[AgencyFigures]:
    """Return each owner's figures, the last row over all owners."""
    rows = await (await tx.raw()).fetch(_AGENCIES, year, list(patterns), viewer_agency)
    return [
        AgencyFigures(
            owner_code=row["owner_code"],
            families_entitled=row["families_entitled"],
            families_reached=row["families_reached"],
            persons_reached=row["persons_reached"],
            delivered_idr=row["delivered_idr"] or 0,
        )
        for row in rows
    ]


async def organisations(tx: ReadTransaction, codes: Sequence[str]) -> dict[str, Organisation]:
    """Return the names of organisations; one that programs never told of is absent."""
    rows = await (await tx.raw()).fetch(_ORGANISATIONS, list(codes))
    return {row["code"]: Organisation(row["code"], row["name"], row["kind"]) for row in rows}
