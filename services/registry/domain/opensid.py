"""The OpenSID resident list: its 43 columns and how its codes become ours (handbook 2.11).

OpenSID's numbers are not Regsosek's: its ``kk_level`` 2 is a husband and 3 a wife, where Regsosek
409 has 2 for either. Codes without a certain counterpart stay unmapped and are warned about.
"""

from collections.abc import Mapping

SOURCE = "opensid"
SHEET = "Data Penduduk"
END_MARK = "###"
"""A row that starts with this ends the data; below it stand notes for the operator."""

COLUMNS: tuple[str, ...] = (
    "alamat", "dusun", "rw", "rt", "nama", "no_kk", "nik", "sex", "tempatlahir", "tanggallahir",
    "agama_id", "pendidikan_kk_id", "pendidikan_sedang_id", "pekerjaan_id", "status_kawin",
    "kk_level", "warganegara_id", "ayah_nik", "nama_ayah", "ibu_nik", "nama_ibu",
    "golongan_darah_id", "akta_lahir", "dokumen_pasport", "tanggal_akhir_paspor",
    "dokumen_kitas", "akta_perkawinan", "tanggalperkawinan", "akta_perceraian",
    "tanggalperceraian", "cacat_id", "cara_kb_id", "hamil", "ktp_el", "status_rekam",
    "alamat_sekarang", "status_dasar", "suku", "tag_id_card", "id_asuransi", "no_asuransi",
    "lat", "lng",
)  # fmt: skip

KEPT: tuple[str, ...] = (
    "alamat", "dusun", "rw", "rt", "nama", "no_kk", "nik", "sex", "tanggallahir",
    "pendidikan_kk_id", "pekerjaan_id", "status_kawin", "kk_level", "cacat_id", "hamil",
    "status_dasar",
)  # fmt: skip
"""The purpose needs these. The rest (religion, ethnicity, blood group, contraception, passport,
parents' NIK …) is never read from the file, so it cannot reach staging, logs or exports."""

REQUIRED: tuple[str, ...] = ("nama", "no_kk", "nik", "sex", "tanggallahir", "kk_level")

ALIASES: Mapping[str, str] = {
    "nokk": "no_kk",
    "nomor_kk": "no_kk",
    "jenis_kelamin": "sex",
    "tanggal_lahir": "tanggallahir",
    "tgl_lahir": "tanggallahir",
    "hubungan_keluarga": "kk_level",
    "shdk": "kk_level",
    "status_perkawinan": "status_kawin",
}

SEX: Mapping[str, str] = {
    "1": "L", "2": "P", "L": "L", "P": "P",
    "LAKI-LAKI": "L", "LAKI LAKI": "L", "PEREMPUAN": "P",
}  # fmt: skip

RELATION_409: Mapping[str, int] = {
    "1": 1, "2": 2, "3": 2, "4": 3, "5": 4, "6": 5, "7": 6, "8": 6, "9": 8, "10": 7, "11": 8,
    "KEPALA KELUARGA": 1, "SUAMI": 2, "ISTRI": 2, "ANAK": 3, "MENANTU": 4, "CUCU": 5,
    "ORANGTUA": 6, "ORANG TUA": 6, "MERTUA": 6, "FAMILI LAIN": 8, "PEMBANTU": 7, "LAINNYA": 8,
}  # fmt: skip

MARITAL_408: Mapping[str, int] = {
    "1": 1, "2": 2, "3": 3, "4": 4,
    "BELUM KAWIN": 1, "KAWIN": 2, "CERAI HIDUP": 3, "CERAI MATI": 4,
}  # fmt: skip

EDUCATION: Mapping[str, int] = {str(code): code for code in range(1, 11)}
OCCUPATION: Mapping[str, int] = {str(code): code for code in range(1, 90)}
DISABILITY: Mapping[str, int] = {str(code): code for code in range(1, 8)}
PREGNANT_410: Mapping[str, int] = {"1": 1, "2": 2}

PRESENCE_404: Mapping[str, int] = {"1": 1, "2": 2, "3": 3, "4": 6}
"""``status_dasar``: alive, dead, moved, lost. 6 (*pergi*) does not say where to: not guessed."""
STATUS_AMBIGUOUS = "6"
STATUS_INVALID = "9"

NIK_ABSENT: frozenset[str] = frozenset({"", "0", "-"})
"""How OpenSID writes "no NIK yet"."""
