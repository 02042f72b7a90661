"""Say who is expected to report, and how old the newest word may be."""

from services.indicators.domain.errors import ReasonMissing
from services.indicators.domain.reach import ExpectedSource, Topic
from services.indicators.storage import sources
from services.shared.db import Transaction


async def expect_source(
    tx: Transaction, source: ExpectedSource, *, active: bool, reason: str | None, actor: str
) -> int:
    """Append a revision of an expected source; a change needs a reason. Return its number."""
    revision = await sources.next_revision(tx, source.year, source.code)
    if revision > 1 and reason is None:
        raise ReasonMissing(year=source.year)
    sources.add_expected(
        tx, source, revision=revision, active=active, reason=reason, recorded_by=actor
    )
    tx.audit(
        "expected_sources.record",
        f"{source.year}/{source.code}",
        {"revision": revision, "active": active, "reason": reason},
        actor,
    )
    await tx.flush()
    await sources.touch(tx, Topic.SOURCES, tx.now)
    return revision
