"""The one table from domain errors to HTTP: code, status, sentences in both languages."""

from services.programs.domain import errors
from services.shared.problems import ProblemType

CATALOGUE: dict[type[Exception], ProblemType] = {
    errors.ProgramNotFound: ProblemType(
        "program_not_found", 404, "Program tidak ditemukan", "The program was not found"
    ),
    errors.EnrolmentNotFound: ProblemType(
        "enrolment_not_found", 404, "Penetapan tidak ditemukan", "The enrolment was not found"
    ),
    errors.RuleNotFound: ProblemType(
        "rule_not_found",
        404,
        "Program belum punya aturan kelayakan yang berlaku",
        "The program has no eligibility rule in force",
    ),
    errors.OrganisationUnknown: ProblemType(
        "organisation_unknown",
        409,
        "Organisasi belum terdaftar",
        "The organisation is not registered",
        "Daftarkan dahulu organisasi {code}.",
        "Register the organisation {code} first.",
    ),
    errors.OrganisationExists: ProblemType(
        "organisation_exists",
        409,
        "Kode organisasi sudah dipakai",
        "The organisation's code is taken",
    ),
    errors.ProgramExists: ProblemType(
        "program_exists",
        409,
        "Organisasi ini sudah punya program dengan kode itu",
        "The organisation has a program with this code already",
    ),
    errors.NotYourAgency: ProblemType(
        "not_your_agency",
        403,
        "Program ini milik organisasi lain",
        "The program belongs to another organisation",
    ),
    errors.SameHand: ProblemType(
        "same_hand",
        403,
        "Pengusul tidak boleh menyetujui usulannya sendiri",
        "Who proposed may not decide",
    ),
    errors.WrongStatus: ProblemType(
        "wrong_status",
        409,
        "Status sekarang tidak mengizinkan tindakan ini",
        "The present status does not allow this",
        "Statusnya {status}.",
        "Its status is {status}.",
    ),
    errors.InvalidSubKegiatan: ProblemType(
        "invalid_sub_kegiatan",
        422,
        "Kode sub-kegiatan SIPD keliru",
        "The SIPD code is not well formed",
        "Contoh yang benar: 1.06.05.2.02.0001.",
        "A right one looks like 1.06.05.2.02.0001.",
    ),
    errors.InvalidYears: ProblemType(
        "invalid_years",
        422,
        "Baris anggaran ganda, di luar batas, atau pagu bantuan melebihi pagu",
        "A budget line is doubled, out of range, or its aid part exceeds the ceiling",
    ),
    errors.InvalidBenefit: ProblemType(
        "invalid_benefit",
        422,
        "Jumlah atau nilai manfaat keliru",
        "The benefit's quantity or value cannot be right",
    ),
    errors.InvalidDates: ProblemType(
        "invalid_dates",
        422,
        "Tanggal akhir mendahului tanggal mulai",
        "The last day lies before the first",
        "Berlaku mulai {valid_from}; isi valid_from bila mulai lebih awal.",
        "It would begin on {valid_from}; give valid_from if it begins earlier.",
    ),
    errors.InvalidRule: ProblemType(
        "invalid_rule",
        422,
        "Aturan tidak dapat dijalankan",
        "The rule cannot be compiled",
        "Di {pointer}: {reason}",
        "At {pointer}: {reason}",
    ),
    errors.InvalidStackingRule: ProblemType(
        "invalid_stacking_rule",
        409,
        "Aturan tumpang tindih keliru atau sudah ada",
        "The stacking rule is wrong or exists already",
    ),
    errors.FamilyUnknown: ProblemType(
        "family_unknown",
        404,
        "Keluarga atau anggota ini tidak dikenal di wilayah Anda",
        "The family or person is not known in your region",
    ),
    errors.WrongUnit: ProblemType(
        "wrong_unit",
        422,
        "Penerima tidak sesuai satuan program",
        "The recipient does not fit the program's unit",
        "Satuan program: {unit}.",
        "The program's unit is {unit}.",
    ),
    errors.AlreadyEnrolled: ProblemType(
        "already_enrolled",
        409,
        "Penerima sudah diusulkan atau ditetapkan dalam program dan tahun ini",
        "The recipient is proposed or enrolled in this program and year already",
    ),
    errors.ProgramNotActive: ProblemType(
        "program_not_active",
        409,
        "Program tidak aktif, atau tidak beranggaran pada tahun itu",
        "The program is not active, or has no budget line in that year",
        "Status {status}, tahun {year}.",
        "Status {status}, year {year}.",
    ),
    errors.NotEligible: ProblemType(
        "not_eligible",
        409,
        "Ada syarat yang tidak terpenuhi",
        "A condition is not met",
        "Penetapan dengan pengecualian memerlukan override_reason.",
        "Granting it all the same needs an override_reason.",
    ),
    errors.MalformedFact: ProblemType(
        "malformed_fact",
        422,
        "Data yang diterima memuat nilai yang keliru",
        "The data holds a value that cannot be right",
    ),
    errors.QuotaExceeded: ProblemType(
        "quota_exceeded",
        409,
        "Kuota terlampaui",
        "The quota would be exceeded",
        "Kuota {quota}, sudah ditetapkan {granted}, diminta {requested}.",
        "Quota {quota}, granted {granted}, requested {requested}.",
    ),
    errors.CeilingExceeded: ProblemType(
        "ceiling_exceeded",
        409,
        "Pagu bantuan terlampaui",
        "The aid ceiling would be exceeded",
        "Pagu Rp{aid_ceiling_idr}, terikat Rp{committed_idr}, diminta Rp{requested_idr}.",
        "Ceiling Rp{aid_ceiling_idr}, committed Rp{committed_idr}, requested Rp{requested_idr}.",
    ),
}


def code_of(error: errors.DomainError) -> str:
    """Return the stable code of an error, for the rows of a batch."""
    return error.code
