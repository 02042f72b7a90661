"""Events told by programs: organisations, programs, enrolments (penetapan penerima)."""

from datetime import date, datetime
from typing import ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from services.shared.events import EventData, Kind

_FROZEN = ConfigDict(frozen=True, extra="ignore")


class OrganisationStateV1(EventData):
    """An organisation's name or kind changed."""

    TYPE: ClassVar[str] = "programs.organisation.state.v1"
    KIND: ClassVar[Kind] = Kind.STATE
    KEY: ClassVar[str] = "code"
    STREAM: ClassVar[str] = "PROGRAMS_STATE"

    code: str
    name: str
    kind: Literal["SKPD", "DESA", "KECAMATAN", "KEMENTERIAN", "BAZNAS", "PERUSAHAAN", "BANK"]


class ProgramYearV1(BaseModel):
    """One budget year of a program. An unknown ceiling or quota is null, never zero."""

    model_config = _FROZEN

    year: int
    fund_source: str
    ceiling_idr: int | None
    aid_ceiling_idr: int | None = None
    quota: int | None = None


class BenefitV1(BaseModel):
    """What one recipient gets at one handover, and what a unit of it is worth."""

    model_config = _FROZEN

    kind: Literal["cash", "goods", "service"]
    item: str
    unit: str
    quantity: int
    unit_value_idr: int | None


class ProgramStateV1(EventData):
    """A program's description, years or status changed."""

    TYPE: ClassVar[str] = "programs.program.state.v1"
    KIND: ClassVar[Kind] = Kind.STATE
    KEY: ClassVar[str] = "program_id"
    STREAM: ClassVar[str] = "PROGRAMS_STATE"

    program_id: UUID
    code: str
    name: str
    owner_code: str
    reporter_code: str
    klaster: Literal["I", "II", "III", "IV"]
    strategi: Literal["BEBAN", "PENDAPATAN", "KANTONG"]
    bidang: Literal["PENDIDIKAN", "KESEHATAN", "INFRASTRUKTUR", "EKONOMI"]
    unit: Literal["person", "family", "household", "group", "village"]
    benefit: BenefitV1
    frequency: str
    steps: tuple[str, ...] = ()
    years: tuple[ProgramYearV1, ...] = ()
    counts_as_reached: bool
    sensitive: bool
    target_desil_max: int | None = None
    status: Literal["draft", "proposed", "approved", "active", "closed"]


class ReasonV1(BaseModel):
    """One sentence of a decision: the condition, whether it was met, in both languages."""

    model_config = _FROZEN

    code: str
    met: bool
    text_id: str
    text_en: str


class EnrolmentStateV1(EventData):
    """An enrolment was proposed, granted, refused, suspended, resumed or ended."""

    TYPE: ClassVar[str] = "programs.enrolment.state.v1"
    KIND: ClassVar[Kind] = Kind.STATE
    KEY: ClassVar[str] = "enrolment_id"
    STREAM: ClassVar[str] = "PROGRAMS_STATE"

    enrolment_id: UUID
    program_id: UUID
    year: int
    family_id: UUID
    person_id: UUID | None
    region_code: str
    status: Literal["proposed", "granted", "refused", "suspended", "ended", "waiting"]
    reasons: tuple[ReasonV1, ...] = ()
    rule_version: int | None = None
    decided_at: datetime | None = None
    valid_from: date
    valid_to: date | None = None
    sensitive: bool = False
    owner_code: str | None = None
    """Whose program it is: a sensitive event is shown to its owner only."""
