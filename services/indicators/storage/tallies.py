"""``aid_tallies``: recomputed for the families that a batch touched, and checked as a whole.

A touched (family, program) is computed anew from its facts instead of adding a difference, so the
order in which deliveries, returns, entitlements and cycles arrive cannot matter, and a repeated
event changes nothing. Integers only: live equals batch bit for bit.
"""

from collections.abc import Iterable
from typing import Final

from services.indicators.domain.projections import AidKey
from services.shared.db import ReadTransaction, Transaction

# Entitlements and facts come by two consumers; one at a time may write what tallies are made of, or
# the later commit would keep sums made without the earlier one's rows.
_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || '.tallies', 0))"

_GONE: Final = """
DELETE FROM aid_tallies AS t
USING unnest($1::uuid[], $2::uuid[]) AS keys (family_id, program_id)
WHERE (t.family_id, t.program_id) = (keys.family_id, keys.program_id)
"""

_GIVEN_KEYS: Final = "SELECT * FROM unnest($1::uuid[], $2::uuid[]) AS given (family_id, program_id)"

_ALL_KEYS: Final = """
SELECT family_id, program_id FROM entitlements
UNION SELECT family_id, program_id FROM deliveries
"""

_RECOMPUTED: Final = f"""
WITH keys AS MATERIALIZED ({_GIVEN_KEYS}),
years AS MATERIALIZED (SELECT cycle_id, year FROM cycles),
handed AS MATERIALIZED (SELECT d.* FROM keys JOIN deliveries AS d USING (family_id, program_id)),
back AS (
    SELECT r.delivery_id, sum(r.quantity)::bigint AS quantity, sum(r.value_idr)::bigint AS value_idr
    FROM handed JOIN returns AS r USING (delivery_id) GROUP BY r.delivery_id
), movements AS (
    SELECT e.family_id, e.program_id, c.year, e.region_code,
           coalesce(e.person_id, e.family_id) AS recipient_id,
           1 AS entitlements, e.value_idr AS entitled_idr,
           greatest(e.value_idr - e.delivered_value_idr, 0) AS reserved_idr,
           0::bigint AS quantity, 0::bigint AS delivered_idr, NULL::date AS delivered_on,
           e.sensitive
    FROM keys
    JOIN entitlements AS e USING (family_id, program_id)
    JOIN years AS c ON c.cycle_id = e.cycle_id
    WHERE e.status <> 'void'
    UNION ALL
    SELECT d.family_id, d.program_id, c.year, d.region_code,
           coalesce(d.person_id, d.family_id), 0, 0, 0,
           d.quantity - coalesce(b.quantity, 0), d.value_idr - coalesce(b.value_idr, 0),
           CASE WHEN d.quantity > coalesce(b.quantity, 0) THEN d.delivered_on END, d.sensitive
    FROM handed AS d
    JOIN years AS c ON c.cycle_id = d.cycle_id
    LEFT JOIN back AS b ON b.delivery_id = d.delivery_id
)
SELECT family_id, program_id, year, region_code, recipient_id,
       sum(entitlements)::int AS entitlements, sum(entitled_idr)::bigint AS entitled_idr,
       sum(reserved_idr)::bigint AS reserved_idr, sum(quantity)::bigint AS delivered_quantity,
       sum(delivered_idr)::bigint AS delivered_idr, max(delivered_on) AS last_delivered_on,
       bool_or(sensitive) AS sensitive
FROM movements
GROUP BY family_id, program_id, year, region_code, recipient_id
"""  # noqa: S608 - put together from constants of this module only

_COLUMNS: Final = """family_id, program_id, year, region_code, recipient_id, entitlements,
entitled_idr, reserved_idr, delivered_quantity, delivered_idr, last_delivered_on, sensitive"""

_INSERT: Final = f"INSERT INTO aid_tallies ({_COLUMNS}) {_RECOMPUTED}"

_INSERT_ALL: Final = _INSERT.replace(_GIVEN_KEYS, _ALL_KEYS)

_EXPECTED: Final = f"SELECT {_COLUMNS} FROM ({_RECOMPUTED.replace(_GIVEN_KEYS, _ALL_KEYS)}) AS e"  # noqa: S608 - as above

_KEPT: Final = f"SELECT {_COLUMNS} FROM aid_tallies"  # noqa: S608 - as above

_DIFFERENCES: Final = f"""
SELECT count(*) FROM (
    (({_EXPECTED}) EXCEPT ({_KEPT})) UNION ALL (({_KEPT}) EXCEPT ({_EXPECTED}))
) AS differences
"""  # noqa: S608 - as above


CHECK_TIMEOUT_S: Final = 900


async def hold(tx: Transaction) -> None:
    """Wait until no other batch writes cycles, entitlements, deliveries or returns.

    Taken before the first row is read or written: what this batch then sees is committed.
    """
    await (await tx.raw()).execute(_LOCK)


async def recompute(tx: Transaction, keys: Iterable[AidKey]) -> None:
    """Compute the tallies of these (family, program) pairs anew, after their rows are in.

    The caller has begun with ``hold``.
    """
    pairs = sorted(set(keys))
    if not pairs:
        return
    connection = await tx.raw()
    families, programs = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    await connection.execute(_GONE, families, programs)
    await connection.execute(_INSERT, families, programs)


async def recompute_all(tx: Transaction) -> None:
    """Compute every tally anew, after ``hold``; 20 s for 2.7 million entitlements on two cores."""
    connection = await tx.raw()
    await connection.execute("SET LOCAL statement_timeout = '15min'")
    await connection.execute("DELETE FROM aid_tallies")
    await connection.execute(_INSERT_ALL, timeout=CHECK_TIMEOUT_S)


async def count_differences(tx: ReadTransaction) -> int:
    """Recompute every tally and count the rows that differ, bit for bit; 0 is right."""
    connection = await tx.raw()
    # Half a minute for 2.7 million entitlements on two cores; other queries keep their limit.
    await connection.execute("SET LOCAL statement_timeout = '15min'")
    return int(await connection.fetchval(_DIFFERENCES, timeout=CHECK_TIMEOUT_S))
