"""Merged families: the aid of a family that was merged away counts for its survivor."""

from typing import Final

# A chain of merges longer than ten is cut; that also ends a circle that a faulty state makes.
ROOTS_QUERY: Final = """
WITH RECURSIVE merged (family_id, root_id, depth) AS (
    SELECT family_id, survivor_id, 1 FROM families WHERE survivor_id IS NOT NULL
    UNION ALL
    SELECT m.family_id, f.survivor_id, m.depth + 1
    FROM merged AS m JOIN families AS f ON f.family_id = m.root_id
    WHERE f.survivor_id IS NOT NULL AND m.depth < 10
)
SELECT DISTINCT ON (family_id) family_id, root_id FROM merged ORDER BY family_id, depth DESC
"""

ROOTS: Final = f"WITH roots AS MATERIALIZED ({ROOTS_QUERY})"
"""The beginning of a query that joins ``roots (family_id, root_id)``."""
