"""Events told by registry: regions, families, persons' identities."""

from datetime import date
from typing import ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from services.shared.events import EventData, Kind

_FROZEN = ConfigDict(frozen=True, extra="ignore")


class RegionStateV1(EventData):
    """A region's name, kind and place in the tree changed."""

    TYPE: ClassVar[str] = "registry.region.state.v1"
    KIND: ClassVar[Kind] = Kind.STATE
    KEY: ClassVar[str] = "code"
    STREAM: ClassVar[str] = "REGISTRY_STATE"

    code: str
    name: str
    level: Literal["kabupaten", "kecamatan", "desa", "kelurahan"]
    parent_code: str | None = None
    valid_from: date
    valid_to: date | None = None


class ConditionV1(BaseModel):
    """One append-only snapshot of answers. ``values`` maps question number to code or count."""

    model_config = _FROZEN

    scheme: str
    version: str
    source: str
    observed_on: date
    values: dict[str, int]


class RankV1(BaseModel):
    """A welfare rank. ``low`` = ``high`` for one desil, 6 and 10 for "6-10", null for unranked."""

    model_config = _FROZEN

    period: str
    source: str
    low: int | None
    high: int | None
    reason: str | None = None
    as_of: date


class MemberV1(BaseModel):
    """A person's place in the family. Relation by Regsosek 409; birth is cut to its month."""

    model_config = _FROZEN

    person_id: UUID
    relation: int | None
    sex: Literal["L", "P"] | None
    birth_month: str | None
    presence: int | None = None
    match_status: str = "BELUM"
    occupation: int | None = None
    condition: ConditionV1 | None = None


class FamilyStateV1(EventData):
    """A family (one KK), its members, its dwelling's conditions or its ranks changed."""

    TYPE: ClassVar[str] = "registry.family.state.v1"
    KIND: ClassVar[Kind] = Kind.STATE
    KEY: ClassVar[str] = "family_id"
    STREAM: ClassVar[str] = "REGISTRY_STATE"

    family_id: UUID
    household_id: UUID
    household_assumed: bool
    region_code: str
    status: str
    members: tuple[MemberV1, ...]
    dwelling: ConditionV1 | None = None
    ranks: tuple[RankV1, ...] = ()
    cause: str
    effective_on: date
    survivor_id: UUID | None = None
    synthetic: bool = False


class PersonIdentityV1(EventData):
    """A person's identity changed, or was erased (then every other field is null)."""

    TYPE: ClassVar[str] = "registry.person.identity.v1"
    KIND: ClassVar[Kind] = Kind.STATE
    KEY: ClassVar[str] = "person_id"
    STREAM: ClassVar[str] = "REGISTRY_IDENTITY"
    PERSONAL: ClassVar[str] = (
        "programs and distribution match agencies' lists and print handover lists without "
        "calling registry (DESIGN section 4, Events)"
    )

    person_id: UUID
    family_id: UUID | None = None
    region_code: str | None = None
    name: str | None = None
    birth_date: date | None = None
    sex: Literal["L", "P"] | None = None
    nik_index: str | None = None
    nik_masked: str | None = None
    nik_sealed: str | None = None
    kk_index: str | None = None
    kk_masked: str | None = None
    index_key_version: int | None = None
    erased: bool = False
