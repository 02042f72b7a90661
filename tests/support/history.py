"""One realistic year as the producers would tell it, and ways to shuffle it.

The events have causes in order; a consumer may get them in any. What is drawn is drawn with a
seed, so that a failure can be repeated.
"""

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from services.contracts.distribution import (
    CycleStateV1,
)
from services.contracts.programs import (
    BenefitV1,
    EnrolmentStateV1,
    OrganisationStateV1,
    ProgramStateV1,
    ProgramYearV1,
)
from services.contracts.registry import (
    FamilyStateV1,
    MemberV1,
    PersonIdentityV1,
)
from services.shared.events import CloudEvent, EventData, Kind
from services.shared.parking import Delivery
from tests.support.history_events import (
    YEAR,
    a_condition,
    a_cycle,
    a_delivery,
    a_rank,
    a_region,
    a_return,
    an_entitlement,
    as_delivered,
)

DISTRICT = "62.02.06"
VILLAGES = tuple(f"{DISTRICT}.{number}" for number in (2001, 2002, 2003))


@dataclass(frozen=True, slots=True)
class Told:
    """An event with the guard that its producer gave it."""

    event: EventData
    epoch: int
    version: int

    @property
    def place(self) -> tuple[str, str]:
        """What it is about: for a state, the newest of one place counts."""
        return self.event.TYPE, self.event.key

    def delivery(self, sequence: int) -> Delivery:
        """Return the message as it lies in its stream."""
        event = self.event
        state = event.KIND is Kind.STATE
        envelope = CloudEvent(
            id=f"{event.key}-{self.epoch}-{self.version}" if state else event.key,
            source=event.TYPE.split(".", 1)[0],
            type=event.TYPE,
            time=f"{YEAR}-03-01T{self.epoch:02}:{self.version:02}:00Z",
            subject=event.key,
            epoch=self.epoch if state else None,
            version=self.version if state else None,
            data=event.model_dump(mode="json"),
        )
        subject = f"{event.TYPE}.{event.key}"
        return Delivery(envelope.to_bytes(), subject, event.STREAM, sequence, 1)


@dataclass(slots=True)
class History:
    """What was told, in the order in which it happened."""

    draw: random.Random
    told: list[Told] = field(default_factory=list)
    epochs: dict[str, int] = field(default_factory=dict)
    versions: dict[tuple[str, str], int] = field(default_factory=dict)

    def new_id(self) -> UUID:
        """Return an id that the seed decides."""
        return UUID(int=self.draw.getrandbits(128), version=4)

    def tell(self, *events: EventData) -> None:
        """Tell events with their next versions."""
        for event in events:
            place = (event.TYPE, event.key)
            self.versions[place] = self.versions.get(place, 0) + 1
            producer = event.TYPE.split(".", 1)[0]
            self.told.append(Told(event, self.epochs.get(producer, 1), self.versions[place]))

    def restore(self, producer: str, again: Iterable[EventData]) -> None:
        """Let a producer come back from a backup: a higher epoch, lower versions."""
        self.epochs[producer] = self.epochs.get(producer, 1) + 1
        for event in again:
            self.versions[event.TYPE, event.key] = 0
            self.tell(event)

    def newest(self) -> list[Told]:
        """Return what the producers hold in the end: the last state of each place, all facts."""
        last = {told.place: told for told in self.told}
        return list(last.values())


class Year:
    """Families, programs and handovers of one year, told into a ``History``.

    Regions are renamed; persons move between families; families move village, split and merge;
    ceilings rise and fall; enrolments are suspended and end; aid is handed over and comes back;
    registry is restored from a backup in between.
    """

    def __init__(self, seed: int, families: int = 8) -> None:
        self.history = History(random.Random(seed))
        self.members: dict[UUID, list[UUID]] = {}
        self.homes: dict[UUID, str] = {}
        self.programs: list[UUID] = []
        self.enrolments: dict[UUID, EnrolmentStateV1] = {}
        self._families = families

    def until_granted(self) -> "Year":
        """Tell regions, families, programs and grants."""
        tell, draw = self.history.tell, self.history.draw
        tell(a_region(DISTRICT, "Kecamatan Contoh", "kecamatan"))
        tell(*(a_region(code, "Desa Contoh", "desa") for code in VILLAGES))
        for _ in range(self._families):
            family = self.history.new_id()
            self.members[family] = [self.history.new_id() for _ in range(draw.randint(1, 4))]
            self.homes[family] = draw.choice(VILLAGES)
            self.tell_family(family, desil=draw.randint(1, 10))
            tell(*(self._identity(person, family) for person in self.members[family]))
        tell(OrganisationStateV1(code="DINSOS", name="Dinas Sosial", kind="SKPD"))
        for number in range(3):
            self.programs.append(self.history.new_id())
            self.tell_program(number, 1_000_000_000)
        for program in self.programs:
            for family, people in self.members.items():
                person = people[0] if program == self.programs[0] else None
                self._enrol(program, family, person)
        return self

    def and_its_changes(self) -> "Year":
        """Tell what happens to them during the year."""
        tell, draw = self.history.tell, self.history.draw
        tell(a_region(VILLAGES[0], "Desa Contoh Baru", "desa"))
        tell(OrganisationStateV1(code="DINSOS", name="Dinas Sosial dan PPPA", kind="SKPD"))
        families = list(self.members)
        for _ in range(3 * len(families)):
            self._one_change(draw.choice(families))
        self._merge(families[0], families[1])
        for number, ceiling in ((0, 1_500_000_000), (1, None), (0, 1_200_000_000)):
            self.tell_program(number, ceiling)
        for enrolment in draw.sample(sorted(self.enrolments), k=len(self.enrolments) // 2):
            self._change_enrolment(enrolment, draw.choice(("suspended", "ended", "granted")))
        for family in families[2:]:
            self.tell_family(family, desil=draw.randint(1, 10))
        tell(self._identity(self.members[families[2]][0], families[2], erased=True))
        registry = [t.event for t in self.history.newest() if t.event.TYPE.startswith("registry.")]
        self.history.restore("registry", registry)
        self.tell_family(families[3], desil=2)
        return self

    def and_its_handovers(self) -> "Year":
        """Tell cycles, entitlements, deliveries and returns, as distribution does."""
        tell, draw = self.history.tell, self.history.draw
        cycles = {}
        for program in self.programs:
            # The budget year differs from the year of the handover: only the cycle knows it.
            cycles[program] = a_cycle(self.history.new_id(), program, draw.choice((2025, YEAR)))
            tell(cycles[program])
        for enrolment in self.enrolments.values():
            self._hand_over(cycles[enrolment.program_id], enrolment)
        tell(*(each.model_copy(update={"status": "closed"}) for each in cycles.values()))
        return self

    def tell_family(self, family: UUID, desil: int | None = None, **changes: Any) -> None:
        """Tell a family as it is now."""
        ranks = () if desil is None else (a_rank(desil),)
        event = FamilyStateV1(
            **{
                "family_id": family,
                "household_id": family,
                "household_assumed": True,
                "region_code": self.homes[family],
                "status": "active",
                "members": tuple(
                    MemberV1(
                        person_id=person,
                        relation=1 if place == 0 else 3,
                        sex="P",
                        birth_month="1990-07",
                        presence=1,
                        condition=a_condition(place),
                    )
                    for place, person in enumerate(self.members[family])
                ),
                "dwelling": a_condition(desil or 0),
                "ranks": ranks,
                "cause": "test",
                "effective_on": date(YEAR, 1, 1),
                "synthetic": True,
                **changes,
            }
        )
        self.history.tell(event)

    def tell_program(self, number: int, ceiling_idr: int | None) -> None:
        """Tell a program; the third has a second fund source and no known quota."""
        sources = ("APBD_KAB", "DAK") if number == 2 else ("APBD_KAB",)
        event = ProgramStateV1(
            program_id=self.programs[number],
            code=f"P-{number}",
            name=f"Program {number}",
            owner_code="DINSOS",
            reporter_code="DINSOS",
            klaster="I",
            strategi="BEBAN",
            bidang="KESEHATAN",
            unit="person" if number == 0 else "family",
            benefit=BenefitV1(
                kind="service", item="layanan", unit="kali", quantity=4, unit_value_idr=250_000
            ),
            frequency="sekali",
            years=tuple(
                ProgramYearV1(year=YEAR, fund_source=name, ceiling_idr=ceiling_idr)
                for name in sources
            ),
            counts_as_reached=True,
            sensitive=False,
            status="active",
        )
        self.history.tell(event)

    def _one_change(self, family: UUID) -> None:
        draw = self.history.draw
        other = draw.choice([each for each in self.members if each != family])
        if draw.random() < 0.5 and len(self.members[family]) > 1:
            # One transaction of registry: both families are told, the one that is left first.
            person = self.members[family].pop()
            self.members[other].append(person)
            self.tell_family(family, desil=3)
            self.tell_family(other, desil=3)
            self.history.tell(self._identity(person, other))
            return
        self.homes[family] = draw.choice(VILLAGES)
        self.tell_family(family, desil=draw.randint(1, 10))

    def _merge(self, family: UUID, survivor: UUID) -> None:
        moved, self.members[family] = self.members[family], []
        self.members[survivor] += moved
        self.tell_family(family, status="merged", survivor_id=survivor)
        self.tell_family(survivor, desil=1)
        self.history.tell(*(self._identity(person, survivor) for person in moved))

    def _identity(self, person: UUID, family: UUID, *, erased: bool = False) -> PersonIdentityV1:
        if erased:
            return PersonIdentityV1(person_id=person, erased=True)
        return PersonIdentityV1(
            person_id=person,
            family_id=family,
            region_code=self.homes[family],
            name="CONTOH SINTETIS",
            nik_index=person.hex,
            nik_masked="6202********9001",
            nik_sealed=person.hex,
            kk_index=family.hex,
            index_key_version=1,
        )

    def _enrol(self, program: UUID, family: UUID, person: UUID | None) -> None:
        event = EnrolmentStateV1(
            enrolment_id=self.history.new_id(),
            program_id=program,
            year=YEAR,
            family_id=family,
            person_id=person,
            region_code=self.homes[family],
            status="proposed",
            valid_from=date(YEAR, 1, 1),
        )
        self.history.tell(event)
        self.enrolments[event.enrolment_id] = event
        self._change_enrolment(event.enrolment_id, "granted")

    def _change_enrolment(self, enrolment: UUID, status: str) -> None:
        event = self.enrolments[enrolment].model_copy(update={"status": status})
        self.enrolments[enrolment] = event
        self.history.tell(event)

    def _hand_over(self, cycle: CycleStateV1, enrolment: EnrolmentStateV1) -> None:
        draw, tell = self.history.draw, self.history.tell
        right = an_entitlement(self.history.new_id(), cycle, enrolment)
        tell(right)
        handed = draw.randint(0, 4)
        if handed:
            delivery = a_delivery(self.history.new_id(), right, handed, cycle)
            tell(as_delivered(right, handed), delivery)
            if draw.random() < 0.5:
                tell(a_return(self.history.new_id(), delivery), as_delivered(right, handed - 1))
        elif draw.random() < 0.5:
            tell(right.model_copy(update={"status": "void"}))


def shuffled(told: list[Told], draw: random.Random) -> list[Told]:
    """Return the events in any order, three of ten more than once."""
    again = [draw.choice(told) for _ in range(3 * len(told) // 10)]
    mixed = [*told, *again]
    draw.shuffle(mixed)
    return mixed


def parts(told: list[Told], draw: random.Random, largest: int = 25) -> Iterator[list[Told]]:
    """Cut into batches of 1 to ``largest`` events."""
    start = 0
    while start < len(told):
        size = draw.randint(1, largest)
        yield told[start : start + size]
        start += size
