"""The tables of indicators. Private to storage.

Projections follow the other services' events and hold no identity: a family is an id, a place and
a rank. Each keeps the (epoch, version) of the state it shows. They have no foreign keys, because
streams do not wait for each other. ``aid_tallies`` is derived from entitlements, deliveries and
returns: one row per family, program, budget year, place and recipient, small enough to aggregate
on reading and exact for counts of distinct families.

Figures entered or published here are append-only; a correction is a new revision with a reason.
"""

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, DateTime, Index, Text, UniqueConstraint, text
from sqlmodel import Field

from services.indicators.storage.base import Row, metadata, shared
from services.shared.tables import APPEND_ONLY

__all__ = ["Row", "metadata", "shared"]

INSTANT = DateTime(timezone=True)
REGION = Text(collation="C")
"""Byte order, so that an index serves ``LIKE '62.02.06.%'``."""


class RegionRow(Row, table=True):
    """A region of the tree, as registry tells it."""

    __tablename__ = "regions"

    code: str = Field(primary_key=True, sa_type=REGION)
    name: str
    level: str
    parent_code: str | None
    valid_from: date
    valid_to: date | None
    epoch: int
    version: int = Field(sa_type=BigInteger)


class FamilyRow(Row, table=True):
    """A family: where it lives and its newest DTSEN rank. ``survivor_id`` after a merge."""

    __tablename__ = "families"
    __table_args__ = (
        Index("families_region_code_family_id_idx", "region_code", "family_id"),
        Index(
            "families_survivor_id_idx",
            "survivor_id",
            postgresql_where=text("survivor_id IS NOT NULL"),
        ),
    )

    family_id: UUID = Field(primary_key=True)
    region_code: str = Field(sa_type=REGION)
    active: bool
    desil_low: int | None
    desil_high: int | None
    desil_as_of: date | None
    members: int
    survivor_id: UUID | None
    epoch: int
    version: int = Field(sa_type=BigInteger)


class OrganisationRow(Row, table=True):
    """An organisation that owns or reports programs."""

    __tablename__ = "organisations"

    code: str = Field(primary_key=True)
    name: str
    kind: str
    epoch: int
    version: int = Field(sa_type=BigInteger)


class ProgramRow(Row, table=True):
    """A program with its three axes; a ``sensitive`` one shows to its owner only."""

    __tablename__ = "programs"

    program_id: UUID = Field(primary_key=True)
    code: str
    name: str
    owner_code: str
    reporter_code: str
    klaster: str
    strategi: str
    bidang: str
    unit: str
    counts_as_reached: bool
    sensitive: bool
    target_desil_max: int | None
    status: str
    epoch: int
    version: int = Field(sa_type=BigInteger)


class ProgramYearRow(Row, table=True):
    """A program's money and quota of one year and fund; replaced with the program's state."""

    __tablename__ = "program_years"

    program_id: UUID = Field(primary_key=True)
    year: int = Field(primary_key=True)
    fund_source: str = Field(primary_key=True)
    ceiling_idr: int | None = Field(sa_type=BigInteger)
    aid_ceiling_idr: int | None = Field(sa_type=BigInteger)
    quota: int | None


class EnrolmentRow(Row, table=True):
    """An enrolment: who was granted, refused or waits."""

    __tablename__ = "enrolments"
    __table_args__ = (
        Index("enrolments_program_id_year_idx", "program_id", "year"),
        Index("enrolments_family_id_idx", "family_id"),
    )

    enrolment_id: UUID = Field(primary_key=True)
    program_id: UUID
    year: int
    family_id: UUID
    person_id: UUID | None
    region_code: str = Field(sa_type=REGION)
    status: str
    sensitive: bool
    epoch: int
    version: int = Field(sa_type=BigInteger)


class CycleRow(Row, table=True):
    """A cycle gives its entitlements and deliveries their budget year.

    Epoch 0 marks a cycle that an entitlement or delivery named before its own state came; its year
    is the handover's until then.
    """

    __tablename__ = "cycles"

    cycle_id: UUID = Field(primary_key=True)
    program_id: UUID
    year: int
    epoch: int
    version: int = Field(sa_type=BigInteger)


class EntitlementRow(Row, table=True):
    """What a recipient is due in a cycle."""

    __tablename__ = "entitlements"
    __table_args__ = (
        Index("entitlements_family_id_program_id_idx", "family_id", "program_id"),
        Index("entitlements_cycle_id_idx", "cycle_id"),
    )

    entitlement_id: UUID = Field(primary_key=True)
    cycle_id: UUID
    program_id: UUID
    family_id: UUID
    person_id: UUID | None
    region_code: str = Field(sa_type=REGION)
    value_idr: int = Field(sa_type=BigInteger)
    delivered_value_idr: int = Field(sa_type=BigInteger)
    status: str
    sensitive: bool
    epoch: int
    version: int = Field(sa_type=BigInteger)


class DeliveryRow(Row, table=True):
    """A handover that happened; ``quantity`` and ``value_idr`` before returns."""

    __tablename__ = "deliveries"
    __table_args__ = (
        Index("deliveries_family_id_program_id_idx", "family_id", "program_id"),
        Index("deliveries_cycle_id_idx", "cycle_id"),
    )

    delivery_id: UUID = Field(primary_key=True)
    cycle_id: UUID
    program_id: UUID
    family_id: UUID
    person_id: UUID | None
    region_code: str = Field(sa_type=REGION)
    delivered_on: date
    quantity: int = Field(sa_type=BigInteger)
    value_idr: int = Field(sa_type=BigInteger)
    sensitive: bool


class ReturnRow(Row, table=True):
    """What came back of a delivery; it may be told before its delivery is."""

    __tablename__ = "returns"
    __table_args__ = (Index("returns_delivery_id_idx", "delivery_id"),)

    return_id: UUID = Field(primary_key=True)
    delivery_id: UUID
    quantity: int = Field(sa_type=BigInteger)
    value_idr: int = Field(sa_type=BigInteger)
    returned_on: date


class AidTallyRow(Row, table=True):
    """The sums of one family's aid, integers only. ``recipient_id`` is a person or the family."""

    __tablename__ = "aid_tallies"
    __table_args__ = (Index("aid_tallies_year_program_id_idx", "year", "program_id"),)

    family_id: UUID = Field(primary_key=True)
    program_id: UUID = Field(primary_key=True)
    year: int = Field(primary_key=True)
    region_code: str = Field(primary_key=True, sa_type=REGION)
    recipient_id: UUID = Field(primary_key=True)
    entitlements: int
    entitled_idr: int = Field(sa_type=BigInteger)
    reserved_idr: int = Field(sa_type=BigInteger)
    delivered_quantity: int = Field(sa_type=BigInteger)
    delivered_idr: int = Field(sa_type=BigInteger)
    last_delivered_on: date | None
    sensitive: bool


class SourceProgressRow(Row, table=True):
    """How far each kind of data has come: a counter per commit and the newest event's time."""

    __tablename__ = "source_progress"

    topic: str = Field(primary_key=True)
    counter: int = Field(sa_type=BigInteger)
    last_data_at: datetime = Field(sa_type=INSTANT)
    changed_at: datetime = Field(sa_type=INSTANT)


class ProgramProgressRow(Row, table=True):
    """When a program's handovers were last told of."""

    __tablename__ = "program_progress"

    program_id: UUID = Field(primary_key=True)
    last_data_at: datetime = Field(sa_type=INSTANT)


class ExpectedSourceRow(Row, table=True):
    """Who should report deliveries in a year; the highest revision of (year, code) counts."""

    __tablename__ = "expected_sources"
    __table_args__ = (
        CheckConstraint("max_age_days BETWEEN 1 AND 3660", name="max_age_days"),
        {"info": APPEND_ONLY},
    )

    year: int = Field(primary_key=True)
    code: str = Field(primary_key=True)
    revision: int = Field(primary_key=True)
    name: str
    reporter_code: str
    program_code: str | None
    region_code: str = Field(sa_type=REGION)
    max_age_days: int
    active: bool
    reason: str | None
    recorded_at: datetime = Field(sa_type=INSTANT)
    recorded_by: str


class OfficialStatisticRow(Row, table=True):
    """A figure as its source published it; the highest revision of its key counts."""

    __tablename__ = "official_statistics"
    __table_args__ = (
        UniqueConstraint(
            "indicator_code",
            "region_code",
            "period",
            "source",
            "revision",
            name="official_statistics_revision_key",
        ),
        CheckConstraint("source <> ''", name="source"),
        CheckConstraint("revision = 1 OR reason IS NOT NULL", name="reason"),
        {"info": APPEND_ONLY},
    )

    id: UUID = Field(primary_key=True)
    indicator_code: str
    region_code: str = Field(sa_type=REGION)
    region_name: str
    period: str
    value: Decimal
    unit: str
    source: str
    note: str
    revision: int
    reason: str | None
    recorded_at: datetime = Field(sa_type=INSTANT)
    recorded_by: str


class TargetRow(Row, table=True):
    """A year's target as a planning document states it; the highest revision counts."""

    __tablename__ = "targets"
    __table_args__ = (
        UniqueConstraint(
            "indicator_code",
            "region_code",
            "document",
            "year",
            "revision",
            name="targets_revision_key",
        ),
        CheckConstraint("document_source <> ''", name="document_source"),
        CheckConstraint("revision = 1 OR reason IS NOT NULL", name="reason"),
        {"info": APPEND_ONLY},
    )

    id: UUID = Field(primary_key=True)
    indicator_code: str
    region_code: str = Field(sa_type=REGION)
    document: str
    document_source: str
    year: int
    value: Decimal
    unit: str
    revision: int
    reason: str | None
    recorded_at: datetime = Field(sa_type=INSTANT)
    recorded_by: str


class PublicationRow(Row, table=True):
    """A value frozen at its data date; a newer publication stands beside it, never over it."""

    __tablename__ = "publications"
    __table_args__ = (
        Index("publications_indicator_code_region_code_period_idx",
              "indicator_code", "region_code", "period"),
        {"info": APPEND_ONLY},
    )  # fmt: skip

    id: UUID = Field(primary_key=True)
    indicator_code: str
    definition_version: int
    region_code: str = Field(sa_type=REGION)
    period: str
    value: Decimal | None
    suppressed: bool
    unit: str
    data_as_of: datetime = Field(sa_type=INSTANT)
    published_at: datetime = Field(sa_type=INSTANT)
    published_by: str
