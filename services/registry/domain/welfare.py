"""What a national list (DTSEN) changes: ranks and conditions of those whom the registry has.

It never invents a family or a person: who is not found is reported back by line.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from services.registry.domain.conditions import Snapshot, with_newest
from services.registry.domain.merging import is_news
from services.registry.domain.ranks import Rank, with_rank
from services.registry.domain.residents import LeftOut, WelfareRow


@dataclass(frozen=True, slots=True)
class IndexedWelfareRow:
    """A row with the keyed indexes of its numbers, members in the row's order."""

    row: WelfareRow
    kk_index: bytes
    nik_indexes: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class RankedFamily:
    """The part of a family that a national list speaks of."""

    id: UUID
    region_code: str
    ranks: tuple[Rank, ...]
    dwelling: tuple[Snapshot, ...]


@dataclass(frozen=True, slots=True)
class RatedPerson:
    """The part of a person that a national list speaks of."""

    id: UUID
    family_id: UUID | None
    conditions: tuple[Snapshot, ...]


Recorded = Mapping[tuple[UUID, date], Mapping[str, int]]
"""Answers on record of one source, by subject and day."""


@dataclass(slots=True)
class KnownWelfare:
    """The registry's side. Claimants stand with the holder first."""

    families: dict[UUID, RankedFamily] = field(default_factory=dict)
    persons: dict[UUID, RatedPerson] = field(default_factory=dict)
    kk_claims: dict[bytes, list[UUID]] = field(default_factory=dict)
    nik_claims: dict[bytes, list[UUID]] = field(default_factory=dict)
    ranks: Mapping[tuple[UUID, str], Rank] = field(default_factory=dict)
    """The rank on record of the batch's source, by family and period."""
    dwellings: Recorded = field(default_factory=dict)
    conditions: Recorded = field(default_factory=dict)


@dataclass(slots=True)
class WelfarePlan:
    """What changes. ``families`` and ``persons`` hold the values after the batch."""

    families: dict[UUID, RankedFamily] = field(default_factory=dict)
    persons: dict[UUID, RatedPerson] = field(default_factory=dict)
    ranks: list[tuple[UUID, Rank, str]] = field(default_factory=list)
    family_snapshots: list[tuple[UUID, Snapshot]] = field(default_factory=list)
    person_snapshots: list[tuple[UUID, Snapshot]] = field(default_factory=list)
    seen_families: set[UUID] = field(default_factory=set)
    seen_persons: set[UUID] = field(default_factory=set)
    touched: set[UUID] = field(default_factory=set)
    left_out: list[LeftOut] = field(default_factory=list)


def plan_welfare(rows: Iterable[IndexedWelfareRow], known: KnownWelfare) -> WelfarePlan:
    """Decide what ``rows`` of one source change against ``known``."""
    plan = WelfarePlan()
    for indexed in rows:
        family = find_family(indexed, known)
        if family is None:
            plan.left_out.append(LeftOut(indexed.row.line, "family_not_found"))
        elif family.id in plan.seen_families:
            plan.left_out.append(LeftOut(indexed.row.line, "duplicate_in_batch"))
        else:
            plan.seen_families.add(family.id)
            _rate_family(indexed.row, family, known, plan)
        _rate_members(indexed, family, known, plan)
    return plan


def find_family(indexed: IndexedWelfareRow, known: KnownWelfare) -> RankedFamily | None:
    """Choose the claimant in the row's region, else the holder of the number."""
    claimants = [known.families[one] for one in known.kk_claims.get(indexed.kk_index, [])]
    in_region = [one for one in claimants if one.region_code == indexed.row.region_code]
    return next(iter(in_region or claimants), None)


def _rate_family(
    row: WelfareRow, family: RankedFamily, known: KnownWelfare, plan: WelfarePlan
) -> None:
    rank = Rank(
        row.period, row.source, row.desil_low, row.desil_high, row.unranked_reason, row.cut_off
    )
    ranks, dwelling = family.ranks, family.dwelling
    news = known.ranks.get((family.id, row.period)) != rank
    if news:
        plan.ranks.append((family.id, rank, row.bast_number))
        ranks = with_rank(ranks, rank)
    housing = _snapshot(row, row.housing)
    if housing is not None and is_news(known.dwellings, family.id, housing):
        plan.family_snapshots.append((family.id, housing))
        dwelling = with_newest(dwelling, housing)
        news = True
    if news:
        plan.families[family.id] = RankedFamily(family.id, family.region_code, ranks, dwelling)
        plan.touched.add(family.id)


def _rate_members(
    indexed: IndexedWelfareRow,
    family: RankedFamily | None,
    known: KnownWelfare,
    plan: WelfarePlan,
) -> None:
    for member, nik_index in zip(indexed.row.members, indexed.nik_indexes, strict=True):
        claimants = [known.persons[one] for one in known.nik_claims.get(nik_index, [])]
        at_home = [one for one in claimants if family is not None and one.family_id == family.id]
        person = next(iter(at_home or claimants), None)
        if person is None or person.id in plan.seen_persons:
            code = "person_not_found" if person is None else "duplicate_in_batch"
            plan.left_out.append(LeftOut(indexed.row.line, code))
            continue
        plan.seen_persons.add(person.id)
        snapshot = _snapshot(indexed.row, member.condition)
        if snapshot is None or not is_news(known.conditions, person.id, snapshot):
            continue
        plan.person_snapshots.append((person.id, snapshot))
        plan.persons[person.id] = RatedPerson(
            person.id, person.family_id, with_newest(person.conditions, snapshot)
        )
        if person.family_id is not None:
            plan.touched.add(person.family_id)


def _snapshot(row: WelfareRow, answers: Mapping[str, int]) -> Snapshot | None:
    if not answers:
        return None
    return Snapshot(row.scheme, row.version, row.source, row.cut_off, dict(answers))
