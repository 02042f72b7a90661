"""What can be wrong with a row or a whole file of an import, said so that an operator can mend it.

A *finding* is about one cell of one row: an error rejects the row, a warning travels with it.
A *file failure* ends the whole import before any row is kept. The texts are Indonesian first,
English second; ``{value}`` is the cell as it stood, never an identity number.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

XLSX_ROWS_MAX = 100_000
"""A workbook is held in memory by its reader; longer lists come as CSV, which is streamed."""
XLSX_BYTES_MAX = 64 * 1024 * 1024
XLSX_INFLATED_BYTES_MAX = 1024 * 1024 * 1024
XLSX_CELLS_MAX = 120 * XLSX_ROWS_MAX
"""Of the rectangle around all cells; a reader needs some 30 bytes for each, filled or not."""
CSV_BYTES_MAX = 256 * 1024 * 1024
DAMAGED_COLUMN_ROWS_MIN = 10
"""So many numbers that all end in 0 are no accident (chance 1 in 10^10)."""
EXCEL_DIGITS_MAX = 15
"""Excel keeps 15 significant digits of a number and writes zeros for the rest."""
BIRTH_YEAR_MIN = 1900
NAME_LENGTH_MAX = 100


class Severity(StrEnum):
    """ERROR rejects the row, WARNING is shown and kept."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Rule:
    """What a code means, in both languages."""

    severity: Severity
    text_id: str
    text_en: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found in one cell. ``value`` is empty for identity numbers."""

    column: str
    code: str
    value: str | None = None

    @property
    def rule(self) -> Rule:
        return RULES[self.code]

    def text(self, language: str = "id") -> str:
        """Return the sentence for the operator, with the column in front."""
        template = self.rule.text_en if language == "en" else self.rule.text_id
        return f"{self.column}: " + template.format(value=self.value or "")


def _error(text_id: str, text_en: str) -> Rule:
    return Rule(Severity.ERROR, text_id, text_en)


def _warning(text_id: str, text_en: str) -> Rule:
    return Rule(Severity.WARNING, text_id, text_en)


RULES: Mapping[str, Rule] = {
    # Identity numbers, handbook 2.1 and 2.2.
    "number_missing": _error(
        "nomor kosong; isi 16 angka", "the number is empty; fill in its 16 digits"
    ),
    "number_not_16_digits": _error(
        "harus tepat 16 angka; mungkin nol di depan hilang atau ada angka yang terlewat",
        "must be exactly 16 digits; leading zeros or a digit may have been lost",
    ),
    "number_scientific": _error(
        "dirusak Excel menjadi bentuk ilmiah (seperti 6,20206E+15); jadikan kolom Teks, lalu isi "
        "lagi dari sumbernya",
        "Excel turned it into scientific notation (like 6.20206E+15); make the column Text and "
        "fill it in again from its source",
    ),
    "number_cell_numeric": _error(
        "tersimpan sebagai angka, bukan teks; Excel mengganti angka ke-16 dengan 0, jadi nomor ini "
        "tidak dapat dipercaya; jadikan kolom Teks, lalu isi lagi",
        "stored as a number, not as text; Excel replaces the 16th digit by 0, so it cannot be "
        "trusted; make the column Text and fill it in again",
    ),
    "number_repeated_digit": _error(
        "semua angkanya sama; ini bukan nomor yang sah", "all digits are the same; not a number"
    ),
    "number_normalised": _warning(
        "tanda baca, spasi, atau huruf O/l telah dibersihkan; periksa nomornya",
        "punctuation, spaces or letters O/l were cleaned away; check the number",
    ),
    "number_province_unknown": _warning(
        "dua angka pertama bukan kode provinsi yang dikenal",
        "the first two digits are no known province",
    ),
    "number_date_impossible": _error(
        "angka ke-7 sampai ke-12 bukan tanggal yang mungkin",
        "digits 7 to 12 are no possible date",
    ),
    "number_serial_zero": _error(
        "empat angka terakhir 0000 tidak pernah diterbitkan", "the serial 0000 is never issued"
    ),
    "nik_sex_differs": _warning(
        "jenis kelamin berbeda dari yang tersirat dalam NIK",
        "the sex differs from the one in the NIK",
    ),
    "nik_birth_differs": _warning(
        "tanggal lahir berbeda dari yang tersirat dalam NIK",
        "the birth date differs from the one in the NIK",
    ),
    "nik_absent": _warning(
        "penduduk belum ber-NIK; dicatat tanpa NIK dengan alasannya",
        "no NIK yet; recorded without one, with the reason",
    ),
    "nik_twice_in_family": _error(
        "NIK yang sama sudah ada di baris {value} dalam keluarga yang sama",
        "the same NIK stands in row {value} of the same family",
    ),
    "nik_in_two_families": _error(
        "NIK yang sama ada juga di baris {value} dengan nomor KK lain; pastikan keluarganya",
        "the same NIK also stands in row {value} with another KK number; settle the family",
    ),
    "nik_held_elsewhere": _warning(
        "NIK ini dipegang penduduk aktif di desa lain; klaim masuk antrean sengketa, tidak hilang",
        "an active resident of another village holds this NIK; the claim is queued as disputed",
    ),
    "kk_in_other_village": _warning(
        "nomor KK ini dipegang keluarga di desa lain; klaim masuk antrean sengketa, tidak hilang",
        "a family of another village holds this KK number; the claim is queued as disputed",
    ),
    # Everything else about a resident.
    "row_too_long": _error(
        "ada isian di luar kolom terakhir; mungkin pemisah (; atau ,) di dalam isian menggeser "
        "kolom",
        "there is text beyond the last column; a separator inside a cell may have moved columns",
    ),
    "name_missing": _error("nama kosong", "the name is empty"),
    "name_too_long": _error("nama lebih dari 100 huruf", "the name is longer than 100 characters"),
    "name_has_digits": _warning("nama mengandung angka: {value}", "digits in a name: {value}"),
    "cell_is_formula": _error(
        "sel berisi rumus; tempel sebagai nilai", "the cell holds a formula; paste it as a value"
    ),
    "date_missing": _warning("tanggal kosong", "the date is empty"),
    "date_unreadable": _error(
        "tanggal tidak terbaca: {value}; tulis seperti 17-11-2022 atau 2022-11-17",
        "unreadable date: {value}; write it like 17-11-2022 or 2022-11-17",
    ),
    "date_in_future": _error("tanggal di masa depan: {value}", "a date in the future: {value}"),
    "date_too_old": _error(
        "tanggal sebelum tahun 1900: {value}", "a date before the year 1900: {value}"
    ),
    "code_missing": _error("wajib diisi", "must be filled in"),
    "code_unknown": _error(
        "kode tidak dikenal: {value}; lihat lembar kode", "unknown code: {value}; see the code list"
    ),
    "code_dropped": _warning(
        "kode tidak dikenal, dikosongkan: {value}", "unknown code, left empty: {value}"
    ),
    "number_out_of_range": _warning(
        "angka di luar batas, dikosongkan: {value}", "number out of range, left empty: {value}"
    ),
    "text_too_long": _warning("teks terlalu panjang, dipotong", "the text is too long and was cut"),
    "status_ambiguous": _warning(
        "status dasar {value} tidak punya padanan pasti; keberadaan tidak diubah",
        "basic status {value} has no certain counterpart; the presence is not changed",
    ),
    "status_invalid": _error(
        "OpenSID menandai penduduk ini tidak valid", "OpenSID marks this resident as not valid"
    ),
    "second_head": _error(
        "keluarga ini sudah punya kepala keluarga di baris {value}",
        "this family already has its head in row {value}",
    ),
    "family_without_head": _warning(
        "keluarga ini tidak punya kepala keluarga di berkas",
        "this family has no head in the file",
    ),
    # A DTSEN extract.
    "desil_unknown": _error(
        "desil harus 0 sampai 10 atau rentang seperti 6-10; terbaca: {value}",
        "desil must be 0 to 10 or a range like 6-10; found: {value}",
    ),
    "desil_unranked": _warning("keluarga belum diperingkat", "the family is not ranked yet"),
    "family_conflict": _error(
        "isian keluarga berbeda antaranggota dalam berkas ini (baris {value})",
        "family values differ between its members in this file (row {value})",
    ),
    "family_not_registered": _error(
        "keluarga tidak ada di registri", "the family is not in the registry"
    ),
    "member_not_registered": _warning(
        "anggota tidak ada dalam keluarga ini di registri; isian anggota diabaikan",
        "no such member of this family in the registry; the member's answers are ignored",
    ),
    "region_outside": _error(
        "wilayah di luar kabupaten pengunggah: {value}",
        "the region is outside the uploader's regency: {value}",
    ),
    "status_inactive": _warning(
        "status DTSEN tidak aktif; peringkat dikosongkan",
        "the DTSEN status is inactive; the rank is left empty",
    ),
    "status_maybe_dead": _warning(
        "DTSEN menduga anggota ini meninggal; periksa di lapangan",
        "DTSEN assumes this member has died; check in the field",
    ),
    "period_mismatch": _error(
        "tanggal potong di berkas ({value}) berbeda dari yang diisikan saat mengunggah",
        "the cut-off in the file ({value}) differs from the one given with the upload",
    ),
    # Found when merging.
    "changed_since_review": _error(
        "data di registri berubah sejak diperiksa; unggah ulang baris ini",
        "the registry changed since the review; upload this row again",
    ),
}


@dataclass(frozen=True, slots=True)
class FileFailure:
    """Why a whole file cannot be used."""

    text_id: str
    text_en: str


FILE_FAILURES: Mapping[str, FileFailure] = {
    "upload_missing": FileFailure(
        "Berkas unggahan tidak ditemukan atau belum selesai diunggah; unggah ulang.",
        "The upload was not found or is not finished; upload it again.",
    ),
    "file_empty": FileFailure("Berkas kosong.", "The file is empty."),
    "no_rows": FileFailure(
        "Tidak ada baris data di bawah judul kolom.", "There are no rows below the header."
    ),
    "not_a_workbook": FileFailure(
        "Berkas bukan XLSX yang utuh; mungkin terpotong saat diunggah atau ditolak kata sandi. "
        "Simpan ulang sebagai .xlsx atau .csv.",
        "Not an intact XLSX; it may be cut off or protected by a password. Save it again.",
    ),
    "old_workbook": FileFailure(
        "Berkas .xls lama atau terkunci kata sandi tidak dapat dibaca; simpan sebagai .xlsx.",
        "An old .xls or a workbook with a password cannot be read; save it as .xlsx.",
    ),
    "workbook_too_big": FileFailure(
        "Buku kerja terlalu besar setelah dibuka; simpan sebagai CSV.",
        "The workbook is too big when unpacked; save it as CSV.",
    ),
    "too_many_rows": FileFailure(
        "Lebih dari 100.000 baris dalam XLSX; simpan sebagai CSV (hingga 256 MB).",
        "More than 100,000 rows in an XLSX; save it as CSV (up to 256 MB).",
    ),
    "file_too_big": FileFailure(
        "Berkas terlalu besar: XLSX hingga 64 MB, CSV hingga 256 MB; bagi per desa atau kecamatan.",
        "The file is too big: XLSX up to 64 MB, CSV up to 256 MB; split it by village or district.",
    ),
    "not_text": FileFailure(
        "Berkas bukan CSV: isinya bukan teks.", "Not a CSV: its content is no text."
    ),
    "columns_missing": FileFailure(
        "Kolom wajib tidak ada: {columns}. Pakai templat yang dapat diunduh.",
        "Required columns are missing: {columns}. Use the downloadable template.",
    ),
    "columns_twice": FileFailure(
        "Kolom muncul lebih dari sekali: {columns}.", "Columns stand more than once: {columns}."
    ),
    "wrong_file": FileFailure(
        "Berkas ini tampaknya bukan {expected}: judul kolomnya tidak dikenal.",
        "This does not look like {expected}: its column titles are unknown.",
    ),
    "column_scientific": FileFailure(
        "Seluruh kolom {columns} dirusak Excel (bentuk ilmiah atau sel angka); jadikan kolom Teks "
        "dan ekspor ulang dari sumbernya.",
        "The whole column {columns} was damaged by Excel (scientific or numeric cells); make it "
        "Text and export it again from its source.",
    ),
    "column_ends_in_zero": FileFailure(
        "Semua nomor di kolom {columns} berakhir 0: Excel menghapus angka ke-16. Jadikan kolom "
        "Teks dan ekspor ulang dari sumbernya.",
        "All numbers in column {columns} end in 0: Excel removed the 16th digit. Make it Text and "
        "export it again from its source.",
    ),
    "crashed_too_often": FileFailure(
        "Pengolahan gagal berulang kali; hubungi pengelola sistem dengan nomor impor ini.",
        "Processing failed repeatedly; tell the administrators the number of this import.",
    ),
}


@dataclass
class FileRefusedError(Exception):
    """The whole file cannot be used; ``code`` is a key of ``FILE_FAILURES``."""

    code: str
    params: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.text("en")

    def text(self, language: str = "id") -> str:
        failure = FILE_FAILURES[self.code]
        template = failure.text_en if language == "en" else failure.text_id
        return template.format(**self.params)
