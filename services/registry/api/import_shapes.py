"""The shapes of imports over HTTP: what is sent, what is shown, which error is which problem."""

from datetime import date, datetime
from typing import Any, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.registry.actions import imports as actions
from services.registry.actions import imports_templates
from services.registry.domain.import_errors import (
    FormatNotYoursError,
    ImportNotFoundError,
    ImportStateForbidsError,
    RowsForgottenError,
    UploaderCannotDecideError,
    UploadNotUsableError,
    VillageNeededError,
)
from services.registry.domain.import_rules import FileRefusedError, Severity
from services.registry.domain.imports import (
    ImportAction,
    ImportFormat,
    ImportState,
    Verdict,
    allowed_actions,
)
from services.registry.storage import imports
from services.registry.storage.import_rows import StagedContent
from services.shared.auth import Actor
from services.shared.problems import ProblemType
from services.shared.sealing import mask_nik
from services.shared.shapes import Day, Flag
from services.shared.validation_messages import InvalidValue

REASON_CHARS_MAX = 500

IMPORT_ERRORS: dict[type[Exception], ProblemType] = {
    ImportNotFoundError: ProblemType(
        "import_not_found", 404, "Impor tidak ditemukan", "The import was not found"
    ),
    ImportStateForbidsError: ProblemType(
        "import_state_forbids",
        409,
        "Impor sedang tidak dalam keadaan untuk tindakan ini",
        "The import is not in a state for this action",
        "Keadaannya sekarang: {state}.",
        "Its state is {state}.",
    ),
    UploaderCannotDecideError: ProblemType(
        "uploader_cannot_decide",
        403,
        "Pengunggah tidak boleh menyetujui atau menolak unggahannya sendiri",
        "Who uploaded a list may not approve or refuse it",
    ),
    FormatNotYoursError: ProblemType(
        "import_format_not_yours",
        403,
        "Peran Anda tidak berwenang atas jenis impor ini",
        "Your role may not do this with this kind of list",
    ),
    UploadNotUsableError: ProblemType(
        "upload_not_usable",
        422,
        "Unggahan tidak ada, belum selesai, atau milik orang lain",
        "The upload does not exist, is not finished, or is somebody else's",
    ),
    VillageNeededError: ProblemType(
        "village_needed",
        422,
        "Isi region_code dengan kode desa atau kelurahan di kabupaten ini",
        "region_code must be the code of a village of this regency",
    ),
    RowsForgottenError: ProblemType(
        "import_rows_forgotten",
        410,
        "Rincian baris impor ini sudah dihapus sesuai masa simpan",
        "The rows of this import were deleted after their retention",
    ),
}


COMPLETE: dict[str, Any] = {
    "if": {"properties": {"format": {"const": ImportFormat.DTSEN_EXTRACT.value}}},
    "then": {
        "required": ["bast_number", "period", "cut_off"],
        "properties": {
            name: {"not": {"type": "null"}} for name in ("bast_number", "period", "cut_off")
        },
    },
    "else": {
        "required": ["region_code"],
        "properties": {"region_code": {"not": {"type": "null"}}},
    },
}
"""The schema of what ``NewImport`` checks."""


class NewImport(BaseModel):
    """A finished upload to import. A DTSEN extract needs BAST number, period and cut-off."""

    model_config = ConfigDict(json_schema_extra=COMPLETE)

    format: ImportFormat
    upload_id: UUID
    region_code: str | None = Field(default=None, pattern=r"^\d{2}(\.\d{2}(\.\d{2}(\.\d{4})?)?)?$")
    bast_number: str | None = Field(default=None, min_length=1, max_length=100)
    period: str | None = Field(default=None, pattern=r"^\d{4}-Q[1-4]$")
    cut_off: Day | None = None
    synthetic: Flag = False

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.format is ImportFormat.DTSEN_EXTRACT:
            missing = [
                name for name in ("bast_number", "period", "cut_off") if getattr(self, name) is None
            ]
            if missing:
                raise InvalidValue(
                    "dtsen_incomplete",
                    f"Untuk ekstrak DTSEN wajib diisi: {', '.join(missing)}",
                    f"A DTSEN extract needs: {', '.join(missing)}",
                )
        elif self.region_code is None:
            raise InvalidValue(
                "village_needed",
                "region_code desa wajib diisi",
                "region_code is needed: the village",
            )
        return self


class Refusal(BaseModel):
    """Why a list is refused; its uploader reads it."""

    reason: str = Field(min_length=5, max_length=REASON_CHARS_MAX)


class Failure(BaseModel):
    """Why a file could not be used."""

    code: str
    message: str


class Counts(BaseModel):
    """Rows by verdict. ``warned``: kept although something is odd."""

    read: int
    new: int
    changed: int
    unchanged: int
    rejected: int
    warned: int
    left_out: int


class Progress(BaseModel):
    """Rows done in the present stage; ``total`` is null while a file is still being read."""

    done: int
    total: int | None


class ImportView(BaseModel):
    """An import as the caller sees it."""

    id: UUID
    format: ImportFormat
    state: ImportState
    region_code: str
    bast_number: str | None
    period: str | None
    observed_on: date
    synthetic: bool
    uploaded_by_name: str | None
    decided_by_name: str | None
    reason: str | None
    failure: Failure | None
    counts: Counts
    progress: Progress
    result: dict[str, int] | None
    received_at: datetime
    parsed_at: datetime | None
    validated_at: datetime | None
    reviewed_at: datetime | None
    finished_at: datetime | None
    version: int
    allowed_actions: list[ImportAction]


class FindingView(BaseModel):
    """What was found in a cell. ``value`` is never an identity number."""

    column: str
    code: str
    severity: Severity
    value: str | None
    message: str


class RowView(BaseModel):
    """A row of the file, masked."""

    row: int
    verdict: Verdict
    name: str | None
    nik_masked: str | None
    kk_masked: str | None
    changed: list[str]
    findings: list[FindingView]


def import_view(row: dict[str, Any], actor: Actor, language: str) -> ImportView:
    """Return a row of ``imports`` as ``actor`` sees it."""
    state, import_format = ImportState(row["state"]), ImportFormat(row["format"])
    copied = {name: row[name] for name in ImportView.model_fields if name in row}
    counted = {name.removeprefix("rows_"): row[name] for name in imports.COUNTS}
    return ImportView.model_validate(
        {
            **copied,
            "failure": _failure(row["failure"], language),
            "counts": counted,
            "progress": {"done": row["progress_done"], "total": row["progress_total"]},
            "allowed_actions": allowed_actions(
                state, import_format, actions.decider(actor), row["uploaded_by"]
            ),
        }
    )


def _failure(stored: dict[str, Any] | None, language: str) -> dict[str, str] | None:
    if stored is None:
        return None
    refused = FileRefusedError(stored["code"], stored["params"])
    return {"code": refused.code, "message": refused.text(language)}


def row_view(row: StagedContent, language: str) -> RowView:
    """Return a staged row, masked."""
    return RowView(
        row=row.row_number,
        verdict=row.verdict,
        name=row.original.get("nama") or None,
        nik_masked=mask_nik(row.nik) if row.nik else None,
        kk_masked=mask_nik(row.kk) if row.kk else None,
        changed=row.changed,
        findings=[
            FindingView(
                column=one.column,
                code=one.code,
                severity=one.rule.severity,
                value=one.value,
                message=one.text(language),
            )
            for one in imports_templates.findings_of(row)
        ],
    )
