"""What a batch of residents changes: pure decisions over what is known and what the rows say.

Storage loads the known side in bulk and writes the plan in bulk; nothing here fetches. Rules:

- A KK number means its family in the row's region. Held by a family elsewhere, it is claimed
  again as disputed: a village's file cannot take a family out of another village.
- A NIK means its person when they already are in the row's family, or when name and birth date
  agree and the move stays inside the region. Anything else is a second claim, queued as disputed.
- Unknown never erases: an empty cell leaves what is known. Absence from a file ends nothing.
- A file older than a membership or an address does not change it.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date
from uuid import UUID

from services.registry.domain.conditions import Snapshot, with_newest
from services.registry.domain.merge_plan import (
    DISPUTED,
    HELD,
    IndexedRow,
    Joining,
    Known,
    KnownFamily,
    KnownPerson,
    NewFamily,
    NewPerson,
    PersonChange,
    Plan,
)
from services.registry.domain.names import name_key, same_name
from services.registry.domain.residents import LeftOut, ResidentBatch, ResidentRow


def plan_residents(
    rows: Iterable[IndexedRow],
    known: Known,
    batch: ResidentBatch,
    *,
    source: str,
    new_id: Callable[[], UUID],
    placed: set[UUID],
) -> Plan:
    """Decide what ``rows`` (whole families, any order) change against ``known``.

    ``placed`` collects the persons whom this batch has placed, over all its parts.
    """
    return _Planner(known, batch, source, new_id, placed).run(rows)


class _Planner:
    """One run. It also keeps what the batch itself adds, so that rows see each other."""

    def __init__(
        self,
        known: Known,
        batch: ResidentBatch,
        source: str,
        new_id: Callable[[], UUID],
        placed: set[UUID],
    ) -> None:
        self.known = known
        self.batch = batch
        self.source = source
        self.new_id = new_id
        self.plan = Plan()
        self.placed = placed
        self.members: dict[UUID, list[KnownPerson]] = defaultdict(list)
        for person in known.persons.values():
            if person.place is not None:
                self.members[person.place.family_id].append(person)

    def run(self, rows: Iterable[IndexedRow]) -> Plan:
        families: dict[tuple[bytes, str], list[IndexedRow]] = {}
        for row in rows:
            key = row.kk_index or row.nik_index
            if key is None:
                self.plan.left_out.append(LeftOut(row.row.line, "no_identifier"))
            else:
                families.setdefault((key, row.row.region_code), []).append(row)
        for members in families.values():
            self._family(members)
        self.plan.unchanged_families -= self.plan.touched
        return self.plan

    def _family(self, rows: list[IndexedRow]) -> None:
        family_id = self._family_id(rows[0])
        seen_numbers: set[bytes] = set()
        for row in rows:
            if row.nik_index is not None and row.nik_index in seen_numbers:
                self.plan.left_out.append(LeftOut(row.row.line, "duplicate_in_batch"))
                continue
            if row.nik_index is not None:
                seen_numbers.add(row.nik_index)
            person = self._match(row, family_id)
            if person is None:
                person_id = self._add(row, family_id)
            else:
                person_id = self._update(row, family_id, person)
            self.placed.add(person_id)
            self.plan.lines[row.row.line] = (person_id, family_id)

    def _family_id(self, row: IndexedRow) -> UUID:
        """Find the rows' family, or plan it; note a changed address."""
        resident = row.row
        claims = self.known.kk_claims.setdefault(row.kk_index, []) if row.kk_index else []
        own = None if row.kk_index else self._own_family(row)
        if own is not None:
            self.plan.unchanged_families.add(own)
            return own
        for family_id in claims:
            family = self.known.families[family_id]
            if family.region_code == resident.region_code:
                return self._known_family(family, resident)
        claim = None if row.kk_index is None else (DISPUTED if claims else HELD)
        new = NewFamily(
            self.new_id(),
            self.new_id(),
            resident.region_code,
            resident.address,
            resident.rt,
            resident.rw,
            resident.kk_number,
            row.kk_index,
            claim,
        )
        self.plan.disputed += claim == DISPUTED
        self.plan.new_families.append(new)
        self.plan.touched.add(new.id)
        self.known.families[new.id] = KnownFamily(
            new.id, new.region_code, new.address, new.rt, new.rw, self.batch.observed_on
        )
        claims.append(new.id)
        return new.id

    def _own_family(self, row: IndexedRow) -> UUID | None:
        """Without a card number in the row, the person's own family is meant."""
        claims = self.known.nik_claims.get(row.nik_index or b"", [])
        claimants = [self.known.persons[one] for one in claims if one not in self.placed]
        for fits in (_is, _may_be):
            for one in claimants:
                if (
                    one.place
                    and one.place.region_code == row.row.region_code
                    and fits(one, row.row)
                ):
                    return one.place.family_id
        return None

    def _known_family(self, family: KnownFamily, resident: ResidentRow) -> UUID:
        after = replace(
            family,
            address=resident.address or family.address,
            rt=resident.rt or family.rt,
            rw=resident.rw or family.rw,
        )
        # An older file does not overrule what was learnt since.
        if after == family or family.since > self.batch.observed_on:
            self.plan.unchanged_families.add(family.id)
        else:
            self.known.families[family.id] = after
            self.plan.changed_families.append(after)
            self.plan.touched.add(family.id)
        return family.id

    def _match(self, row: IndexedRow, family_id: UUID) -> KnownPerson | None:
        """Find the row's person, or None when it is someone new (perhaps with a disputed NIK).

        A person whom this batch has placed is not taken again: the second row is a dispute.
        """
        claims = self.known.nik_claims.get(row.nik_index or b"", [])
        claimants = [self.known.persons[one] for one in claims if one not in self.placed]
        here = [one for one in claimants if one.place and one.place.family_id == family_id]
        # Who fits wholly comes first: another row may have been corrected towards this one.
        for fits in (_is, _may_be):
            for person in here:
                if fits(person, row.row):
                    return person
        for person in claimants:
            if _may_move(person, row.row):
                return person
        if claims:
            return None
        for person in self.members[family_id]:
            # A NIK learnt later belongs to the member who had none; another's never does.
            free = person.id not in self.placed and (not person.has_nik or row.nik_index is None)
            if free and _is(person, row.row):
                return person
        return None

    def _add(self, row: IndexedRow, family_id: UUID) -> UUID:
        claim = None
        person_id = self.new_id()
        if row.nik_index is not None:
            claims = self.known.nik_claims.setdefault(row.nik_index, [])
            claim = DISPUTED if claims else HELD
            claims.append(person_id)
            self.plan.disputed += claim == DISPUTED
        snapshot = self._snapshot(row.row)
        conditions = () if snapshot is None else (snapshot,)
        self.plan.new_persons.append(
            NewPerson(person_id, row.row, row.nik_index, claim, conditions)
        )
        if snapshot is not None:
            self.plan.snapshots.append((person_id, snapshot))
        self.plan.identities.add(person_id)
        self.plan.joinings.append(
            Joining(person_id, family_id, row.row.relation, row.row.presence, None)
        )
        self.plan.touched.add(family_id)
        return person_id

    def _update(self, row: IndexedRow, family_id: UUID, person: KnownPerson) -> UUID:
        resident = row.row
        learns_nik = row.nik_index is not None and not person.has_nik
        after = replace(
            person,
            name=resident.name,
            birth_date=resident.birth_date or person.birth_date,
            sex=resident.sex or person.sex,
            has_nik=person.has_nik or learns_nik,
            marital=_known_or(resident.marital, person.marital),
            education=_known_or(resident.education, person.education),
            occupation=_known_or(resident.occupation, person.occupation),
            conditions=self._conditions(person, resident),
        )
        moved = self._place(resident, family_id, person)
        if after == person and not moved:
            self.plan.unchanged_persons += 1
            return person.id
        # A changed family is a changed identity: the event names the family and its KK number.
        other_family = moved and (person.place is None or person.place.family_id != family_id)
        renamed = _identity(after) != _identity(person)
        change = PersonChange(after, identity_changed=other_family or renamed or learns_nik)
        if learns_nik and row.nik_index is not None:
            change = replace(change, nik=resident.nik, nik_index=row.nik_index)
            self.known.nik_claims.setdefault(row.nik_index, []).append(person.id)
        if change.identity_changed:
            self.plan.identities.add(person.id)
        self.plan.changed_persons.append(change)
        self.plan.touched.add(family_id)
        return person.id

    def _place(self, row: ResidentRow, family_id: UUID, person: KnownPerson) -> bool:
        """Plan a new membership when family, relation or presence changed; say whether."""
        place = person.place
        relation = _known_or(row.relation, place.relation if place else None)
        presence = _known_or(row.presence, place.presence if place else None)
        if place is not None:
            here = (place.family_id, place.relation, place.presence)
            older_news = place.since > self.batch.observed_on
            if older_news or here == (family_id, relation, presence):
                return False
            self.plan.touched.add(place.family_id)
        self.plan.joinings.append(Joining(person.id, family_id, relation, presence, place))
        self.plan.touched.add(family_id)
        return True

    def _snapshot(self, row: ResidentRow) -> Snapshot | None:
        if not row.condition:
            return None
        batch = self.batch
        return Snapshot(
            batch.scheme, batch.version, self.source, batch.observed_on, dict(row.condition)
        )

    def _conditions(self, person: KnownPerson, row: ResidentRow) -> tuple[Snapshot, ...]:
        snapshot = self._snapshot(row)
        if snapshot is None or not is_news(self.known.recorded, person.id, snapshot):
            return person.conditions
        self.plan.snapshots.append((person.id, snapshot))
        return with_newest(person.conditions, snapshot)


def is_news(
    recorded: Mapping[tuple[UUID, date], Mapping[str, int]], subject_id: UUID, snapshot: Snapshot
) -> bool:
    """Tell whether the same answers are not yet on record for that day."""
    return recorded.get((subject_id, snapshot.observed_on)) != snapshot.answers


def _may_be(person: KnownPerson, row: ResidentRow) -> bool:
    """Same NIK and same family: one of name and birth date may have been corrected, not both."""
    return same_name(person.name, row.name) or (
        row.birth_date is not None and person.birth_date == row.birth_date
    )


def _may_move(person: KnownPerson, row: ResidentRow) -> bool:
    inside = person.place is None or person.place.region_code == row.region_code
    return inside and same_name(person.name, row.name) and person.birth_date == row.birth_date


def _is(person: KnownPerson, row: ResidentRow) -> bool:
    """Without a NIK, name and birth date must both agree; an unknown date agrees with any."""
    dates_agree = None in (person.birth_date, row.birth_date) or person.birth_date == row.birth_date
    return dates_agree and name_key(person.name) == name_key(row.name)


def _identity(person: KnownPerson) -> tuple[str, date | None, str | None]:
    return person.name, person.birth_date, person.sex


def _known_or(new: int | None, old: int | None) -> int | None:
    return old if new is None else new
