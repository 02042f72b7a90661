"""An upload: announcement, row, view, what a purpose allows, and why it may be refused."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from pydantic import BaseModel, Field, field_validator

from services.shared.problems import ProblemType
from services.shared.redaction import LONG_NUMBER
from services.shared.roles import Role
from services.shared.validation_messages import InvalidValue

SIZE_BYTES_MAX = 2**40
"""What any number of an upload stays under; each purpose allows far less."""


OFFSET_WRONG = ProblemType(
    "upload_offset_wrong",
    409,
    "Unggahan tidak berada di posisi itu",
    "The upload is not at this offset",
    "Posisi sekarang {offset}; lanjutkan dari sana.",
    "It is at {offset}; go on from there.",
)
PURPOSE_UNKNOWN = ProblemType(
    "upload_purpose_unknown",
    422,
    "Tujuan unggahan tidak dikenal atau bukan wewenang Anda",
    "The purpose is not known or not yours",
)
TYPE_REFUSED = ProblemType(
    "upload_type_refused",
    415,
    "Jenis berkas tidak diterima untuk tujuan ini",
    "The file type is not accepted for this purpose",
)
TOO_MANY_OPEN = ProblemType(
    "uploads_open",
    409,
    "Terlalu banyak unggahan yang belum selesai",
    "Too many uploads are unfinished",
)
NOT_FINISHED = ProblemType(
    "upload_not_finished", 409, "Unggahan belum selesai", "The upload is not finished"
)


@dataclass(frozen=True, slots=True)
class UploadRow:
    """One row of ``uploads``."""

    id: UUID
    owner: str
    purpose: str
    file_name: str
    media_type: str
    size: int
    created_at: datetime
    region_code: str | None = None
    agency: str | None = None
    received: int = 0
    sha256: bytes | None = None
    latitude: float | None = None
    longitude: float | None = None
    taken_at: datetime | None = None
    finished_at: datetime | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class UploadPurpose:
    """What a file is for: types and sizes, who sends it, who else sees it in their regions."""

    name: str
    media_types: frozenset[str]
    size_max: int
    senders: frozenset[Role]
    readers: frozenset[Role]
    kept_for: timedelta | None = None


class AnnounceUpload(BaseModel):
    """What will be sent. ``region_code`` decides who else may see it."""

    file_name: str = Field(
        min_length=1,
        max_length=200,
        json_schema_extra={"pattern": r'^(?!.*\d{16})[^\x00-\x1f/\\"]+$'},
    )
    size: int = Field(strict=True, ge=1, le=SIZE_BYTES_MAX)
    media_type: str = Field(max_length=100)
    purpose: str = Field(max_length=50)
    region_code: str | None = Field(
        default=None, pattern=r"^\d{2}(\.\d{2}(\.\d{2}(\.\d{4})?)?)?$", max_length=13
    )

    @field_validator("file_name")
    @classmethod
    def _no_number_and_no_path(cls, name: str) -> str:
        if LONG_NUMBER.search(name):
            raise InvalidValue(
                "file_name_number",
                "Nama berkas memuat nomor 16 angka; ganti namanya",
                "The file name holds a 16-digit number; rename it",
            )
        if any(ord(character) < 32 or character in '/\\"' for character in name):  # noqa: PLR2004 - control characters
            raise InvalidValue("file_name", "Nama berkas tidak sah", "The file name is not valid")
        return name


class UploadView(BaseModel):
    """How far an upload came; ``sha256`` (hex) of what is kept, once it is finished."""

    id: UUID
    file_name: str
    media_type: str
    purpose: str
    region_code: str | None
    size: int
    received: int
    sha256: str | None
    latitude: float | None
    longitude: float | None
    taken_at: datetime | None
    created_at: datetime
    finished_at: datetime | None


def view_of(upload: UploadRow) -> UploadView:
    """Return the upload as callers see it."""
    sha256 = upload.sha256.hex() if upload.sha256 else None
    fields = {name: getattr(upload, name) for name in UploadView.model_fields if name != "sha256"}
    return UploadView(**fields, sha256=sha256)
