"""Record the targets of a planning document."""

from collections.abc import Sequence

from services.indicators.domain import targets as rules
from services.indicators.domain.reach import Topic
from services.indicators.domain.targets import KnownTarget, Target
from services.indicators.storage import sources, targets
from services.shared.db import Transaction


async def record_targets(
    tx: Transaction, stated: Sequence[Target], *, reason: str | None, actor: str
) -> int:
    """Append what is new or corrected of one document's targets. Return how many entries.

    All of ``stated`` share indicator, region and document. Raise ``ReasonMissing``.
    """
    first = stated[0]
    await targets.lock(tx)
    recorded = await targets.current(
        tx, indicator=first.indicator_code, region=first.region_code, document=first.document
    )
    known = {
        row.year: KnownTarget(row.revision, row.value, row.unit, row.document_source)
        for row in recorded
    }
    entries = rules.plan(stated, known, reason)
    targets.add(tx, entries, reason=reason, actor=actor)
    tx.audit(
        "targets.record",
        f"{first.indicator_code}/{first.region_code}",
        {
            "document": first.document,
            "years": [target.year for target, _ in entries],
            "reason": reason,
        },
        actor,
    )
    if entries:
        await tx.flush()
        await sources.touch(tx, Topic.TARGETS, tx.now)
    return len(entries)
