"""The present value of a registry indicator, computed from the projections."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from services.indicators.actions import reach
from services.indicators.domain.contributions import matrix
from services.indicators.domain.reach import Reach, reach_of
from services.indicators.domain.suppression import reveals
from services.indicators.domain.targeting import tally
from services.indicators.storage import contributions, coverage, sources, unreached
from services.shared.auth import Scope
from services.shared.db import ReadTransaction

CONTRIBUTIONS: Final = frozenset({"KELUARGA_BERHAK", "KELUARGA_TERSENTUH", "NILAI_DISERAHKAN"})
TARGETING: Final = frozenset({"CAKUPAN_SASARAN", "GALAT_EKSKLUSI", "GALAT_INKLUSI"})
UNREACHED: Final = "BELUM_TERSENTUH"


@dataclass(frozen=True, slots=True)
class Value:
    """A value; ``small`` when the families behind it could be found out by it."""

    value: Decimal | None
    small: bool


async def present(
    tx: ReadTransaction,
    code: str,
    *,
    region: str,
    year: int,
    window_months: int,
    desil_max: int,
) -> Value:
    """Return the value of an indicator with origin registry, sensitive programs left out.

    Families reached by nobody are known for the present year alone; null for another.
    """
    patterns = Scope((region,)).like_patterns()
    if code in CONTRIBUTIONS:
        return await _contribution(tx, code, year, patterns)
    if code in TARGETING:
        return await _targeting(tx, code, year, patterns, desil_max)
    if code == UNREACHED:
        return await _unreached(tx, year, patterns, window_months, desil_max)
    raise LookupError(code)


async def data_as_of(tx: ReadTransaction) -> datetime | None:
    """Return the data date of a figure: the producer that told least recently; null if one never.

    A figure is no younger than its oldest part.
    """
    newest: dict[str, datetime] = {}
    for topic, at in (await sources.last_data_at(tx)).items():
        newest[topic.producer] = max(at, newest.get(topic.producer, at))
    needed = ("registry", "programs", "distribution")
    return min(newest[name] for name in needed) if newest.keys() >= set(needed) else None


async def _contribution(tx: ReadTransaction, code: str, year: int, patterns: list[str]) -> Value:
    table = matrix(
        await contributions.masks(tx, year, patterns),
        await contributions.values(tx, year, patterns),
    )
    total = table.total
    number = {
        "KELUARGA_BERHAK": total.families_entitled,
        "KELUARGA_TERSENTUH": total.families_reached,
        "NILAI_DISERAHKAN": total.delivered_idr,
    }[code]
    counts = (total.families_entitled if code == "KELUARGA_BERHAK" else total.families_reached,)
    return Value(Decimal(number), reveals(counts))


async def _targeting(
    tx: ReadTransaction, code: str, year: int, patterns: list[str], desil_max: int
) -> Value:
    groups = await coverage.groups(
        tx, year=year, patterns=patterns, program_id=None, viewer_agency=None
    )
    figures = tally(groups, desil_max)
    number = {
        "CAKUPAN_SASARAN": figures.coverage,
        "GALAT_EKSKLUSI": figures.exclusion_error,
        "GALAT_INKLUSI": figures.inclusion_error,
    }[code]
    return Value(number, reveals(figures.revealing_counts()))


async def _unreached(
    tx: ReadTransaction, year: int, patterns: list[str], window_months: int, desil_max: int
) -> Value:
    terms = await reach.terms(tx, window_months)
    if year != terms.until.year:
        return Value(None, small=False)
    villages = await unreached.by_village(
        tx, patterns=patterns, since=terms.since, until=terms.until, desil_max=desil_max
    )
    known = [v for v in villages if reach_of(v.region_code, terms.blind) is Reach.NOT_REACHED]
    if villages and not known:
        return Value(None, small=False)
    count, target = sum(v.unreached for v in known), sum(v.target for v in known)
    return Value(Decimal(count), reveals((count, target, target - count)))
