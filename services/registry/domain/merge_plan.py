"""The shapes of a merge of residents: what is known, what the rows say, what changes.

``merging.plan_residents`` turns the first two into the third; storage loads and writes them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from services.registry.domain.conditions import Snapshot
from services.registry.domain.residents import LeftOut, ResidentRow

HELD = "held"
DISPUTED = "disputed"


@dataclass(frozen=True, slots=True)
class IndexedRow:
    """A row with the keyed indexes of its numbers; the domain never compares the numbers."""

    row: ResidentRow
    nik_index: bytes | None
    kk_index: bytes | None


@dataclass(frozen=True, slots=True)
class Place:
    """A person's current membership: which family, since when, in what relation."""

    membership_id: UUID
    family_id: UUID
    region_code: str
    relation: int | None
    presence: int | None
    since: date


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """A person as the registry has them."""

    id: UUID
    name: str
    birth_date: date | None
    sex: str | None
    has_nik: bool
    marital: int | None
    education: int | None
    occupation: int | None
    conditions: tuple[Snapshot, ...]
    place: Place | None


@dataclass(frozen=True, slots=True)
class KnownFamily:
    """A family as the registry has it."""

    id: UUID
    region_code: str
    address: str | None
    rt: str | None
    rw: str | None
    since: date
    """Since when they live there, as far as we know."""


@dataclass(slots=True)
class Known:
    """The registry's side of a batch. Claims lead from a number's index to all who claim it."""

    families: dict[UUID, KnownFamily] = field(default_factory=dict)
    persons: dict[UUID, KnownPerson] = field(default_factory=dict)
    kk_claims: dict[bytes, list[UUID]] = field(default_factory=dict)
    nik_claims: dict[bytes, list[UUID]] = field(default_factory=dict)
    recorded: Mapping[tuple[UUID, date], Mapping[str, int]] = field(default_factory=dict)
    """The answers on record of the batch's source, by person and day."""


@dataclass(frozen=True, slots=True)
class NewFamily:
    """A family to add, with an assumed household of its own."""

    id: UUID
    household_id: UUID
    region_code: str
    address: str | None
    rt: str | None
    rw: str | None
    kk_number: str | None
    kk_index: bytes | None
    claim: str | None


@dataclass(frozen=True, slots=True)
class NewPerson:
    """A person to add."""

    id: UUID
    row: ResidentRow
    nik_index: bytes | None
    claim: str | None
    conditions: tuple[Snapshot, ...]


@dataclass(frozen=True, slots=True)
class PersonChange:
    """A person's values after the batch. ``nik`` is set when one is learnt for the first time."""

    person: KnownPerson
    nik: str | None = None
    nik_index: bytes | None = None
    identity_changed: bool = False


@dataclass(frozen=True, slots=True)
class Joining:
    """A membership to open, and the one that it follows, if any."""

    person_id: UUID
    family_id: UUID
    relation: int | None
    presence: int | None
    previous: Place | None


@dataclass(slots=True)
class Plan:
    """All that a batch changes, by table."""

    new_families: list[NewFamily] = field(default_factory=list)
    changed_families: list[KnownFamily] = field(default_factory=list)
    new_persons: list[NewPerson] = field(default_factory=list)
    changed_persons: list[PersonChange] = field(default_factory=list)
    joinings: list[Joining] = field(default_factory=list)
    snapshots: list[tuple[UUID, Snapshot]] = field(default_factory=list)
    touched: set[UUID] = field(default_factory=set)
    identities: set[UUID] = field(default_factory=set)
    unchanged_families: set[UUID] = field(default_factory=set)
    unchanged_persons: int = 0
    disputed: int = 0
    left_out: list[LeftOut] = field(default_factory=list)
    lines: dict[int, tuple[UUID, UUID]] = field(default_factory=dict)
    """The person and family that each line of the file meant, for the review of an import."""
