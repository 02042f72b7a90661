"""The tables that programs own. Private to storage; the projections are beside it."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, DateTime, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from services.programs.storage import projection_tables
from services.programs.storage.base import Row, metadata
from services.shared.tables import APPEND_ONLY

__all__ = ["metadata", "projection_tables"]

INSTANT = DateTime(timezone=True)
LIVE_STATUSES = ("proposed", "granted", "suspended")
LIVE = "status IN ('proposed', 'granted', 'suspended')"


class OrganisationRow(Row, table=True):
    """An agency, village, ministry, foundation, company or bank."""

    __tablename__ = "organisations"

    code: str = Field(primary_key=True)
    name: str
    kind: str
    created_by: str
    created_at: datetime = Field(sa_type=INSTANT)
    version: int = Field(sa_type=BigInteger)


class ProgramRow(Row, table=True):
    """A program of the catalog as it is now; ``program_log`` has its past."""

    __tablename__ = "programs"
    __table_args__ = (
        UniqueConstraint("owner_code", "code"),
        CheckConstraint(
            "status IN ('draft','proposed','approved','active','closed')", name="status"
        ),
        Index("programs_reporter_idx", "reporter_code"),
    )

    program_id: UUID = Field(primary_key=True)
    code: str
    name: str
    owner_code: str = Field(foreign_key="organisations.code")
    reporter_code: str = Field(foreign_key="organisations.code")
    klaster: str
    strategi: str
    bidang: str
    nomenclature_version: str | None
    sub_kegiatan: str | None
    sub_kegiatan_raw: str | None
    unit: str
    benefit: dict[str, Any] = Field(sa_type=JSONB)
    frequency: str
    steps: list[str] = Field(sa_type=JSONB)
    counts_as_reached: bool
    sensitive: bool
    target_desil_max: int | None
    status: str
    proposed_by: str | None
    reported_at: datetime | None = Field(sa_type=INSTANT)
    version: int = Field(sa_type=BigInteger)


class ProgramYearRow(Row, table=True):
    """A program's money and quota of one year from one fund source; null is unknown."""

    __tablename__ = "program_years"
    __table_args__ = (
        CheckConstraint("ceiling_idr >= 0 AND aid_ceiling_idr >= 0 AND quota >= 0", name="amounts"),
    )

    program_id: UUID = Field(primary_key=True, foreign_key="programs.program_id")
    year: int = Field(primary_key=True)
    fund_source: str = Field(primary_key=True)
    ceiling_idr: int | None = Field(sa_type=BigInteger)
    aid_ceiling_idr: int | None = Field(sa_type=BigInteger)
    quota: int | None = Field(sa_type=BigInteger)


class ProgramLogRow(Row, table=True):
    """Who did what to a program, when, and how it looked afterwards."""

    __tablename__ = "program_log"
    __table_args__ = ({"info": APPEND_ONLY},)

    program_id: UUID = Field(primary_key=True, foreign_key="programs.program_id")
    version: int = Field(primary_key=True, sa_type=BigInteger)
    at: datetime = Field(sa_type=INSTANT)
    actor: str
    action: str
    note: str | None
    snapshot: dict[str, Any] = Field(sa_type=JSONB)


class EligibilityRuleRow(Row, table=True):
    """One version of a program's rule; in force is the highest version whose dates fit."""

    __tablename__ = "eligibility_rules"
    __table_args__ = (
        UniqueConstraint("program_id", "version"),
        CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name="dates"),
        {"info": APPEND_ONLY},
    )

    rule_id: UUID = Field(primary_key=True)
    program_id: UUID = Field(foreign_key="programs.program_id")
    version: int
    tree: dict[str, Any] = Field(sa_type=JSONB)
    legal_reference: str
    valid_from: date
    valid_to: date | None
    created_by: str
    created_at: datetime = Field(sa_type=INSTANT)


class StackingRuleRow(Row, table=True):
    """Two programs that one family may not hold together, or that are worth a warning."""

    __tablename__ = "stacking_rules"
    __table_args__ = (
        CheckConstraint("program_a < program_b", name="order"),
        CheckConstraint("kind IN ('MUTUAL_EXCLUSION','WARN_ONLY')", name="kind"),
        Index("stacking_rules_program_b_idx", "program_b"),
        UniqueConstraint("program_a", "program_b", "kind", "valid_from"),
    )

    stacking_rule_id: UUID = Field(primary_key=True)
    program_a: UUID = Field(foreign_key="programs.program_id")
    program_b: UUID = Field(foreign_key="programs.program_id")
    kind: str
    legal_reference: str
    valid_from: date
    valid_to: date | None
    created_by: str
    created_at: datetime = Field(sa_type=INSTANT)


class EnrolmentRow(Row, table=True):
    """One recipient in one program and year, with the facts and the rule of the decision."""

    __tablename__ = "enrolments"
    __table_args__ = (
        CheckConstraint(
            "status IN ('proposed','granted','refused','suspended','ended')", name="status"
        ),
        CheckConstraint("valid_to >= valid_from", name="dates"),
        Index(
            "enrolments_one_live_idx",
            "program_id",
            "year",
            "recipient_id",
            unique=True,
            postgresql_where=text(LIVE),
        ),
        Index("enrolments_family_idx", "family_id"),
        Index("enrolments_program_idx", "program_id", "year", "status"),
    )

    enrolment_id: UUID = Field(primary_key=True)
    program_id: UUID = Field(foreign_key="programs.program_id")
    year: int
    family_id: UUID
    person_id: UUID | None
    recipient_id: UUID
    region_code: str
    status: str
    eligible: bool
    rule_id: UUID | None = Field(foreign_key="eligibility_rules.rule_id")
    rule_version: int | None
    facts: dict[str, Any] = Field(sa_type=JSONB)
    reasons: list[dict[str, Any]] = Field(sa_type=JSONB)
    note: str | None
    proposed_by: str
    proposed_at: datetime = Field(sa_type=INSTANT)
    decided_by: str | None
    decided_at: datetime | None = Field(sa_type=INSTANT)
    override_reason: str | None
    valid_from: date
    valid_to: date
    version: int = Field(sa_type=BigInteger)


class EnrolmentLogRow(Row, table=True):
    """Each step of an enrolment: who, when, to which status, why."""

    __tablename__ = "enrolment_log"
    __table_args__ = ({"info": APPEND_ONLY},)

    enrolment_id: UUID = Field(primary_key=True, foreign_key="enrolments.enrolment_id")
    version: int = Field(primary_key=True, sa_type=BigInteger)
    at: datetime = Field(sa_type=INSTANT)
    actor: str
    action: str
    status: str
    reason: str | None


PROGRAMS = metadata.tables["programs"]
PROGRAM_YEARS = metadata.tables["program_years"]
ELIGIBILITY_RULES = metadata.tables["eligibility_rules"]
STACKING_RULES = metadata.tables["stacking_rules"]
ENROLMENTS = metadata.tables["enrolments"]
ENROLMENT_LOG = metadata.tables["enrolment_log"]
"""The same tables for statements that return rows as mappings."""
