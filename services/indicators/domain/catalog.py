"""The indicators that Betang knows, with Satu Data metadata (Peraturan BPS 5/2020, MS-Ind).

A definition is versioned: a changed formula is a new version, and a published value names the one
it used. Official indicators have their publisher's figures only; Betang never computes them.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from services.indicators.domain.progress import Direction

REGISTRY_LABEL_ID: Final = "Angka registri daerah, bukan angka resmi BPS"
REGISTRY_LABEL_EN: Final = "Figure of the regency's registry, not an official BPS figure"
OFFICIAL_LABEL_ID: Final = "Angka resmi sebagaimana diterbitkan sumbernya; tidak dihitung ulang"
OFFICIAL_LABEL_EN: Final = "Official figure as its source published it; not recomputed"


class Origin(StrEnum):
    """Who makes the figure."""

    OFFICIAL = "official"
    REGISTRY = "registry"


@dataclass(frozen=True, slots=True)
class Definition:
    """One indicator. Texts are Indonesian, as Satu Data asks; ``name_en`` helps developers."""

    code: str
    version: int
    origin: Origin
    name_id: str
    name_en: str
    concept: str
    definition: str
    interpretation: str
    formula: str
    unit: str
    classification: tuple[str, ...]
    source: str
    producer: str
    frequency: str
    direction: Direction | None

    @property
    def label_id(self) -> str:
        return OFFICIAL_LABEL_ID if self.origin is Origin.OFFICIAL else REGISTRY_LABEL_ID

    @property
    def label_en(self) -> str:
        return OFFICIAL_LABEL_EN if self.origin is Origin.OFFICIAL else REGISTRY_LABEL_EN


def _official(
    code: str,
    name_id: str,
    name_en: str,
    *,
    definition: str,
    formula: str,
    unit: str,
    direction: Direction | None,
) -> Definition:
    return Definition(
        code=code,
        version=1,
        origin=Origin.OFFICIAL,
        name_id=name_id,
        name_en=name_en,
        concept="Kemiskinan konsumsi menurut BPS",
        definition=definition,
        interpretation="Angka survei: perubahan 0,1-0,2 poin antartahun dapat berupa galat sampel",
        formula=formula,
        unit=unit,
        classification=("kabupaten", "provinsi", "nasional"),
        source="BPS, Susenas Maret; dicatat dengan sumber tiap angka",
        producer="BPS",
        frequency="tahunan",
        direction=direction,
    )


def _registry(
    code: str,
    name_id: str,
    name_en: str,
    *,
    concept: str,
    definition: str,
    formula: str,
    unit: str,
    source: str,
    direction: Direction | None,
) -> Definition:
    return Definition(
        code=code,
        version=1,
        origin=Origin.REGISTRY,
        name_id=name_id,
        name_en=name_en,
        concept=concept,
        definition=definition,
        interpretation="Dibaca bersama tanggal data terakhir tiap sumber",
        formula=formula,
        unit=unit,
        classification=("desa/kelurahan", "kecamatan", "kabupaten"),
        source=source,
        producer="Dinas Sosial dan Bapperida, melalui Betang",
        frequency="seketika; dibekukan saat diterbitkan",
        direction=direction,
    )


_TARGETING = "Rumus: coverage, exclusion error, inclusion error (Bank Dunia; Ravallion)"
_FGT = "Foster, Greer, Thorbecke 1984; BPS menerbitkannya x 100"

DEFINITIONS: Final[tuple[Definition, ...]] = (
    _official(
        "P0",
        "Persentase penduduk miskin",
        "Poverty headcount ratio",
        definition="Penduduk dengan pengeluaran per kapita sebulan di bawah garis kemiskinan",
        formula=f"P0 = (1/N) jumlah penduduk dengan y < z. {_FGT}",
        unit="persen",
        direction=Direction.LOWER_IS_BETTER,
    ),
    _official(
        "P1",
        "Indeks kedalaman kemiskinan",
        "Poverty gap index",
        definition="Rata-rata kesenjangan pengeluaran penduduk miskin terhadap garis kemiskinan",
        formula=f"P1 = (1/N) jumlah ((z - y)/z) untuk y < z. {_FGT}",
        unit="indeks",
        direction=Direction.LOWER_IS_BETTER,
    ),
    _official(
        "P2",
        "Indeks keparahan kemiskinan",
        "Squared poverty gap index",
        definition="Ketimpangan pengeluaran di antara penduduk miskin",
        formula=f"P2 = (1/N) jumlah ((z - y)/z)^2 untuk y < z. {_FGT}",
        unit="indeks",
        direction=Direction.LOWER_IS_BETTER,
    ),
    _official(
        "jumlah_penduduk_miskin",
        "Jumlah penduduk miskin",
        "Number of poor people",
        definition="Banyaknya penduduk di bawah garis kemiskinan, sebagaimana diterbitkan BPS",
        formula="Diterbitkan BPS; tidak dihitung dari P0 x penduduk",
        unit="jiwa",
        direction=Direction.LOWER_IS_BETTER,
    ),
    _official(
        "garis_kemiskinan",
        "Garis kemiskinan",
        "Poverty line",
        definition="Nilai kebutuhan minimum makanan dan bukan makanan per kapita sebulan",
        formula="GK = GKM + GKNM (BPS)",
        unit="rupiah/kapita/bulan",
        direction=None,
    ),
    _official(
        "gini",
        "Rasio Gini",
        "Gini ratio",
        definition="Ketimpangan pengeluaran penduduk, 0 merata sampai 1 timpang sempurna",
        formula="Luas antara kurva Lorenz dan garis pemerataan, dibagi luas segitiga",
        unit="indeks",
        direction=Direction.LOWER_IS_BETTER,
    ),
    _official(
        "penduduk",
        "Jumlah penduduk",
        "Population",
        definition="Penduduk menurut sumber yang dicatat; basis BPS dan Dukcapil tidak dicampur",
        formula="Diterbitkan sumbernya",
        unit="jiwa",
        direction=None,
    ),
    _official(
        "IPM",
        "Indeks pembangunan manusia",
        "Human development index",
        definition="Capaian umur panjang, pengetahuan dan standar hidup layak",
        formula="Rata-rata geometrik tiga indeks (BPS)",
        unit="indeks",
        direction=Direction.HIGHER_IS_BETTER,
    ),
    _registry(
        "KELUARGA_BERHAK",
        "Keluarga berhak",
        "Families entitled",
        concept="Sasaran program",
        definition="Keluarga berbeda dengan hak bantuan tidak batal pada tahun anggaran",
        formula="Banyaknya family_id berbeda; keluarga dengan dua program dihitung satu kali",
        unit="keluarga",
        source="Hak bantuan (distribution)",
        direction=None,
    ),
    _registry(
        "KELUARGA_TERSENTUH",
        "Keluarga tersentuh",
        "Families reached",
        concept="Penyaluran bantuan",
        definition="Keluarga berbeda yang menerima penyerahan, bersih dari pengembalian",
        formula="Banyaknya family_id berbeda dengan jumlah diserahkan - dikembalikan > 0",
        unit="keluarga",
        source="Penyerahan dan pengembalian (distribution)",
        direction=Direction.HIGHER_IS_BETTER,
    ),
    _registry(
        "NILAI_DISERAHKAN",
        "Nilai bantuan diserahkan",
        "Value handed over",
        concept="Penyaluran bantuan",
        definition="Nilai rupiah penyerahan dikurangi pengembalian pada tahun anggaran",
        formula="Jumlah nilai diserahkan - jumlah nilai dikembalikan",
        unit="rupiah",
        source="Penyerahan dan pengembalian (distribution)",
        direction=None,
    ),
    _registry(
        "CAKUPAN_SASARAN",
        "Cakupan keluarga sasaran",
        "Coverage of target families",
        concept="Ketepatan sasaran",
        definition="Bagian keluarga sasaran (desil 1-4) yang tersentuh pada tahun anggaran",
        formula="Keluarga sasaran tersentuh / keluarga sasaran; kosong bila tanpa sasaran",
        unit="rasio",
        source=_TARGETING,
        direction=Direction.HIGHER_IS_BETTER,
    ),
    _registry(
        "GALAT_EKSKLUSI",
        "Galat eksklusi",
        "Exclusion error",
        concept="Ketepatan sasaran",
        definition="Bagian keluarga sasaran (desil 1-4) yang tidak tersentuh",
        formula="1 - cakupan keluarga sasaran",
        unit="rasio",
        source=_TARGETING,
        direction=Direction.LOWER_IS_BETTER,
    ),
    _registry(
        "GALAT_INKLUSI",
        "Galat inklusi",
        "Inclusion error",
        concept="Ketepatan sasaran",
        definition="Bagian penerima berdesil diketahui yang di luar sasaran",
        formula="Penerima bukan sasaran / penerima berdesil diketahui; kosong bila tanpa penerima",
        unit="rasio",
        source=_TARGETING,
        direction=Direction.LOWER_IS_BETTER,
    ),
    _registry(
        "BELUM_TERSENTUH",
        "Keluarga sasaran belum tersentuh",
        "Target families reached by nobody",
        concept="Penyaluran bantuan",
        definition="Keluarga sasaran tanpa penyerahan program penjangkau dalam jendela waktu",
        formula="Keluarga sasaran - tersentuh - belum diketahui (sumber hilang atau basi)",
        unit="keluarga",
        source="Registri, program dan penyerahan",
        direction=Direction.LOWER_IS_BETTER,
    ),
)

BY_CODE: Final = {definition.code: definition for definition in DEFINITIONS}
