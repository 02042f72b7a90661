"""The people and programs of the story that ``tests/e2e/test_story.py`` tells.

Two villages, ten families. Desil and walking difficulty (question 428c, 1 or 2: cannot, or much
trouble) are set by hand so that every number of the story can be counted on this page:

====== ========= ===== ======================== =========================================
family village   desil who walks with trouble   what happens to it
====== ========= ===== ======================== =========================================
A1     Pelangsian 1    the head                 leg handed over, business tools too
A2     Pelangsian 2    the wife                 leg handed over
A3     Pelangsian 4    the head                 leg granted, not fetched
A4     Pelangsian 5    the head                 not eligible: desil 5
A5     Pelangsian 3    nobody                   business tools
A6     Pelangsian 8    nobody                   nothing
B1     Tinduk     1    the wife                 leg granted, not fetched
B2     Tinduk     2    nobody                   nothing
B3     Tinduk     none unknown                  not in the DTSEN extract
B4     Tinduk    10    nobody                   business tools by override: leakage
====== ========= ===== ======================== =========================================
"""

import io
from dataclasses import dataclass
from datetime import date
from typing import Any

from PIL import Image

from tests.support import files

PELANGSIAN, TINDUK = "62.02.06.2005", "62.02.05.2006"
KETAPANG, BAAMANG = "62.02.06", "62.02.05"
HEAD, WIFE, CHILD = 0, 1, 2
FIRST_FAMILY = 4001
BORN = (date(1980, 5, 6), date(1983, 8, 9), date(2014, 3, 4))
PURPOSE = "Verifikasi penerima bantuan kaki palsu"
LEG_IDR, TOOLS_IDR, CEILING_IDR = 12_500_000, 2_400_000, 1_000_000_000


@dataclass(frozen=True)
class Family:
    """A family of the story: how many members, its desil (None: not in DTSEN), who limps."""

    name: str
    village: str
    members: int
    desil: int | None
    walks_badly: int | None = None

    @property
    def number(self) -> int:
        """Its number for the builders of files."""
        return FIRST_FAMILY + [each.name for each in FAMILIES].index(self.name)

    @property
    def kk(self) -> str:
        return files.kk_number(self.number)

    def nik(self, member: int = HEAD) -> str:
        sex = "2" if member == WIFE else "1"
        return files.nik(self.number * 10 + member, sex, BORN[member])

    def residents(self) -> list[files.Row]:
        """Its rows of the village's list."""
        return [
            files.resident(
                self.number * 10 + member,
                self.number,
                nik=self.nik(member),
                sex="2" if member == WIFE else "1",
                tanggallahir=BORN[member].isoformat(),
                kk_level=("1", "3", "4")[member],
                status_kawin="1" if member == CHILD else "2",
            )
            for member in range(self.members)
        ]

    def welfare(self) -> list[files.Row]:
        """Its rows of the DTSEN extract."""
        if self.desil is None:
            return []
        return [
            files.welfare(
                self.number * 10 + member,
                self.number,
                nik=self.nik(member),
                kode_desa=self.village.replace(".", ""),
                desil_nasional=str(self.desil),
                id_berjalan_atau_naik_tangga=str(1 + member % 2)
                if member == self.walks_badly
                else "4",
            )
            for member in range(self.members)
        ]


FAMILIES = (
    Family("A1", PELANGSIAN, 3, 1, HEAD),
    Family("A2", PELANGSIAN, 2, 2, WIFE),
    Family("A3", PELANGSIAN, 1, 4, HEAD),
    Family("A4", PELANGSIAN, 2, 5, HEAD),
    Family("A5", PELANGSIAN, 1, 3),
    Family("A6", PELANGSIAN, 1, 8),
    Family("B1", TINDUK, 2, 1, WIFE),
    Family("B2", TINDUK, 1, 2),
    Family("B3", TINDUK, 1, None),
    Family("B4", TINDUK, 1, 10),
)
BY_NAME = {family.name: family for family in FAMILIES}
ROWS_OF_PELANGSIAN = 3 + 2 + 1 + 2 + 1 + 1
ROWS_OF_TINDUK = 2 + 1 + 1 + 1
CANDIDATES = {("A1", HEAD), ("A2", WIFE), ("A3", HEAD), ("B1", WIFE)}
"""Who walks with trouble and lives in a family of desil 1 to 4."""


def residents(village: str) -> list[files.Row]:
    return [row for each in FAMILIES if each.village == village for row in each.residents()]


def spoiled_row() -> files.Row:
    """A row that nobody can use: a NIK of fifteen digits."""
    return files.resident(49_999, FIRST_FAMILY + 90, nik="620201010190900")


def welfare() -> list[files.Row]:
    return [row for each in FAMILIES for row in each.welfare()]


def leg_program(year: int) -> dict[str, Any]:
    """What Dinas Sosial tells of its program."""
    return {
        "code": "KAKI-PALSU", "name": "Alat bantu: kaki palsu",
        "klaster": "I", "strategi": "BEBAN", "bidang": "KESEHATAN",
        "sub_kegiatan": "1.06.04.2.01.0003", "nomenclature_version": "900.1.15.5-1317/2023",
        "unit": "person",
        "benefit": {"kind": "goods", "item": "kaki palsu", "unit": "buah", "quantity": 1,
                    "unit_value_idr": LEG_IDR},
        "frequency": "sekali", "steps": ["ukur", "pesan", "coba", "serah", "kontrol"],
        "years": [{"year": year, "fund_source": "APBD_KAB", "ceiling_idr": CEILING_IDR,
                   "aid_ceiling_idr": None, "quota": 10}],
        "counts_as_reached": True, "sensitive": False,
    }  # fmt: skip


def tools_program(year: int) -> dict[str, Any]:
    """What Dinas Koperasi enters by hand: a paper list of money for tools."""
    return {
        "code": "MODAL-ALAT", "name": "Modal alat usaha mikro", "owner_code": "DISKOP",
        "klaster": "III", "strategi": "PENDAPATAN", "bidang": "EKONOMI", "unit": "family",
        "benefit": {"kind": "cash", "item": "modal alat", "unit": "paket", "quantity": 1,
                    "unit_value_idr": TOOLS_IDR},
        "frequency": "sekali",
        "years": [{"year": year, "fund_source": "APBD_KAB", "ceiling_idr": 100_000_000}],
        "counts_as_reached": True,
    }  # fmt: skip


def photo_with_place() -> bytes:
    """A small JPEG as a phone takes it: EXIF says 2°32'S 112°57'E."""
    picture = Image.new("RGB", (64, 48), (90, 120, 60))
    exif = Image.Exif()
    gps = exif.get_ifd(0x8825)
    gps[1], gps[2] = "S", (2.0, 32.0, 0.0)
    gps[3], gps[4] = "E", (112.0, 57.0, 0.0)
    exif[0x8825] = gps
    file = io.BytesIO()
    picture.save(file, "JPEG", exif=exif.tobytes())
    return file.getvalue()
