"""Merged families: the aid of a family that was merged away counts for its survivor."""

from typing import Final

DEPTH_MAX: Final = 10
"""A chain of merges longer than this is cut; it also ends a circle that a faulty state makes."""

# In front of a query as its first common table expressions: roots (family_id, root_id).
ROOTS: Final = f"""
WITH RECURSIVE merged (family_id, root_id, depth) AS (
    SELECT family_id, survivor_id, 1 FROM families WHERE survivor_id IS NOT NULL
    UNION ALL
    SELECT m.family_id, f.survivor_id, m.depth + 1
    FROM merged AS m JOIN families AS f ON f.family_id = m.root_id
    WHERE f.survivor_id IS NOT NULL AND m.depth < {DEPTH_MAX}
), roots AS MATERIALIZED (
    SELECT DISTINCT ON (family_id) family_id, root_id FROM merged ORDER BY family_id, depth DESC
)"""
