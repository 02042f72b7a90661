"""Whatever the files say: nobody is lost, one family at a time, the same file twice is silent."""

from collections import Counter
from datetime import date
from uuid import UUID, uuid4

from hypothesis import given, settings
from hypothesis import strategies as st

from services.registry.domain.merge_plan import (
    HELD,
    IndexedRow,
    Known,
    KnownFamily,
    KnownPerson,
    Place,
    Plan,
)
from services.registry.domain.merging import plan_residents
from services.registry.domain.residents import ResidentRow
from tests.support.residents import BAPEANG, OBSERVED, PELANGSIAN, a_batch, a_resident

ROWS = st.builds(
    a_resident,
    number=st.integers(1, 5),
    family=st.integers(1, 4) | st.none(),
    name=st.sampled_from(["Bawi Ngandi", "Tambi Lamiang"]),
    birth_date=st.sampled_from([date(1990, 7, 1), date(1991, 7, 1)]),
    region_code=st.sampled_from([PELANGSIAN, BAPEANG]),
    relation=st.integers(1, 8),
)
FILES = st.lists(st.lists(ROWS, min_size=1, max_size=8), min_size=1, max_size=4)


class Register:
    """The least that a database does with plans: rows by id, claims, one open place each."""

    def __init__(self) -> None:
        self.known = Known()
        self.held: set[tuple[str, bytes]] = set()

    def merge(self, rows: list[ResidentRow], day: date) -> Plan:
        indexed = [
            IndexedRow(
                row,
                row.nik.encode() if row.nik else None,
                row.kk_number.encode() if row.kk_number else None,
            )
            for row in rows
        ]
        known = Known(
            dict(self.known.families),
            dict(self.known.persons),
            {key: list(ids) for key, ids in self.known.kk_claims.items()},
            {key: list(ids) for key, ids in self.known.nik_claims.items()},
        )
        batch = a_batch(*rows, observed_on=day)
        plan = plan_residents(indexed, known, batch, source="x", new_id=uuid4, placed=set())
        self.apply(plan, day)
        return plan

    def apply(self, plan: Plan, day: date) -> None:
        for family in plan.new_families:
            self.known.families[family.id] = KnownFamily(
                family.id, family.region_code, family.address, family.rt, family.rw, day
            )
            if family.kk_index:
                self.known.kk_claims.setdefault(family.kk_index, []).append(family.id)
                self.hold("kk", family.kk_index, family.claim)
        for person in plan.new_persons:
            row = person.row
            self.known.persons[person.id] = KnownPerson(
                person.id, row.name, row.birth_date, row.sex, person.nik_index is not None,
                row.marital, row.education, row.occupation, person.conditions, None,
            )  # fmt: skip
            if person.nik_index:
                self.known.nik_claims.setdefault(person.nik_index, []).append(person.id)
                self.hold("nik", person.nik_index, person.claim)
        for change in plan.changed_persons:
            place = self.known.persons[change.person.id].place
            self.known.persons[change.person.id] = replace_place(change.person, place)
        opened = Counter(joining.person_id for joining in plan.joinings)
        assert set(opened.values()) <= {1}, "a person was placed twice by one file"
        for joining in plan.joinings:
            person = self.known.persons[joining.person_id]
            assert joining.previous == person.place, "the membership before was overlooked"
            region = self.known.families[joining.family_id].region_code
            self.known.persons[person.id] = replace_place(
                person,
                Place(uuid4(), joining.family_id, region, joining.relation, joining.presence, day),
            )

    def hold(self, kind: str, index: bytes, claim: str | None) -> None:
        if claim == HELD:
            assert (kind, index) not in self.held, "two hold one number"
            self.held.add((kind, index))


def replace_place(person: KnownPerson, place: Place | None) -> KnownPerson:
    return KnownPerson(
        person.id, person.name, person.birth_date, person.sex, person.has_nik, person.marital,
        person.education, person.occupation, person.conditions, place,
    )  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(FILES)
def test_no_sequence_of_files_loses_anybody_or_lets_two_hold_one_number(files):
    register = Register()
    for number, rows in enumerate(files):
        plan = register.merge(rows, OBSERVED.replace(day=number + 1))
        counted = len(plan.new_persons) + len(plan.left_out) + plan.unchanged_persons
        assert counted + len(plan.changed_persons) == len(rows)
    assert all(person.place is not None for person in register.known.persons.values())
    claimed = {index for kind, index in register.held if kind == "nik"}
    assert claimed == set(register.known.nik_claims)


@settings(max_examples=300, deadline=None)
@given(FILES)
def test_the_last_file_again_changes_nothing(files):
    register = Register()
    for number, rows in enumerate(files):
        register.merge(rows, OBSERVED.replace(day=number + 1))
    again = register.merge(files[-1], OBSERVED.replace(day=len(files)))
    assert (again.new_persons, again.new_families) == ([], [])
    assert (again.joinings, again.touched) == ([], set())


def families_of(register: Register, number: int) -> set[UUID]:
    index = a_resident(number).nik.encode()
    return {
        person.place.family_id
        for person_id in register.known.nik_claims.get(index, [])
        if (person := register.known.persons[person_id]).place is not None
    }


@settings(max_examples=100, deadline=None)
@given(st.lists(ROWS.filter(lambda row: row.region_code == BAPEANG), max_size=8))
def test_a_foreign_villages_file_takes_nobody_out_of_a_village(rows):
    register = Register()
    own = [a_resident(n, n % 2 + 1, name="Bawi Ngandi") for n in range(1, 6)]
    register.merge(own, OBSERVED)
    homes = {n: families_of(register, n) for n in range(1, 6)}
    register.merge(rows, OBSERVED.replace(day=2))
    assert all(homes[n] <= families_of(register, n) for n in homes)
