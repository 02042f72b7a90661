"""The one table from domain errors to answers; every subclass of ``DomainError`` stands here."""

from services.registry.domain import errors
from services.shared.problems import ProblemType

PROBLEMS: dict[type[Exception], ProblemType] = {
    errors.FamilyNotFoundError: ProblemType(
        "family_not_found", 404, "Keluarga tidak ditemukan", "The family was not found"
    ),
    errors.FamilyNotThereThenError: ProblemType(
        "family_not_there_then",
        404,
        "Keluarga ini belum ada atau belum tercatat pada waktu itu",
        "The family was not there, or not yet on record, at that time",
        "Yang ditanyakan: keadaan pada {as_of} menurut catatan sampai {known_at}.",
        "Asked for: the state of {as_of} by what was on record at {known_at}.",
    ),
    errors.PersonNotFoundError: ProblemType(
        "person_not_found", 404, "Orang tidak ditemukan", "The person was not found"
    ),
    errors.RegionNotFoundError: ProblemType(
        "region_not_found",
        404,
        "Desa atau kelurahan tidak ditemukan",
        "The village was not found",
    ),
    errors.CodeListNotFoundError: ProblemType(
        "code_list_not_found", 404, "Daftar kode tidak ditemukan", "The code list was not found"
    ),
    errors.PersonHasNoNikError: ProblemType(
        "person_has_no_nik",
        409,
        "Orang ini belum mempunyai NIK",
        "This person has no NIK",
    ),
    errors.InvalidNumberError: ProblemType(
        "invalid_number",
        422,
        "NIK atau nomor KK tidak sah",
        "The NIK or KK number cannot exist",
        "Nomor terdiri atas 16 digit dengan tanggal yang mungkin.",
        "A number has 16 digits with a possible date.",
    ),
    errors.StatusForbidsError: ProblemType(
        "status_forbids",
        409,
        "Status keluarga tidak mengizinkan tindakan ini",
        "The family's status does not allow this",
        "Status sekarang: {status}.",
        "The present status is {status}.",
    ),
    errors.NothingToChangeError: ProblemType(
        "nothing_to_change", 409, "Tidak ada yang berubah", "Nothing would change"
    ),
}
