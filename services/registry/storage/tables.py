"""The registry's tables, except those of imports (``import_tables.py``). Private to storage.

History has two times: ``valid`` says when a thing was true, ``recorded_at`` and ``superseded_at``
when we knew it. Current values that every read needs (``families.ranks``, ``persons.conditions``)
are kept beside the history and written in the same transaction.
"""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Column, Identity, Index, LargeBinary, Text, text
from sqlalchemy.dialects.postgresql import DATERANGE, JSONB, ExcludeConstraint, Range
from sqlmodel import Field

from services.registry.storage import import_tables  # noqa: F401 - completes the metadata
from services.registry.storage.base import INSTANT, Row, metadata
from services.shared.tables import APPEND_ONLY

__all__ = ["metadata"]
"""The whole metadata, for migrations; the row classes are imported by name in storage."""

CURRENT = "superseded_at IS NULL"
KEEP = {"info": APPEND_ONLY}
"""The app role gets SELECT and INSERT on such a table, nothing else."""


class RegionRow(Row, table=True):
    """One period of a region's name and place; a renamed or split region gets a new row."""

    __tablename__ = "regions"
    __table_args__ = (
        ExcludeConstraint(
            ("code", "="), ("valid", "&&"), using="gist", name="regions_code_valid_excl"
        ),
        CheckConstraint("level IN ('kabupaten','kecamatan','desa','kelurahan')", name="level"),
        Index("regions_parent_code_idx", "parent_code"),
    )

    code: str = Field(primary_key=True)
    valid_from: date = Field(primary_key=True)
    valid: Range[date] = Field(sa_column=Column(DATERANGE, nullable=False))
    name: str
    level: str
    parent_code: str | None
    postal_code: str | None
    source: str
    version: int = Field(sa_type=BigInteger)


class HouseholdRow(Row, table=True):
    """A dwelling and who shares it. ``assumed``: nobody has seen that it holds one family."""

    __tablename__ = "households"
    __table_args__ = (Index("households_region_code_idx", "region_code"),)

    id: UUID = Field(primary_key=True)
    region_code: str
    assumed: bool
    source: str
    created_at: datetime = Field(sa_type=INSTANT)


class FamilyRow(Row, table=True):
    """One KK as it is now; the past is in ``family_domiciles``, ``ranks`` and the like."""

    __tablename__ = "families"
    __table_args__ = (
        CheckConstraint("version > 0", name="version"),
        CheckConstraint("status IN ('active','moved','dissolved','merged')", name="status"),
        Index("families_region_code_id_idx", "region_code", "id"),
        Index("families_household_id_idx", "household_id"),
        # A list by desil asks "region and at most n"; families without a rank are not in it.
        Index(
            "families_desil_idx",
            "desil_low",
            "region_code",
            "id",
            postgresql_where=text("desil_low IS NOT NULL"),
        ),
    )

    id: UUID = Field(primary_key=True)
    household_id: UUID = Field(foreign_key="households.id")
    region_code: str
    address: str | None
    rt: str | None
    rw: str | None
    kk_sealed: bytes | None = Field(sa_column=Column(LargeBinary))
    kk_index: bytes | None = Field(sa_column=Column(LargeBinary))
    kk_masked: str | None
    key_version: int
    status: str
    survivor_id: UUID | None
    head_name: str | None
    member_count: int
    desil_low: int | None
    desil_high: int | None
    ranks: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False))
    dwelling: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False))
    cause: str
    effective_on: date
    synthetic: bool
    version: int = Field(sa_type=BigInteger)
    created_at: datetime = Field(sa_type=INSTANT)
    updated_at: datetime = Field(sa_type=INSTANT)


class FamilyNumberRow(Row, table=True):
    """A KK number the family had: it changes when the family moves or splits."""

    __tablename__ = "family_numbers"
    __table_args__ = (
        ExcludeConstraint(
            ("family_id", "="),
            ("valid", "&&"),
            using="gist",
            name="family_numbers_family_valid_excl",
            where=text(CURRENT),
        ),
        Index("family_numbers_kk_index_idx", "kk_index"),
        Index("family_numbers_family_id_idx", "family_id"),
    )

    id: UUID = Field(primary_key=True)
    family_id: UUID = Field(foreign_key="families.id")
    kk_sealed: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    kk_index: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    key_version: int
    kk_masked: str
    valid: Range[date] = Field(sa_column=Column(DATERANGE, nullable=False))
    source: str
    recorded_at: datetime = Field(sa_type=INSTANT)
    superseded_at: datetime | None = Field(sa_type=INSTANT)


class FamilyDomicileRow(Row, table=True):
    """Where a family lived, and why we believe it."""

    __tablename__ = "family_domiciles"
    __table_args__ = (
        ExcludeConstraint(
            ("family_id", "="),
            ("valid", "&&"),
            using="gist",
            name="family_domiciles_family_valid_excl",
            where=text(CURRENT),
        ),
        Index("family_domiciles_family_id_idx", "family_id"),
    )

    id: UUID = Field(primary_key=True)
    family_id: UUID = Field(foreign_key="families.id")
    region_code: str
    address: str | None
    rt: str | None
    rw: str | None
    valid: Range[date] = Field(sa_column=Column(DATERANGE, nullable=False))
    source: str
    reason: str
    actor: str
    recorded_at: datetime = Field(sa_type=INSTANT)
    superseded_at: datetime | None = Field(sa_type=INSTANT)


class PersonRow(Row, table=True):
    """A person as known now. ``conditions`` holds the newest snapshot of each source."""

    __tablename__ = "persons"
    __table_args__ = (
        CheckConstraint("sex IN ('L','P')", name="sex"),
        CheckConstraint("version > 0", name="version"),
        CheckConstraint("(nik_sealed IS NULL) = (nik_masked IS NULL)", name="nik_whole"),
        CheckConstraint(
            "nik_sealed IS NOT NULL OR nik_missing_reason IS NOT NULL",
            name="nik_or_reason",
        ),
        Index("persons_name_key_idx", "name_key"),
    )

    id: UUID = Field(primary_key=True)
    name: str
    name_key: str
    birth_date: date | None
    sex: str | None
    died_on: date | None
    nik_sealed: bytes | None = Field(sa_column=Column(LargeBinary))
    nik_index: bytes | None = Field(sa_column=Column(LargeBinary))
    nik_masked: str | None
    nik_missing_reason: str | None
    key_version: int
    match_status: str
    marital: int | None
    education: int | None
    occupation: int | None
    conditions: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False))
    synthetic: bool
    version: int = Field(sa_type=BigInteger)
    created_at: datetime = Field(sa_type=INSTANT)
    updated_at: datetime = Field(sa_type=INSTANT)


class MembershipRow(Row, table=True):
    """A person's place in a family for a time. The database allows one at a time."""

    __tablename__ = "memberships"
    __table_args__ = (
        ExcludeConstraint(
            ("person_id", "="),
            ("valid", "&&"),
            using="gist",
            name="memberships_person_valid_excl",
            where=text(CURRENT),
        ),
        Index(
            "memberships_family_current_idx",
            "family_id",
            postgresql_where=text("superseded_at IS NULL AND upper_inf(valid)"),
        ),
        Index("memberships_family_id_idx", "family_id"),
        Index("memberships_person_id_idx", "person_id"),
    )

    id: UUID = Field(primary_key=True)
    person_id: UUID = Field(foreign_key="persons.id")
    family_id: UUID = Field(foreign_key="families.id")
    relation: int | None
    presence: int | None
    valid: Range[date] = Field(sa_column=Column(DATERANGE, nullable=False))
    source: str
    recorded_at: datetime = Field(sa_type=INSTANT)
    superseded_at: datetime | None = Field(sa_type=INSTANT)


class IdentityClaimRow(Row, table=True):
    """Who says to hold a number. One may hold it; a second claim waits as disputed."""

    __tablename__ = "identity_claims"
    __table_args__ = (
        CheckConstraint("kind IN ('nik','kk')", name="kind"),
        CheckConstraint("state IN ('held','disputed')", name="state"),
        # A number is looked up by its index alone: versions of a key never meet by accident.
        Index("identity_claims_index_idx", "number_index"),
        Index(
            "identity_claims_held_key",
            "kind",
            "number_index",
            "key_version",
            unique=True,
            postgresql_where=text("state = 'held'"),
        ),
        Index(
            "identity_claims_disputed_idx",
            "recorded_at",
            "id",
            postgresql_where=text("state = 'disputed'"),
        ),
        Index("identity_claims_subject_id_idx", "subject_id"),
    )

    id: UUID = Field(primary_key=True)
    kind: str
    number_index: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    key_version: int
    subject_id: UUID
    state: str
    source: str
    recorded_at: datetime = Field(sa_type=INSTANT)


class FamilyConditionRow(Row, table=True):
    """What a source said of a dwelling on a day (Regsosek 301-310, 5xx). Append-only."""

    __tablename__ = "family_conditions"
    __table_args__ = (
        Index("family_conditions_lookup_idx", "family_id", "source", "observed_on"),
        KEEP,
    )

    id: UUID = Field(primary_key=True)
    family_id: UUID = Field(foreign_key="families.id")
    scheme: str
    version: str
    source: str
    observed_on: date
    answers: dict[str, int] = Field(sa_column=Column(JSONB, nullable=False))
    import_id: UUID | None
    recorded_at: datetime = Field(sa_type=INSTANT)


class PersonConditionRow(Row, table=True):
    """What a source said of a person on a day (Regsosek 404-431). Append-only."""

    __tablename__ = "person_conditions"
    __table_args__ = (
        Index("person_conditions_lookup_idx", "person_id", "source", "observed_on"),
        KEEP,
    )

    id: UUID = Field(primary_key=True)
    person_id: UUID = Field(foreign_key="persons.id")
    scheme: str
    version: str
    source: str
    observed_on: date
    answers: dict[str, int] = Field(sa_column=Column(JSONB, nullable=False))
    import_id: UUID | None
    recorded_at: datetime = Field(sa_type=INSTANT)


class RankRow(Row, table=True):
    """A welfare rank of a period. Unranked is null with a reason; "6-10" is a range."""

    __tablename__ = "ranks"
    __table_args__ = (
        CheckConstraint(
            "(low IS NULL) = (high IS NULL) AND (low IS NOT NULL OR reason IS NOT NULL)",
            name="known_or_reason",
        ),
        CheckConstraint("low BETWEEN 1 AND high AND high <= 10", name="desil"),
        Index(
            "ranks_current_key",
            "family_id",
            "period",
            "source",
            unique=True,
            postgresql_where=text(CURRENT),
        ),
        Index("ranks_family_id_idx", "family_id"),
    )

    id: UUID = Field(primary_key=True)
    family_id: UUID = Field(foreign_key="families.id")
    period: str
    source: str
    low: int | None
    high: int | None
    reason: str | None
    cut_off: date
    bast_number: str
    import_id: UUID | None
    recorded_at: datetime = Field(sa_type=INSTANT)
    superseded_at: datetime | None = Field(sa_type=INSTANT)


class PiiAccessRow(Row, table=True):
    """Who looked a person up or saw a number, what of it, and why. Append-only."""

    __tablename__ = "pii_access_log"
    __table_args__ = (
        CheckConstraint("action IN ('reveal_nik','search_nik','search_kk')", name="action"),
        Index("pii_access_log_person_idx", "person_id", "id"),
        Index("pii_access_log_family_idx", "family_id", "id"),
        KEEP,
    )

    id: int | None = Field(
        default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True)
    )
    action: str
    actor: str
    actor_name: str | None
    agency: str | None
    purpose: str = Field(sa_column=Column(Text, nullable=False))
    person_id: UUID | None
    family_id: UUID | None
    found: bool
    at: datetime = Field(sa_type=INSTANT)


class FamilyAidRow(Row, table=True):
    """The latest aid state of a family as other services told it; guarded by epoch, version.

    ``kind`` is ``enrolment`` or ``entitlement``, ``subject_id`` its id. A sensitive program
    leaves only the guard: what it is about is not kept.
    """

    __tablename__ = "family_aid"
    __table_args__ = (
        CheckConstraint("kind IN ('enrolment','entitlement')", name="kind"),
        Index("family_aid_family_id_idx", "family_id"),
    )

    kind: str = Field(primary_key=True)
    subject_id: UUID = Field(primary_key=True)
    family_id: UUID | None
    person_id: UUID | None
    program_id: UUID | None
    status: str | None
    value_idr: int | None = Field(sa_type=BigInteger)
    epoch: int = Field(sa_type=BigInteger)
    version: int = Field(sa_type=BigInteger)
    updated_at: datetime = Field(sa_type=INSTANT)
