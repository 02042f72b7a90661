"""The events of ``history``, with what does not matter there filled in."""

from datetime import date
from uuid import UUID

from services.contracts.distribution import (
    CycleStateV1,
    DeliveryCompletedV1,
    DeliveryReturnedV1,
    EntitlementStateV1,
)
from services.contracts.programs import EnrolmentStateV1
from services.contracts.registry import ConditionV1, RankV1, RegionStateV1

YEAR = 2026


def a_region(code: str, name: str, level: str) -> RegionStateV1:
    return RegionStateV1.model_validate(
        {
            "code": code,
            "name": name,
            "level": level,
            "parent_code": code.rpartition(".")[0],
            "valid_from": "2020-01-01",
        }
    )


def a_rank(desil: int) -> RankV1:
    return RankV1(period="2026-T3", source="DTSEN", low=desil, high=desil, as_of=date(YEAR, 9, 1))


def a_condition(answer: int) -> ConditionV1:
    return ConditionV1(
        scheme="REGSOSEK",
        version="2022.K",
        source="DTSEN",
        observed_on=date(YEAR, 1, 1),
        values={"428c": answer},
    )


def a_cycle(cycle: UUID, program: UUID, year: int) -> CycleStateV1:
    return CycleStateV1(
        cycle_id=cycle,
        program_id=program,
        name="Tahap I",
        year=year,
        opens_on=date(year, 1, 1),
        closes_on=date(YEAR, 12, 31),
        status="open",
    )


def an_entitlement(
    right: UUID, cycle: CycleStateV1, enrolment: EnrolmentStateV1
) -> EntitlementStateV1:
    return EntitlementStateV1(
        entitlement_id=right,
        cycle_id=cycle.cycle_id,
        program_id=cycle.program_id,
        enrolment_id=enrolment.enrolment_id,
        family_id=enrolment.family_id,
        person_id=enrolment.person_id,
        region_code=enrolment.region_code,
        quantity=4,
        value_idr=1_000_000,
        delivered_quantity=0,
        delivered_value_idr=0,
        due_on=cycle.closes_on,
        status="reserved",
    )


def as_delivered(right: EntitlementStateV1, quantity: int) -> EntitlementStateV1:
    status = {0: "reserved", 4: "delivered"}.get(quantity, "part_delivered")
    return right.model_copy(
        update={
            "delivered_quantity": quantity,
            "delivered_value_idr": quantity * 250_000,
            "status": status,
        }
    )


def a_delivery(
    delivery: UUID, right: EntitlementStateV1, quantity: int, cycle: CycleStateV1
) -> DeliveryCompletedV1:
    kept = {"entitlement_id", "cycle_id", "program_id", "enrolment_id", "family_id", "person_id",
            "region_code"}  # fmt: skip
    return DeliveryCompletedV1(
        **right.model_dump(include=kept),
        delivery_id=delivery,
        delivered_on=date(YEAR, 3, cycle.year % 28 + 1),
        quantity=quantity,
        unit="kali",
        value_idr=quantity * 250_000,
        proof=True,
    )


def a_return(back: UUID, delivery: DeliveryCompletedV1) -> DeliveryReturnedV1:
    kept = {"delivery_id", "entitlement_id", "program_id", "family_id", "person_id", "region_code"}
    return DeliveryReturnedV1(
        **delivery.model_dump(include=kept),
        return_id=back,
        returned_on=date(YEAR, 4, 1),
        quantity=1,
        value_idr=250_000,
        reason="tidak pas",
    )
