"""Write the synthetic people as the files that a regency really gets: OpenSID and DTSEN.

Some rows are spoiled on purpose, the way real lists are, so that the demonstration shows what a
rejected row looks like.
"""

import csv
import io
from collections.abc import Iterable, Iterator
from random import Random

import xlsxwriter

from deploy.demo.population import Family, Person

OPENSID_COLUMNS = [
    "alamat", "dusun", "rw", "rt", "nama", "no_kk", "nik", "sex", "tempatlahir", "tanggallahir",
    "agama_id", "pendidikan_kk_id", "pendidikan_sedang_id", "pekerjaan_id", "status_kawin",
    "kk_level", "warganegara_id", "ayah_nik", "nama_ayah", "ibu_nik", "nama_ibu",
    "golongan_darah_id", "akta_lahir", "dokumen_pasport", "tanggal_akhir_paspor",
    "dokumen_kitas", "akta_perkawinan", "tanggalperkawinan", "akta_perceraian",
    "tanggalperceraian", "cacat_id", "cara_kb_id", "hamil", "ktp_el", "status_rekam",
    "alamat_sekarang", "status_dasar", "suku", "tag_id_card", "id_asuransi", "no_asuransi",
    "lat", "lng",
]  # fmt: skip
"""The 43 columns of OpenSID's resident import (handbook 2.11), in its order."""

DTSEN_COLUMNS = [
    "no_kk", "kode_provinsi", "kode_kabupaten", "kode_kecamatan", "kode_desa",
    "jumlah_anggota_keluarga", "id_status_penguasaan_bangunan", "luas_lantai_bangunan",
    "id_lantai_terluas", "id_dinding_terluas", "id_atap_terluas", "id_sumber_airminum",
    "id_sumberpenerangan", "id_dayapenerangan", "id_bb_utama", "id_fasilitas_bab",
    "id_jenis_kloset", "id_pembuangan_tinja", "desil_nasional", "status_dtsen",
    "cut_off_keluarga", "nik", "nama", "tanggal_lahir", "id_jenis_kelamin",
    "id_hub_kepala_keluarga", "id_status_perkawinan", "id_berjalan_atau_naik_tangga", "cut_off",
]  # fmt: skip
"""A minimal DTSEN extract (handbook 2.8): one row a member, the family's columns repeated."""

DTSEN_DWELLING = {
    "id_status_penguasaan_bangunan": "301a", "luas_lantai_bangunan": "302",
    "id_lantai_terluas": "303", "id_dinding_terluas": "304", "id_atap_terluas": "305",
    "id_sumber_airminum": "306a", "id_sumberpenerangan": "307a", "id_dayapenerangan": "307b",
    "id_bb_utama": "308", "id_fasilitas_bab": "309a", "id_jenis_kloset": "309b",
    "id_pembuangan_tinja": "310",
}  # fmt: skip

KK_LEVEL = {(1, "L"): 1, (1, "P"): 1, (2, "L"): 2, (2, "P"): 3, (3, "L"): 4, (3, "P"): 4}
OPENSID_PARENT_LEVEL = 7
SPOILED_PER_1000 = 4


def opensid_rows(families: Iterable[Family]) -> Iterator[dict[str, str]]:
    """Yield one row a resident, in OpenSID's columns."""
    for family in families:
        for person in family.members:
            yield {
                "alamat": family.address, "rt": family.rt, "nama": person.name,
                "no_kk": family.kk_number, "nik": person.nik,
                "sex": "1" if person.sex == "L" else "2", "tempatlahir": "SAMPIT",
                "tanggallahir": person.born.isoformat(), "agama_id": "7",
                "pekerjaan_id": str(person.occupation), "status_kawin": str(person.marital),
                "kk_level": str(KK_LEVEL.get((person.relation, person.sex), OPENSID_PARENT_LEVEL)),
                "warganegara_id": "1", "cacat_id": "1" if person.walking <= 2 else "7",
                "status_dasar": "1",
            }  # fmt: skip


def spoiled(rows: Iterable[dict[str, str]], random: Random) -> Iterator[dict[str, str]]:
    """Yield ``rows`` with a few damaged as Excel and hurry damage them."""
    for row in rows:
        if random.randrange(1000) < SPOILED_PER_1000:
            damage = random.choice(("scientific", "short", "date", "sex"))
            if damage == "scientific":
                row["nik"] = f"{float(row['nik']):.5E}".replace(".", ",")
            elif damage == "short":
                row["nik"] = row["nik"][:15]
            elif damage == "date":
                row["tanggallahir"] = "31-02-1990"
            else:
                row["sex"] = "9"
        yield row


def as_csv(columns: list[str], rows: Iterable[dict[str, str]]) -> bytes:
    """Return a semicolon CSV with a byte order mark, as Excel in Indonesia writes it."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", delimiter=";", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode("utf-8-sig")


def as_opensid_xlsx(rows: Iterable[dict[str, str]]) -> bytes:
    """Return OpenSID's workbook: sheet "Data Penduduk", text cells, a ``###`` row before notes."""
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True, "strings_to_numbers": False})
    sheet = book.add_worksheet("Data Penduduk")
    sheet.write_row(0, 0, OPENSID_COLUMNS)
    line = 0
    for line, row in enumerate(rows, start=1):
        for column, name in enumerate(OPENSID_COLUMNS):
            if value := row.get(name):
                sheet.write_string(line, column, value)
    sheet.write_string(line + 1, 0, "###")
    sheet.write_string(line + 2, 0, "DATA SINTETIS: tidak ada orang yang nyata di berkas ini")
    book.close()
    return buffer.getvalue()


def dtsen_rows(families: Iterable[Family], cut_off: str) -> Iterator[dict[str, str]]:
    """Yield one row a member of every family that DTSEN holds."""
    for family in families:
        if not family.in_dtsen:
            continue
        province, regency, district, village = family.village.split(".")
        shared = {
            "no_kk": family.kk_number, "kode_provinsi": province, "kode_kabupaten": regency,
            "kode_kecamatan": district, "kode_desa": village,
            "jumlah_anggota_keluarga": str(len(family.members)),
            "desil_nasional": family.desil, "status_dtsen": "DTSEN AKTIF",
            "cut_off_keluarga": cut_off, "cut_off": cut_off,
        }  # fmt: skip
        shared |= {name: str(family.dwelling[q]) for name, q in DTSEN_DWELLING.items()}
        for person in family.members:
            yield shared | _dtsen_member(person)


def _dtsen_member(person: Person) -> dict[str, str]:
    return {
        "nik": person.nik, "nama": person.name, "tanggal_lahir": person.born.isoformat(),
        "id_jenis_kelamin": "1" if person.sex == "L" else "2",
        "id_hub_kepala_keluarga": str(person.relation),
        "id_status_perkawinan": str(person.marital),
        "id_berjalan_atau_naik_tangga": str(person.walking),
    }  # fmt: skip
