"""What the worker tells Prometheus of the imports on their way."""

from prometheus_client import Gauge

from services.registry.domain.imports import STAGES
from services.registry.storage import imports
from services.shared.db import Database

IMPORTS = Gauge("betang_imports", "Imports in a stage", ("stage",))
IMPORTS_AGE = Gauge(
    "betang_imports_oldest_seconds",
    "How long the first import of a stage has been in it",
    ("stage",),
)


async def measure(db: Database) -> None:
    """Show how many imports each stage holds, and how long the first has been there."""
    async with db.reading() as tx:
        standing = await imports.standing(tx)
        now = tx.now
    for stage in STAGES:
        number, since = standing.get(stage, (0, now))
        IMPORTS.labels(stage).set(number)
        IMPORTS_AGE.labels(stage).set((now - since).total_seconds())
