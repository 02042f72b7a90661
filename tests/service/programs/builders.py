"""Families, reports and requests with sensible defaults."""

from datetime import date
from typing import Any
from uuid import UUID, uuid4

from services.contracts.programs import BenefitV1, ProgramYearV1
from services.contracts.registry import (
    ConditionV1,
    FamilyStateV1,
    MemberV1,
    PersonIdentityV1,
    RankV1,
    RegionStateV1,
)
from services.contracts.skpd import ProgramReportedV1

VILLAGE = "62.02.06.2005"
WALKING: dict[str, Any] = {
    "semua": [
        {"desil": {"maks": 4}},
        {"kondisi_anggota": {"pertanyaan": "428c", "kode": [1, 2]}},
    ]
}


def a_condition(**answers: int) -> ConditionV1:
    """Answers by question number, written q428c=1."""
    values = {name.removeprefix("q"): value for name, value in answers.items()}
    return ConditionV1(
        scheme="REGSOSEK",
        version="2022.K",
        source="DTSEN",
        observed_on=date(2026, 1, 1),
        values=values,
    )


def a_rank(low: int | None, high: int | None = None, **changes: Any) -> RankV1:
    """A rank of the newest period; one desil unless a range is told."""
    values: dict[str, Any] = {
        "period": "2026-T3", "source": "DTSEN", "low": low, "high": high or low,
        "as_of": date(2026, 9, 1),
    }  # fmt: skip
    return RankV1.model_validate(values | changes)


def a_member(person_id: UUID | None = None, **changes: Any) -> MemberV1:
    """A grown-up woman who lives with her family."""
    values: dict[str, Any] = {
        "person_id": person_id or uuid4(), "relation": 1, "sex": "P", "birth_month": "1980-05",
        "presence": 1,
    }  # fmt: skip
    return MemberV1.model_validate(values | changes)


def a_family(
    *members: MemberV1, desil: int | None = 2, region: str = VILLAGE, **changes: Any
) -> FamilyStateV1:
    """An active family of the given members (one, unless told)."""
    values: dict[str, Any] = {
        "family_id": uuid4(), "household_id": uuid4(), "household_assumed": True,
        "region_code": region, "status": "active", "members": members or (a_member(),),
        "ranks": () if desil is None else (a_rank(desil),), "cause": "import",
        "effective_on": date(2026, 1, 1), "synthetic": True,
    }  # fmt: skip
    return FamilyStateV1.model_validate(values | changes)


def who_walks_badly(desil: int | None = 2, region: str = VILLAGE) -> FamilyStateV1:
    """A family with one member who cannot walk without help."""
    return a_family(a_member(condition=a_condition(q428c=1)), desil=desil, region=region)


def an_identity(family: FamilyStateV1, *, nik_index: str, kk_index: str) -> PersonIdentityV1:
    """The identity of a family's first member."""
    return PersonIdentityV1(
        person_id=family.members[0].person_id,
        family_id=family.family_id,
        region_code=family.region_code,
        name="CONTOH SINTETIS",
        birth_date=date(1980, 5, 1),
        sex="P",
        nik_index=nik_index,
        nik_masked="6202********9001",
        nik_sealed="00",
        kk_index=kk_index,
        kk_masked="6202********9002",
        index_key_version=1,
    )


def a_region(code: str = VILLAGE, level: str = "desa") -> RegionStateV1:
    """A village."""
    return RegionStateV1.model_validate(
        {"code": code, "name": "Contoh", "level": level, "valid_from": date(2020, 1, 1)}
    )


def a_report(code: str = "KAKI-PALSU", **changes: Any) -> ProgramReportedV1:
    """The program of the founding report, as Dinas Sosial reports it."""
    values: dict[str, Any] = {
        "code": code, "name": "Alat bantu: kaki palsu", "klaster": "I", "strategi": "BEBAN",
        "bidang": "KESEHATAN", "sub_kegiatan": "1.06.04.02.01.0003",
        "nomenclature_version": "2025", "unit": "person",
        "benefit": BenefitV1(
            kind="goods", item="Kaki palsu", unit="buah", quantity=1, unit_value_idr=12_000_000
        ),
        "frequency": "sekali", "steps": ("ukur", "pesan", "coba", "serah", "kontrol"),
        "years": (
            ProgramYearV1(
                year=2026, fund_source="APBD_KAB", ceiling_idr=60_000_000,
                aid_ceiling_idr=36_000_000, quota=3,
            ),
        ),
    }  # fmt: skip
    return ProgramReportedV1.model_validate(values | changes)


def a_program(code: str, owner: str = "DINSOS", **changes: Any) -> dict[str, Any]:
    """The body of POST /v1/programs: cash for families, without a known limit."""
    return {
        "code": code, "name": f"Program {code}", "owner_code": owner, "klaster": "I",
        "strategi": "BEBAN", "bidang": "EKONOMI", "unit": "family",
        "benefit": {
            "kind": "cash", "item": "Uang", "unit": "kali", "quantity": 1,
            "unit_value_idr": 300_000,
        },
        "frequency": "bulanan", "counts_as_reached": True,
        "years": [{"year": 2026, "fund_source": "APBD_KAB", "ceiling_idr": None}],
    } | changes  # fmt: skip
