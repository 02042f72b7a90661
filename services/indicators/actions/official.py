"""Record official statistics: a file whole or not at all, corrections as new entries."""

from services.indicators.domain import official as rules
from services.indicators.domain.official import Plan
from services.indicators.domain.reach import Topic
from services.indicators.storage import official, sources
from services.shared.db import Transaction


async def import_statistics(tx: Transaction, text: str, *, reason: str | None, actor: str) -> Plan:
    """Record the figures of a CSV. Raise ``RowsRefused`` when any row cannot be taken."""
    figures = rules.read_csv(text)
    known = await official.known(tx, [figure for _, figure in figures])
    plan = rules.plan(figures, known, reason)
    official.add(tx, plan.entries, reason=reason, actor=actor)
    corrections = [entry for entry in plan.entries if entry.revision > 1]
    tx.audit(
        "official_statistics.import",
        "official_statistics",
        {
            "new": len(plan.entries) - len(corrections),
            "corrected": ["/".join(entry.figure.key) for entry in corrections],
            "unchanged": plan.unchanged,
            "reason": reason,
        },
        actor,
    )
    if plan.entries:
        await tx.flush()
        await sources.touch(tx, Topic.OFFICIAL, tx.now)
    return plan
