"""The organisations and programs of the demonstration, after handbook 1.11 and 1.12.

Amounts and desil ceilings there are marked as unconfirmed; here they make a demonstration, and
each regency enters its own with the number of the year's juknis. Ceilings are invented.
"""

from dataclasses import dataclass, field
from typing import Any

ORGANISATIONS = (
    ("DINSOS", "Dinas Sosial", "SKPD"),
    ("DINKES", "Dinas Kesehatan", "SKPD"),
    ("DISDIK", "Dinas Pendidikan", "SKPD"),
    ("PUPR", "Dinas PUPR, Perumahan Rakyat dan Kawasan Permukiman", "SKPD"),
    ("DISKOP", "Dinas Koperasi, UKM, Perdagangan dan Perindustrian", "SKPD"),
    ("DPMD", "Dinas Pemberdayaan Masyarakat dan Desa", "SKPD"),
    ("DP3AP2KB", "Dinas Pemberdayaan Perempuan dan Perlindungan Anak", "SKPD"),
    ("KEMENSOS", "Kementerian Sosial", "KEMENTERIAN"),
    ("KEMENKES", "Kementerian Kesehatan", "KEMENTERIAN"),
    ("KEMENDIKDASMEN", "Kementerian Pendidikan Dasar dan Menengah", "KEMENTERIAN"),
    ("BAZNAS", "Baznas Kotawaringin Timur", "BAZNAS"),
)

NOMENCLATURE = "900.1.15.5-1317/2023"


@dataclass(frozen=True, slots=True)
class Program:
    """One program: its description as the catalog takes it, and how the demonstration runs it.

    ``desil_max`` and ``rule`` decide who is eligible; ``share`` is the part of the eligible who
    are enrolled (gaps), ``leak`` the part enrolled by override though not eligible; ``delivered``
    the part of entitlements handed over; ``cycles`` the months of its cycles in a year.
    """

    code: str
    name: str
    owner: str
    reporter: str
    klaster: str
    strategi: str
    bidang: str
    unit: str
    kind: str
    item: str
    unit_name: str
    unit_value_idr: int | None
    frequency: str
    fund_source: str
    ceiling_idr: int | None
    desil_max: int
    share: float
    cycles: tuple[int, ...]
    delivered: float = 0.93
    leak: float = 0.0
    quantity: int = 1
    sub_kegiatan: str | None = None
    steps: tuple[str, ...] = ()
    counts_as_reached: bool = True
    rule: tuple[dict[str, Any], ...] = field(default=())

    def described(self, years: tuple[int, ...], families: int) -> dict[str, Any]:
        """Return the catalog's description, ceilings scaled from 150,000 to ``families``."""
        ceiling = self.ceiling_idr and max(10_000_000, self.ceiling_idr * families // 150_000)
        return {
            "code": self.code, "name": self.name, "klaster": self.klaster,
            "strategi": self.strategi, "bidang": self.bidang,
            "sub_kegiatan": self.sub_kegiatan,
            "nomenclature_version": NOMENCLATURE if self.sub_kegiatan else None,
            "unit": self.unit,
            "benefit": {
                "kind": self.kind, "item": self.item, "unit": self.unit_name,
                "quantity": self.quantity, "unit_value_idr": self.unit_value_idr,
            },
            "frequency": self.frequency, "steps": list(self.steps),
            "years": [
                {"year": year, "fund_source": self.fund_source, "ceiling_idr": ceiling,
                 "aid_ceiling_idr": None, "quota": None}
                for year in years
            ],
            "counts_as_reached": self.counts_as_reached, "sensitive": False,
        }  # fmt: skip


WALKING = {"kondisi_anggota": {"pertanyaan": "428c", "kode": [1, 2]}}

PROSTHETIC_LEG = Program(
    code="KAKI-PALSU", name="Alat bantu: kaki palsu", owner="DINSOS", reporter="DINSOS",
    klaster="I", strategi="BEBAN", bidang="KESEHATAN", unit="person",
    kind="goods", item="kaki palsu", unit_name="buah", unit_value_idr=12_500_000,
    frequency="sekali", fund_source="APBD_KAB", ceiling_idr=15_000_000_000,
    sub_kegiatan="1.06.04.2.01.0003", steps=("ukur", "pesan", "coba", "serah", "kontrol"),
    desil_max=4, share=0.35, delivered=0.8, cycles=(10,), rule=(WALKING,),
)  # fmt: skip
"""The one that Dinas Sosial publishes as an event from its own system."""

PROGRAMS = (
    Program(
        code="PKH", name="Program Keluarga Harapan", owner="KEMENSOS", reporter="DINSOS",
        klaster="I", strategi="BEBAN", bidang="EKONOMI", unit="family",
        kind="cash", item="bantuan tunai", unit_name="tahap", unit_value_idr=600_000,
        frequency="triwulan", fund_source="APBN", ceiling_idr=60_000_000_000,
        desil_max=4, share=0.42, leak=0.004, cycles=(3, 6, 9),
    ),
    Program(
        code="SEMBAKO", name="Program Sembako", owner="KEMENSOS", reporter="DINSOS",
        klaster="I", strategi="BEBAN", bidang="EKONOMI", unit="family",
        kind="cash", item="bantuan pangan nontunai", unit_name="bulan", unit_value_idr=200_000,
        quantity=3, frequency="triwulan", fund_source="APBN", ceiling_idr=90_000_000_000,
        desil_max=4, share=0.5, leak=0.006, cycles=(3, 6, 9),
    ),
    Program(
        code="PBI-JKN", name="Penerima Bantuan Iuran JKN", owner="KEMENKES", reporter="DINSOS",
        klaster="I", strategi="BEBAN", bidang="KESEHATAN", unit="family",
        kind="service", item="iuran JKN", unit_name="bulan", unit_value_idr=42_000,
        quantity=12, frequency="tahunan", fund_source="APBN", ceiling_idr=None,
        desil_max=5, share=0.8, cycles=(1,), counts_as_reached=False,
    ),
    Program(
        code="PIP", name="Program Indonesia Pintar", owner="KEMENDIKDASMEN", reporter="DISDIK",
        klaster="I", strategi="BEBAN", bidang="PENDIDIKAN", unit="person",
        kind="cash", item="bantuan pendidikan", unit_name="tahun", unit_value_idr=450_000,
        frequency="tahunan", fund_source="APBN", ceiling_idr=20_000_000_000,
        desil_max=4, share=0.35, cycles=(8,), rule=({"umur": {"min": 6, "maks": 21}},),
    ),
    Program(
        code="BLT-DD", name="BLT Dana Desa", owner="DPMD", reporter="DPMD",
        klaster="I", strategi="BEBAN", bidang="EKONOMI", unit="family",
        kind="cash", item="bantuan tunai", unit_name="bulan", unit_value_idr=300_000,
        quantity=3, frequency="triwulan", fund_source="DANA_DESA", ceiling_idr=30_000_000_000,
        desil_max=2, share=0.2, cycles=(4, 7), rule=({"jenis_desa": {"nilai": "desa"}},),
    ),
    Program(
        code="RTLH", name="Rehabilitasi Rumah Tidak Layak Huni", owner="PUPR", reporter="PUPR",
        klaster="IV", strategi="KANTONG", bidang="INFRASTRUKTUR", unit="family",
        kind="goods", item="paket bahan bangunan", unit_name="paket", unit_value_idr=20_000_000,
        frequency="sekali", fund_source="APBD_KAB", ceiling_idr=40_000_000_000,
        desil_max=4, share=0.06, delivered=0.7, cycles=(7,),
        rule=({"perumahan": {"pertanyaan": "303", "kode": [5, 7, 8]}},),
    ),
    Program(
        code="JAMBAN", name="Jambanisasi keluarga", owner="PUPR", reporter="PUPR",
        klaster="II", strategi="KANTONG", bidang="INFRASTRUKTUR", unit="family",
        kind="goods", item="paket jamban", unit_name="paket", unit_value_idr=4_500_000,
        frequency="sekali", fund_source="DAK_FISIK", ceiling_idr=12_000_000_000,
        desil_max=4, share=0.08, delivered=0.75, cycles=(8,),
        rule=({"perumahan": {"pertanyaan": "309a", "kode": [4, 5, 6]}},),
    ),
    Program(
        code="UMKM-ALAT", name="Bantuan alat usaha mikro", owner="DISKOP", reporter="DISKOP",
        klaster="III", strategi="PENDAPATAN", bidang="EKONOMI", unit="person",
        kind="goods", item="paket alat usaha", unit_name="paket", unit_value_idr=2_400_000,
        frequency="sekali", fund_source="APBD_KAB", ceiling_idr=9_000_000_000,
        sub_kegiatan="2.17.07.2.01.0015", desil_max=4, share=0.02, cycles=(5,),
        rule=({"umur": {"min": 20, "maks": 58}},),
    ),
    Program(
        code="BEASISWA-BAZNAS", name="Beasiswa Baznas", owner="BAZNAS", reporter="BAZNAS",
        klaster="II", strategi="BEBAN", bidang="PENDIDIKAN", unit="person",
        kind="cash", item="beasiswa", unit_name="semester", unit_value_idr=750_000,
        frequency="semester", fund_source="BAZNAS", ceiling_idr=1_500_000_000,
        desil_max=4, share=0.03, cycles=(2, 8), rule=({"umur": {"min": 13, "maks": 21}},),
    ),
)  # fmt: skip

EXCLUSIONS = (("BLT-DD", "PKH"), ("BLT-DD", "SEMBAKO"))
"""Programs that one family may not hold together (handbook 1.13)."""

RPJMD_SOURCE = "RPJMD Kabupaten Kotawaringin Timur 2025-2029 (dikutip pers)"
RPJMD_P0 = ((2025, "4.84"), (2029, "1.00"))
"""Poverty rate targets in percent (handbook 4.1)."""
