"""The daily proof that tallies kept live equal those computed from scratch."""

import structlog

from services.indicators.storage import tallies
from services.shared.db import Database

log = structlog.get_logger(__name__)


async def check_tallies(db: Database) -> int:
    """Count tally rows that differ from a full recomputation; any is an alarm, not a correction."""
    async with db.reading() as tx:
        differences = await tallies.count_differences(tx)
    if differences:
        log.error("tallies_differ", rows=differences)
    return differences
