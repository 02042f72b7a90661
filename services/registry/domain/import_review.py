"""What an import would change, row by row, for the person who reviews it.

The merge's own plan is made against what the registry knows now and read, not applied: the review
and the merge can never disagree about the rules. A fingerprint of the known side tells at merge
time whether a row was reviewed against something that has changed since.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.registry.domain.conditions import Snapshot
from services.registry.domain.imports import Verdict
from services.registry.domain.merge_plan import (
    DISPUTED,
    IndexedRow,
    Known,
    KnownFamily,
    KnownPerson,
    Plan,
)
from services.registry.domain.merging import plan_residents
from services.registry.domain.residents import ResidentBatch
from services.registry.domain.welfare import (
    IndexedWelfareRow,
    KnownWelfare,
    RankedFamily,
    find_family,
    plan_welfare,
)

PERSON_FIELDS = {
    "name": "nama",
    "birth_date": "tanggallahir",
    "sex": "sex",
    "marital": "status_kawin",
    "education": "pendidikan_kk_id",
    "occupation": "pekerjaan_id",
}
FAMILY_FIELDS = {"address": "alamat", "rt": "rt", "rw": "rw"}


@dataclass(frozen=True, slots=True)
class Review:
    """The verdict on one row. ``changed`` names columns, ``findings`` are [column, code]."""

    verdict: Verdict
    changed: tuple[str, ...]
    fingerprint: bytes
    findings: tuple[tuple[str, str], ...] = ()


def review_residents(
    rows: Sequence[IndexedRow],
    known: Known,
    batch: ResidentBatch,
    *,
    source: str,
    new_id: Callable[[], UUID],
) -> tuple[dict[int, Review], Plan]:
    """Return the review of each row by its line, and the plan it read. ``known`` is used up."""
    persons, families = dict(known.persons), dict(known.families)
    plan = plan_residents(rows, known, batch, source=source, new_id=new_id, placed=set())
    changes = _PlannedChanges(plan, persons, families, source)
    return {row.row.line: changes.review(row.row.line) for row in rows}, plan


class _PlannedChanges:
    """Looks up in a plan what it does to one line."""

    def __init__(
        self,
        plan: Plan,
        persons: Mapping[UUID, KnownPerson],
        families: Mapping[UUID, KnownFamily],
        source: str,
    ) -> None:
        self._lines = plan.lines
        self._persons, self._families, self._source = persons, families, source
        self._new = {person.id: person for person in plan.new_persons}
        self._new_families = {family.id: family for family in plan.new_families}
        self._changed = {change.person.id: change for change in plan.changed_persons}
        self._joined = {joining.person_id: joining for joining in plan.joinings}
        self._moved = {family.id: family for family in plan.changed_families}

    def review(self, line: int) -> Review:
        placed = self._lines.get(line)
        if placed is None:
            return Review(Verdict.REJECTED, (), b"", (("nik", "nik_twice_in_family"),))
        person_id, family_id = placed
        before = self._persons.get(person_id)
        mark = fingerprint(before, self._families.get(family_id))
        disputes = self._disputes(person_id, family_id)
        if before is None:
            return Review(Verdict.NEW, (), mark, disputes)
        changed = (*self._person(before), *self._place(before, family_id), *self._family(family_id))
        verdict = Verdict.CHANGED if changed else Verdict.UNCHANGED
        return Review(verdict, changed, mark, disputes)

    def _disputes(self, person_id: UUID, family_id: UUID) -> tuple[tuple[str, str], ...]:
        found = []
        person, family = self._new.get(person_id), self._new_families.get(family_id)
        if person is not None and person.claim == DISPUTED:
            found.append(("nik", "nik_held_elsewhere"))
        if family is not None and family.claim == DISPUTED:
            found.append(("no_kk", "kk_in_other_village"))
        return tuple(found)

    def _person(self, before: KnownPerson) -> list[str]:
        change = self._changed.get(before.id)
        if change is None:
            return []
        after = change.person
        changed = [
            column
            for name, column in PERSON_FIELDS.items()
            if getattr(before, name) != getattr(after, name)
        ]
        if change.nik is not None:
            changed.append("nik")
        # The same answers seen on a later day are no change that a person must look at.
        if _answers(before.conditions, self._source) != _answers(after.conditions, self._source):
            changed.append("kondisi")
        return changed

    def _place(self, before: KnownPerson, family_id: UUID) -> list[str]:
        joining, place = self._joined.get(before.id), before.place
        if joining is None:
            return []
        if place is None or place.family_id != family_id:
            return ["no_kk"]
        moved = [
            ("kk_level", joining.relation != place.relation),
            ("status_dasar", joining.presence != place.presence),
        ]
        return [column for column, differs in moved if differs]

    def _family(self, family_id: UUID) -> list[str]:
        before, after = self._families.get(family_id), self._moved.get(family_id)
        if before is None or after is None:
            return []
        return [
            column
            for name, column in FAMILY_FIELDS.items()
            if getattr(before, name) != getattr(after, name)
        ]


@dataclass(frozen=True, slots=True)
class _WelfareNews:
    """Whom a plan gives a new rank, new housing answers, new personal answers."""

    ranked: set[UUID]
    housed: set[UUID]
    rated: set[UUID]


def review_welfare(
    families: Sequence[tuple[IndexedWelfareRow, Sequence[tuple[int, bytes | None]]]],
    known: KnownWelfare,
) -> dict[int, Review]:
    """Return the review of each row by its line.

    Each family comes with (line, NIK index) of its rows in the file.
    """
    plan = plan_welfare([family for family, _ in families], known)
    news = _WelfareNews(
        ranked={family_id for family_id, _, _ in plan.ranks},
        housed={family_id for family_id, _ in plan.family_snapshots},
        rated=set(plan.persons),
    )
    reviews: dict[int, Review] = {}
    for indexed, lines in families:
        family = find_family(indexed, known)
        for line, nik_index in lines:
            reviews[line] = (
                Review(Verdict.REJECTED, (), b"", (("no_kk", "family_not_registered"),))
                if family is None
                else _review_member(family, nik_index, known, news)
            )
    return reviews


def _review_member(
    family: RankedFamily, nik_index: bytes | None, known: KnownWelfare, news: _WelfareNews
) -> Review:
    claimants = known.nik_claims.get(nik_index, []) if nik_index is not None else []
    changed = [
        *(["desil_nasional"] if family.id in news.ranked else []),
        *(["perumahan"] if family.id in news.housed else []),
        *(["kondisi"] if any(one in news.rated for one in claimants) else []),
    ]
    unknown = nik_index is not None and not claimants
    return Review(
        Verdict.CHANGED if changed else Verdict.UNCHANGED,
        tuple(changed),
        fingerprint(family, *(known.persons[one] for one in claimants)),
        (("nik", "member_not_registered"),) if unknown else (),
    )


def fingerprint(*known: object) -> bytes:
    """Return a short digest of what the registry knew when the row was reviewed."""
    return hashlib.sha256(repr(known).encode()).digest()[:16]


def _answers(held: Sequence[Snapshot], source: str) -> Mapping[str, int]:
    return next((one.answers for one in held if one.source == source), {})
