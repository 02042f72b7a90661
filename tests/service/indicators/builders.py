"""Events of the other services as they tell them, with defaults that a test may change."""

from typing import Any
from uuid import uuid4

from services.contracts.distribution import (
    CycleStateV1,
    DeliveryCompletedV1,
    DeliveryReturnedV1,
    EntitlementStateV1,
)
from services.contracts.programs import (
    BenefitV1,
    EnrolmentStateV1,
    OrganisationStateV1,
    ProgramStateV1,
    ProgramYearV1,
)
from services.contracts.registry import FamilyStateV1, MemberV1, RankV1, RegionStateV1
from services.shared import clock

VILLAGE = "62.02.06.2005"
YEAR = clock.today().year
TODAY = clock.today()


def a_region(code: str, name: str, level: str = "desa") -> RegionStateV1:
    return RegionStateV1.model_validate(
        {"code": code, "name": name, "level": level, "parent_code": code.rpartition(".")[0],
         "valid_from": "2020-01-01"}
    )  # fmt: skip


def a_rank(low: int | None, high: int | None = None, **changes: Any) -> RankV1:
    fields = {
        "period": "2026-TW3", "source": "DTSEN", "low": low,
        "high": low if high is None else high, "as_of": "2026-09-30",
        "reason": "BELUM_DIPERINGKAT" if low is None else None,
    }  # fmt: skip
    return RankV1.model_validate(fields | changes)


def a_family(desil: int | None = 1, region: str = VILLAGE, **changes: Any) -> FamilyStateV1:
    fields: dict[str, Any] = {
        "family_id": uuid4(), "household_id": uuid4(), "household_assumed": True,
        "region_code": region, "status": "active",
        "members": (MemberV1(person_id=uuid4(), relation=1, sex="L", birth_month="1990-07"),),
        "ranks": (a_rank(desil),), "cause": "import", "effective_on": "2026-01-01",
        "synthetic": True,
    }  # fmt: skip
    return FamilyStateV1.model_validate(fields | changes)


def an_organisation(code: str = "DINSOS", name: str = "Dinas Sosial") -> OrganisationStateV1:
    return OrganisationStateV1(code=code, name=name, kind="SKPD")


def a_year(ceiling: int | None = 100_000_000, **changes: Any) -> ProgramYearV1:
    fields: dict[str, Any] = {
        "year": YEAR, "fund_source": "APBD_KAB", "ceiling_idr": ceiling,
        "aid_ceiling_idr": ceiling, "quota": 100,
    }  # fmt: skip
    return ProgramYearV1.model_validate(fields | changes)


def a_program(**changes: Any) -> ProgramStateV1:
    fields: dict[str, Any] = {
        "program_id": uuid4(), "code": f"P-{uuid4().hex[:8].upper()}", "name": "Kaki palsu",
        "owner_code": "DINSOS", "reporter_code": "DINSOS", "klaster": "I", "strategi": "BEBAN",
        "bidang": "KESEHATAN", "unit": "person",
        "benefit": BenefitV1(
            kind="goods", item="kaki palsu", unit="buah", quantity=1, unit_value_idr=15_000_000
        ),
        "frequency": "sekali", "years": (a_year(),), "counts_as_reached": True,
        "sensitive": False, "target_desil_max": None, "status": "active",
    }  # fmt: skip
    return ProgramStateV1.model_validate(fields | changes)


def a_cycle(program: ProgramStateV1, year: int = YEAR, **changes: Any) -> CycleStateV1:
    fields: dict[str, Any] = {
        "cycle_id": uuid4(), "program_id": program.program_id, "name": "Tahap I", "year": year,
        "opens_on": f"{year}-01-01", "closes_on": f"{year}-12-31", "status": "open",
    }  # fmt: skip
    return CycleStateV1.model_validate(fields | changes)


def an_enrolment(
    program: ProgramStateV1, family: FamilyStateV1, **changes: Any
) -> EnrolmentStateV1:
    fields: dict[str, Any] = {
        "enrolment_id": uuid4(), "program_id": program.program_id, "year": YEAR,
        "family_id": family.family_id, "person_id": None, "region_code": family.region_code,
        "status": "granted", "valid_from": f"{YEAR}-01-01", "sensitive": program.sensitive,
    }  # fmt: skip
    return EnrolmentStateV1.model_validate(fields | changes)


def an_entitlement(
    cycle: CycleStateV1, family: FamilyStateV1, **changes: Any
) -> EntitlementStateV1:
    fields: dict[str, Any] = {
        "entitlement_id": uuid4(), "cycle_id": cycle.cycle_id, "program_id": cycle.program_id,
        "enrolment_id": uuid4(), "family_id": family.family_id, "person_id": None,
        "region_code": family.region_code, "quantity": 1, "value_idr": 1_000_000,
        "delivered_quantity": 0, "delivered_value_idr": 0, "due_on": f"{cycle.year}-12-31",
        "status": "reserved",
    }  # fmt: skip
    return EntitlementStateV1.model_validate(fields | changes)


def a_delivery(cycle: CycleStateV1, family: FamilyStateV1, **changes: Any) -> DeliveryCompletedV1:
    fields: dict[str, Any] = {
        "delivery_id": uuid4(), "entitlement_id": uuid4(), "cycle_id": cycle.cycle_id,
        "program_id": cycle.program_id, "enrolment_id": uuid4(), "family_id": family.family_id,
        "person_id": None, "region_code": family.region_code, "delivered_on": TODAY,
        "quantity": 1, "unit": "buah", "value_idr": 1_000_000, "proof": True,
    }  # fmt: skip
    return DeliveryCompletedV1.model_validate(fields | changes)


def a_return(delivery: DeliveryCompletedV1, **changes: Any) -> DeliveryReturnedV1:
    fields: dict[str, Any] = {
        "return_id": uuid4(), "delivery_id": delivery.delivery_id,
        "entitlement_id": delivery.entitlement_id, "program_id": delivery.program_id,
        "family_id": delivery.family_id, "person_id": delivery.person_id,
        "region_code": delivery.region_code, "returned_on": TODAY,
        "quantity": delivery.quantity, "value_idr": delivery.value_idr, "reason": "tidak pas",
    }  # fmt: skip
    return DeliveryReturnedV1.model_validate(fields | changes)
