"""The one table from domain errors to HTTP: code, status, sentences in both languages."""

from services.indicators.domain import errors
from services.shared.problems import ProblemType

CATALOGUE: dict[type[Exception], ProblemType] = {
    errors.ProgramUnknown: ProblemType(
        "program_unknown", 404, "Program tidak ditemukan", "The program was not found"
    ),
    errors.IndicatorUnknown: ProblemType(
        "indicator_unknown", 404, "Indikator tidak ditemukan", "The indicator was not found"
    ),
    errors.PeriodInvalid: ProblemType(
        "period_invalid",
        422,
        "Periode tidak sesuai",
        "The period does not fit",
        "Gunakan tahun (2025), bulan (2025-03) atau semester (2025-S1).",
        "Use a year (2025), a month (2025-03) or a half-year (2025-S1).",
    ),
    errors.OfficialFigureNotOurs: ProblemType(
        "official_figure_not_ours",
        409,
        "Angka resmi diterbitkan oleh sumbernya",
        "An official figure is published by its source",
        "Betang tidak menghitung dan tidak menerbitkan {code}.",
        "Betang neither computes nor publishes {code}.",
    ),
    errors.NothingToPublish: ProblemType(
        "nothing_to_publish",
        409,
        "Belum ada nilai untuk diterbitkan",
        "There is no value to publish yet",
    ),
    errors.ReasonMissing: ProblemType(
        "reason_missing",
        422,
        "Perubahan angka yang sudah tercatat memerlukan alasan",
        "A change of a recorded figure needs a reason",
        "Sudah ada catatan lain untuk {year}.",
        "There is another entry for {year}.",
    ),
    errors.RowsRefused: ProblemType(
        "rows_refused",
        422,
        "Berkas ditolak karena ada baris yang keliru",
        "The file was refused because of faulty rows",
        "{count} kesalahan; tidak ada baris yang dicatat.",
        "{count} faults; no row was recorded.",
    ),
}
