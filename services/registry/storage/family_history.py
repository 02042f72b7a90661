"""A family as it was on a day (``$3``), by what was on record at an instant (``$4``).

From the tables that keep both times. The names, numbers and birth dates of persons, and a family's
status, household and cause have no history yet: of persons the present values are given, the rest
is left out.
"""

from datetime import date, datetime
from uuid import UUID

import asyncpg

from services.shared.auth import Scope
from services.shared.db import Pool

_ON_RECORD = "recorded_at <= $4 AND (superseded_at IS NULL OR superseded_at > $4)"
# An instant is read before a lock is waited for, so two changes at once may be entered in another
# order than that of their instants. Between these, both entries look held: the later one counts.
_LAST = "ORDER BY recorded_at DESC LIMIT 1"
_THEN = f"family_id = f.id AND valid @> $3::date AND {_ON_RECORD}"


def _newest_conditions(subject: str, id_: str) -> str:
    """Return the select of each source's newest snapshot then, in the form that is cached."""
    return (
        "(SELECT coalesce(json_agg(json_build_object('scheme', c.scheme, 'version', c.version,"  # noqa: S608 - names of our own
        " 'source', c.source, 'observed_on', c.observed_on, 'answers', c.answers)"
        " ORDER BY c.observed_on, c.source), '[]')"
        f" FROM (SELECT DISTINCT ON (source) * FROM {subject}_conditions"
        f"  WHERE {subject}_id = {id_} AND observed_on <= $3 AND recorded_at <= $4"
        "  ORDER BY source, observed_on DESC, recorded_at DESC, id DESC) c)"
    )


# One statement, thus one snapshot. Who may see the family is asked of today, in the outer WHERE.
# A former member may by now be somebody else's resident, and what is known of them the word of
# another region: they are joined only if the last family that they are known in may be seen too.
_FAMILY_THEN = f"""
SELECT f.id, f.synthetic, d.id IS NOT NULL AS there, d.region_code, d.address, d.rt, d.rw,
       (SELECT kk_masked FROM family_numbers WHERE {_THEN} {_LAST}) AS kk_masked,
       (SELECT coalesce(json_agg(json_build_object('period', period, 'source', source, 'low', low,
            'high', high, 'reason', reason, 'cut_off', cut_off) ORDER BY cut_off, source), '[]')
        FROM (SELECT DISTINCT ON (period, source) * FROM ranks
              WHERE family_id = f.id AND cut_off <= $3 AND {_ON_RECORD}
              ORDER BY period, source, recorded_at DESC) r)::text AS ranks,
       {_newest_conditions("family", "f.id")}::text AS dwelling,
       (SELECT coalesce(json_agg(json_build_object(
            'person_id', m.person_id, 'elsewhere', p.id IS NULL, 'name', p.name,
            'nik_masked', p.nik_masked, 'nik_missing_reason', p.nik_missing_reason,
            'birth_date', p.birth_date, 'sex', p.sex, 'relation', m.relation,
            'presence', m.presence, 'conditions', {_newest_conditions("person", "p.id")})
            ORDER BY m.relation NULLS LAST, p.birth_date, m.person_id), '[]')
        FROM (SELECT DISTINCT ON (person_id) * FROM memberships WHERE {_THEN}
              ORDER BY person_id, recorded_at DESC) m
        LEFT JOIN persons p ON p.id = m.person_id AND
            (SELECT home.region_code LIKE ANY($2) FROM memberships last
             JOIN families home ON home.id = last.family_id
             WHERE last.person_id = m.person_id AND last.superseded_at IS NULL
             ORDER BY lower(last.valid) DESC LIMIT 1))::text AS members
FROM families f LEFT JOIN LATERAL
    (SELECT * FROM family_domiciles WHERE {_THEN} {_LAST}) d ON true
WHERE f.id = $1 AND f.region_code LIKE ANY($2)
"""  # noqa: S608 - texts of our own


async def family_then(
    pool: Pool, family_id: UUID, scope: Scope, as_of: date, known_at: datetime
) -> "asyncpg.Record | None":
    """Return one family as it was; ``there`` is false when it was not, or not yet known."""
    return await pool.fetchrow(_FAMILY_THEN, family_id, scope.like_patterns(), as_of, known_at)
