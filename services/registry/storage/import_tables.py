"""The tables of imports. Private to storage.

Staging waits for a person's approval, so it is LOGGED: an unlogged table is emptied by crash
recovery. Everything personal in a staged row is in ``sealed``; it is kept until retention.
"""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, LargeBinary, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from services.registry.storage.base import INSTANT, Row

OPEN_STATES = "state IN ('received','parsed','reviewed')"


class ImportRow(Row, table=True):
    """One uploaded list on its way. ``version`` rises with the state, not with progress."""

    __tablename__ = "imports"
    __table_args__ = (
        CheckConstraint("format IN ('opensid_residents','dtsen_extract')", name="format"),
        CheckConstraint(
            "state IN ('received','parsed','validated','reviewed','merged','refused','cancelled',"
            "'failed')",
            name="state",
        ),
        CheckConstraint(
            "decided_by IS DISTINCT FROM uploaded_by OR state = 'cancelled'",
            name="separate_duties",
        ),
        Index("imports_region_code_id_idx", "region_code", "id"),
        Index("imports_open_idx", "received_at", postgresql_where=text(OPEN_STATES)),
        Index("imports_file_idx", "file_sha256", "format", "region_code"),
    )

    id: UUID = Field(primary_key=True)
    format: str
    state: str
    region_code: str
    upload_id: UUID
    file_sha256: bytes | None = Field(sa_column=Column(LargeBinary))
    bast_number: str | None
    period: str | None
    observed_on: date
    synthetic: bool
    uploaded_by: str
    uploaded_by_name: str | None
    decided_by: str | None
    decided_by_name: str | None
    reason: str | None
    failure: dict[str, Any] | None = Field(sa_column=Column(JSONB(none_as_null=True)))
    result: dict[str, Any] | None = Field(sa_column=Column(JSONB(none_as_null=True)))
    rows_read: int
    rows_new: int
    rows_changed: int
    rows_unchanged: int
    rows_rejected: int
    rows_warned: int
    rows_left_out: int
    progress_done: int
    progress_total: int | None
    version: int = Field(sa_type=BigInteger)
    worker: str | None
    lease_until: datetime | None = Field(sa_type=INSTANT)
    attempts: int
    received_at: datetime = Field(sa_type=INSTANT)
    parsed_at: datetime | None = Field(sa_type=INSTANT)
    validated_at: datetime | None = Field(sa_type=INSTANT)
    reviewed_at: datetime | None = Field(sa_type=INSTANT)
    finished_at: datetime | None = Field(sa_type=INSTANT)
    updated_at: datetime = Field(sa_type=INSTANT)
    index_key_version: int | None
    rows_deleted_at: datetime | None = Field(sa_type=INSTANT)


class StagedRow(Row, table=True):
    """One row of a file. ``sealed`` holds its numbers, values and original cells.

    ``findings`` is a list of [column, code] or [column, code, other row's number].
    ``family_digest`` is of the family's values in a DTSEN row, which must agree within a family.
    """

    __tablename__ = "import_rows"
    __table_args__ = (
        CheckConstraint(
            "verdict IN ('pending','new','changed','unchanged','rejected')",
            name="verdict",
        ),
        Index("import_rows_family_idx", "import_id", "kk_index", "row_number"),
        Index(
            "import_rows_rejected_idx",
            "import_id",
            "row_number",
            postgresql_where=text("verdict = 'rejected'"),
        ),
    )

    import_id: UUID = Field(primary_key=True, foreign_key="imports.id")
    row_number: int = Field(primary_key=True)
    verdict: str
    kk_index: bytes | None = Field(sa_column=Column(LargeBinary))
    nik_index: bytes | None = Field(sa_column=Column(LargeBinary))
    is_head: bool
    family_digest: bytes | None = Field(sa_column=Column(LargeBinary))
    sealed: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    findings: list[list[str]] = Field(sa_column=Column(JSONB, nullable=False))
    changed: list[str] | None = Field(sa_column=Column(JSONB(none_as_null=True)))
    fingerprint: bytes | None = Field(sa_column=Column(LargeBinary))
