"""Targets as a planning document (RPJMD) states them, with the place where it says so."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from services.indicators.domain.errors import ReasonMissing


@dataclass(frozen=True, slots=True)
class Target:
    """One year's target. ``document`` names it (RPJMD 2025-2029), the source says where it is."""

    indicator_code: str
    region_code: str
    document: str
    document_source: str
    year: int
    value: Decimal
    unit: str


@dataclass(frozen=True, slots=True)
class KnownTarget:
    """The newest recorded revision of a year's target."""

    revision: int
    value: Decimal
    unit: str
    document_source: str


def plan(
    targets: Iterable[Target], known: Mapping[int, KnownTarget], reason: str | None
) -> list[tuple[Target, int]]:
    """Return the (target, revision) entries to append; raise ``ReasonMissing`` on a silent change.

    ``known`` holds the same document's targets by year.
    """
    entries: list[tuple[Target, int]] = []
    for target in targets:
        before = known.get(target.year)
        if before is None:
            entries.append((target, 1))
            continue
        same = (target.value, target.unit, target.document_source)
        if same == (before.value, before.unit, before.document_source):
            continue
        if reason is None:
            raise ReasonMissing(year=target.year)
        entries.append((target, before.revision + 1))
    return entries
