"""Rows into the events that others read. Each row brings its program's ``owner_code``."""

from collections.abc import Mapping
from typing import Any

from services.contracts.distribution import (
    CycleStateV1,
    DeliveryCompletedV1,
    DeliveryReturnedV1,
    EntitlementStateV1,
)

Row = Mapping[Any, Any]


def cycle_state(row: Row, program: Row) -> CycleStateV1:
    """Return the state of a cycle row; ``program`` says who owns it and if it is sensitive."""
    return CycleStateV1(
        cycle_id=row["id"],
        program_id=row["program_id"],
        name=row["name"],
        year=row["year"],
        opens_on=row["opens_on"],
        closes_on=row["closes_on"],
        status=row["status"],
        sensitive=program["sensitive"],
        owner_code=program["owner_code"],
    )


def entitlement_state(row: Row) -> EntitlementStateV1:
    """Return the state of an entitlement row."""
    price = row["unit_value_idr"]
    return EntitlementStateV1(
        entitlement_id=row["id"],
        cycle_id=row["cycle_id"],
        program_id=row["program_id"],
        enrolment_id=row["enrolment_id"],
        family_id=row["family_id"],
        person_id=row["person_id"],
        region_code=row["region_code"],
        quantity=row["quantity"],
        value_idr=row["quantity"] * price,
        delivered_quantity=row["delivered_quantity"],
        delivered_value_idr=row["delivered_quantity"] * price,
        due_on=row["due_on"],
        status=row["status"],
        sensitive=row["sensitive"],
        owner_code=row["owner_code"],
    )


def delivery_completed(row: Row) -> DeliveryCompletedV1:
    """Return the fact of a delivery row; told again it is the same, byte for byte."""
    return DeliveryCompletedV1(
        delivery_id=row["id"],
        entitlement_id=row["entitlement_id"],
        cycle_id=row["cycle_id"],
        program_id=row["program_id"],
        enrolment_id=row["enrolment_id"],
        family_id=row["family_id"],
        person_id=row["person_id"],
        region_code=row["region_code"],
        delivered_on=row["delivered_on"],
        quantity=row["quantity"],
        unit=row["unit"],
        value_idr=row["value_idr"],
        proof=row["proof_sha256"] is not None,
        sensitive=row["sensitive"],
        owner_code=row["owner_code"],
    )


def delivery_returned(back: Row, delivery: Row) -> DeliveryReturnedV1:
    """Return the fact of a return row and the delivery that it belongs to."""
    return DeliveryReturnedV1(
        return_id=back["id"],
        delivery_id=back["delivery_id"],
        entitlement_id=delivery["entitlement_id"],
        program_id=delivery["program_id"],
        family_id=delivery["family_id"],
        person_id=delivery["person_id"],
        region_code=delivery["region_code"],
        returned_on=back["returned_on"],
        quantity=back["quantity"],
        value_idr=back["value_idr"],
        reason=back["reason"],
        sensitive=delivery["sensitive"],
        owner_code=delivery["owner_code"],
    )
