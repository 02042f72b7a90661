"""On what terms "reached" is said: the window, and which sources are silent."""

from dataclasses import dataclass
from datetime import date

from services.indicators.domain.reach import SourceState, blind_regions, judge, window_start
from services.indicators.storage import sources
from services.shared import clock
from services.shared.db import ReadTransaction
from services.shared.position import as_of

PRODUCER = "distribution"


@dataclass(frozen=True, slots=True)
class Terms:
    """Handovers from ``since`` to ``until`` reach; in ``blind`` regions nobody can know."""

    since: date
    until: date
    states: tuple[SourceState, ...]
    blind: tuple[str, ...]


async def terms(tx: ReadTransaction, window_months: int) -> Terms:
    """Return the terms of now."""
    today = clock.local(tx.now).date()
    expected = await sources.expected(tx, today.year)
    states = tuple(judge(source, last, tx.now) for source, last in expected)
    spoken = {topic.producer for topic in await sources.last_data_at(tx)}
    # Null before the stream was read through and during a rebuild: deliveries are still missing.
    caught_up = (await as_of(tx)).get(PRODUCER) is not None
    told = caught_up and PRODUCER in spoken
    blind = blind_regions(states, distribution_told=told)
    return Terms(window_start(today, window_months), today, states, blind)
