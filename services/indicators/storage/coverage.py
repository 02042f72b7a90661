"""Families by place and rank, and who of them was reached: the raw numbers of coverage."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from services.indicators.domain.targeting import Group
from services.indicators.storage.roots import ROOTS
from services.shared.db import ReadTransaction

# $3 is one program, or null for all programs that count as reaching; $4 shows the sensitive ones
# of that owner when a single program is asked for.
_HELPED: Final = f"""{ROOTS}, helped AS MATERIALIZED (
    SELECT coalesce(r.root_id, t.family_id) AS family_id, min(t.region_code) AS region_code,
           bool_or(t.delivered_quantity > 0) AS reached,
           sum(t.delivered_idr)::bigint AS delivered_idr
    FROM aid_tallies AS t
    JOIN programs AS p USING (program_id)
    LEFT JOIN roots AS r ON r.family_id = t.family_id
    WHERE t.year = $1
        AND ((NOT p.sensitive AND NOT t.sensitive) OR ($3::uuid IS NOT NULL AND p.owner_code = $4))
        AND CASE WHEN $3::uuid IS NULL THEN p.counts_as_reached ELSE p.program_id = $3 END
    GROUP BY 1
)"""  # noqa: S608 - put together from constants only

# A kecamatan is the first three segments of a code, eight characters: 62.02.06.
_GROUPS: Final = f"""{_HELPED}
SELECT left(f.region_code, 8) AS kecamatan, f.desil_low, f.desil_high, count(*) AS families,
       count(*) FILTER (WHERE h.reached) AS beneficiaries,
       coalesce(sum(h.delivered_idr), 0)::bigint AS delivered_idr
FROM families AS f LEFT JOIN helped AS h USING (family_id)
WHERE f.active AND f.region_code LIKE ANY ($2::text[])
GROUP BY 1, 2, 3
"""  # noqa: S608 - as above

_STRANGERS: Final = f"""{_HELPED}
SELECT count(*) FILTER (WHERE h.reached) AS families,
       coalesce(sum(h.delivered_idr), 0)::bigint AS delivered_idr
FROM helped AS h
WHERE h.region_code LIKE ANY ($2::text[])
    AND NOT EXISTS (SELECT 1 FROM families AS f WHERE f.family_id = h.family_id AND f.active)
"""  # noqa: S608 - as above

_NAMES: Final = "SELECT code, name FROM regions WHERE code = ANY ($1::text[])"


@dataclass(frozen=True, slots=True)
class Strangers:
    """Beneficiaries that registry does not hold as active families (any more, or yet)."""

    families: int
    delivered_idr: int


async def groups(
    tx: ReadTransaction,
    *,
    year: int,
    patterns: Sequence[str],
    program_id: UUID | None,
    viewer_agency: str | None,
) -> list[Group]:
    """Return active families by kecamatan and rank, with those reached in ``year``."""
    arguments = (year, list(patterns), program_id, viewer_agency)
    rows = await (await tx.raw()).fetch(_GROUPS, *arguments)
    return [Group(*row.values()) for row in rows]


async def strangers(
    tx: ReadTransaction,
    *,
    year: int,
    patterns: Sequence[str],
    program_id: UUID | None,
    viewer_agency: str | None,
) -> Strangers:
    """Count the beneficiaries of the same programs that are no active family."""
    arguments = (year, list(patterns), program_id, viewer_agency)
    row = await (await tx.raw()).fetchrow(_STRANGERS, *arguments)
    return Strangers(row["families"], row["delivered_idr"]) if row else Strangers(0, 0)


async def region_names(tx: ReadTransaction, codes: Sequence[str]) -> dict[str, str]:
    """Return the names of regions; one that registry never told of is absent."""
    rows = await (await tx.raw()).fetch(_NAMES, list(codes))
    return {row["code"]: row["name"] for row in rows}
