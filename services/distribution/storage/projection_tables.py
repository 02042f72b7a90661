"""What registry and programs told us, kept as last known. Private to storage.

Each row carries the (epoch, version) of the state it came from; an older state changes nothing.
"""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, Index, LargeBinary
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from services.distribution.storage.base import Row


class RegionRow(Row, table=True):
    """A region's name, for lists."""

    __tablename__ = "regions"

    code: str = Field(primary_key=True)
    name: str
    level: str
    parent_code: str | None
    epoch: int = Field(sa_type=BigInteger)
    version: int = Field(sa_type=BigInteger)


class ProgramRow(Row, table=True):
    """A program: who owns it and what one recipient gets."""

    __tablename__ = "programs"
    __table_args__ = (Index(None, "owner_code"),)

    id: UUID = Field(primary_key=True)
    code: str
    name: str
    owner_code: str
    reporter_code: str
    unit: str
    benefit: dict[str, Any] = Field(sa_type=JSONB)
    steps: list[str] = Field(sa_type=JSONB)
    sensitive: bool
    status: str
    epoch: int = Field(sa_type=BigInteger)
    version: int = Field(sa_type=BigInteger)


class ProgramYearRow(Row, table=True):
    """A program's budget year over all its fund sources. Unknown in one source is unknown."""

    __tablename__ = "program_years"

    program_id: UUID = Field(primary_key=True)
    year: int = Field(primary_key=True)
    ceiling_idr: int | None = Field(sa_type=BigInteger)
    aid_ceiling_idr: int | None = Field(sa_type=BigInteger)


class EnrolmentRow(Row, table=True):
    """A decision of programs: who is granted a program in a year."""

    __tablename__ = "enrolments"
    __table_args__ = (
        Index(None, "program_id", "year"),
        Index(None, "person_id"),
        Index(None, "family_id"),
    )

    id: UUID = Field(primary_key=True)
    program_id: UUID
    year: int
    family_id: UUID
    person_id: UUID | None
    region_code: str
    status: str
    valid_from: date
    valid_to: date | None
    sensitive: bool
    epoch: int = Field(sa_type=BigInteger)
    version: int = Field(sa_type=BigInteger)


class FamilyRow(Row, table=True):
    """Where a family lives and whether its record stands; ``told_at`` is registry's time."""

    __tablename__ = "families"

    id: UUID = Field(primary_key=True)
    region_code: str
    status: str
    told_at: datetime = Field(sa_type=DateTime(timezone=True))
    epoch: int = Field(sa_type=BigInteger)
    version: int = Field(sa_type=BigInteger)


class FamilyMemberRow(Row, table=True):
    """The persons that the newest state of a family names.

    Two families may name one person until both have been told; then the family that was told
    last counts.
    """

    __tablename__ = "family_members"
    __table_args__ = (Index(None, "family_id"),)

    person_id: UUID = Field(primary_key=True)
    family_id: UUID = Field(primary_key=True)
    relation: int | None
    presence: int | None
    match_status: str


class PersonRow(Row, table=True):
    """A person's name and masked numbers, for handover lists; null once erased."""

    __tablename__ = "persons"
    __table_args__ = (
        Index(None, "nik_index"),
        Index(None, "kk_index"),
        Index(None, "family_id"),
    )

    id: UUID = Field(primary_key=True)
    family_id: UUID | None
    name: str | None
    nik_masked: str | None
    nik_sealed: str | None
    nik_index: bytes | None = Field(sa_type=LargeBinary)
    kk_masked: str | None
    kk_index: bytes | None = Field(sa_type=LargeBinary)
    index_key_version: int | None
    erased: bool
    epoch: int = Field(sa_type=BigInteger)
    version: int = Field(sa_type=BigInteger)
