"""What every worker measures of its service's tables for Prometheus.

Each replica measures by itself, so none goes on showing what was true when it last had the lock.
"""

from prometheus_client import Gauge

from services.shared.db import Database

LANES = ("interactive", "bulk")
OUTBOX_AGE = Gauge(
    "betang_outbox_age_seconds", "Age of the oldest unpublished event", ("service", "lane")
)
OUTBOX_DEPTH = Gauge("betang_outbox_unpublished", "Unpublished events", ("service", "lane"))
AUDIT_AGE = Gauge(
    "betang_audit_unsealed_seconds", "Age of the oldest audit entry outside the chain", ("service",)
)
AUDIT_ROOT_AGE = Gauge(
    "betang_audit_root_age_seconds",
    "Time since the head of the audit chain was signed; 0 while the chain is empty",
    ("service",),
)

_OUTBOX = """
SELECT lanes.name AS lane, count(outbox.sequence) AS depth,
       coalesce(extract(epoch FROM now() - min(occurred_at)), 0)::float AS age
FROM unnest($1::text[]) AS lanes (name)
LEFT JOIN outbox ON lane = lanes.name AND published_at IS NULL AND NOT superseded
GROUP BY lanes.name
"""
_AUDIT = """
SELECT (SELECT coalesce(extract(epoch FROM now() - min(occurred_at)), 0)::float
        FROM audit_queue JOIN audit_entries ON id = entry_id) AS unsealed,
       coalesce(extract(epoch FROM now() - coalesce(
           (SELECT max(signed_at) FROM audit_roots),
           (SELECT min(sealed_at) FROM audit_chain WHERE index = 1))), 0)::float AS root
"""


async def measure(db: Database) -> None:
    """Show how much of each lane waits and for how long, and how far audit is behind."""
    for row in await db.pool.fetch(_OUTBOX, LANES):
        OUTBOX_DEPTH.labels(db.service, row["lane"]).set(row["depth"])
        OUTBOX_AGE.labels(db.service, row["lane"]).set(row["age"])
    [audit] = await db.pool.fetch(_AUDIT)
    AUDIT_AGE.labels(db.service).set(audit["unsealed"])
    AUDIT_ROOT_AGE.labels(db.service).set(audit["root"])
