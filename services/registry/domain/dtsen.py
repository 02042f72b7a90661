"""The DTSEN extract: one row per member, the family's columns repeated (handbook 2.8).

Values follow the Regsosek 2022 lists, so most columns only change their name. Illnesses, income
and the aid columns are not read: this import is for rank, housing and functional difficulty.
"""

from collections.abc import Mapping
from dataclasses import dataclass

SOURCE = "dtsen"


@dataclass(frozen=True, slots=True)
class Answer:
    """A coded column: the Regsosek question it answers and its lawful range."""

    question: str
    low: int
    high: int


HOUSING: Mapping[str, Answer] = {
    "id_status_penguasaan_bangunan": Answer("301a", 1, 5),
    "luas_lantai_bangunan": Answer("302", 0, 999),
    "id_lantai_terluas": Answer("303", 1, 9),
    "id_dinding_terluas": Answer("304", 1, 7),
    "id_atap_terluas": Answer("305", 1, 8),
    "id_sumber_airminum": Answer("306a", 1, 11),
    "id_sumberpenerangan": Answer("307a", 1, 4),
    "id_dayapenerangan": Answer("307b1", 1, 5),
    "id_bb_utama": Answer("308", 1, 12),
    "id_fasilitas_bab": Answer("309a", 1, 6),
    "id_jenis_kloset": Answer("309b", 1, 4),
    "id_pembuangan_tinja": Answer("310", 1, 6),
}

DIFFICULTY: Mapping[str, Answer] = {
    "id_penglihatan": Answer("428a", 1, 4),
    "id_pendengaran": Answer("428b", 1, 4),
    "id_berjalan_atau_naik_tangga": Answer("428c", 1, 4),
    "id_menggunakan_tangan_jari": Answer("428d", 1, 4),
    "id_belajar_kemampuan_intelektual": Answer("428e", 1, 4),
    "id_pengendalian_perilaku": Answer("428f", 1, 4),
    "id_berbicara_komunikasi": Answer("428g", 1, 4),
    "id_mengurus_diri": Answer("428h", 1, 4),
    "id_mengingat_berkonsentrasi": Answer("428i", 1, 4),
    "id_kesedihan_depresi": Answer("428j", 1, 4),
}

COLUMNS: tuple[str, ...] = (
    "no_kk", "nik", "nama", "kode_desa", "desil_nasional", "status_dtsen", "cut_off",
    *HOUSING, *DIFFICULTY,
)  # fmt: skip
KEPT: tuple[str, ...] = tuple(column for column in COLUMNS if column != "nama")
"""Names are in the registry already; the extract's spelling is not needed to match by number."""

REQUIRED: tuple[str, ...] = ("no_kk", "nik", "desil_nasional")

ALIASES: Mapping[str, str] = {
    "nomor_kartu_keluarga": "no_kk",
    "nomor_kk": "no_kk",
    "cut_off_keluarga": "cut_off",
    "luas_lantai": "luas_lantai_bangunan",
    "desil": "desil_nasional",
}

STATUS_ACTIVE = "DTSEN AKTIF"
STATUS_MAYBE_DEAD = "DTSEN AKTIF - ASESMEN MENINGGAL"
STATUS_INACTIVE = "DTSEN NONAKTIF"

UNRANKED = "BELUM_DIPERINGKAT"
INACTIVE = "DTSEN_NONAKTIF"
"""Reasons of a rank that is null: never the same as a low or a high desil."""
