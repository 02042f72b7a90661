"""An agency reports its own handovers through its own account; what cannot be is parked."""

from datetime import date
from uuid import UUID, uuid4

from services.contracts.distribution import DeliveryCompletedV1
from services.contracts.skpd import DeliveryReportedV1
from tests.service.distribution.conftest import Program, World


def a_report(entitlement_id, quantity=1):
    return DeliveryReportedV1(
        delivery_id=uuid4(),
        entitlement_id=UUID(str(entitlement_id)),
        delivered_on=date(2026, 3, 10),
        quantity=quantity,
        serial_number="KP-7",
    )


async def parked(world: World, event_id: str) -> str | None:
    return await world.service.db.pool.fetchval(
        "SELECT reason_code FROM parked_events WHERE event_id = $1", event_id
    )


async def test_a_report_becomes_a_delivery_once(world: World):
    program = await world.tell_program(Program(owner="DINKES"))
    cycle, [entitlement] = await world.entitled(program, quantity=2)
    report = a_report(entitlement["id"])
    for _ in range(2):
        await world.service.publish(report, agency_code="DINKES", event_id=str(report.delivery_id))
        await world.hear()
    [row] = await world.entitlements(cycle["id"])
    assert (row["delivered_quantity"], row["status"]) == (1, "part_delivered")
    listed = (await world.get(f"/v1/deliveries?cycle_id={cycle['id']}")).json()["data"]
    assert [(one["agency"], one["serial_number"]) for one in listed] == [("dinkes", "KP-7")]
    facts = [row["aggregateid"] for row in await world.outbox(DeliveryCompletedV1.TYPE)]
    assert facts.count(str(report.delivery_id)) == 1


async def test_a_report_that_cannot_be_is_parked_and_the_others_are_taken(world: World):
    own = await world.tell_program(Program(owner="DINKES"))
    foreign = await world.tell_program(Program(owner="DINSOS"))
    secret = await world.tell_program(Program(owner="DP3AP2KB", sensitive=True))
    _, [mine] = await world.entitled(own)
    _, [theirs] = await world.entitled(foreign)
    good, over, stolen, unknown = (
        a_report(mine["id"]),
        a_report(mine["id"], 5),
        a_report(theirs["id"]),
        a_report(uuid4()),
    )
    await world.recipients(secret, 1)
    await world.hear()
    for report in (stolen, over, good, unknown):
        await world.service.publish(report, agency_code="DINKES", event_id=str(report.delivery_id))
    await world.hear()
    assert await parked(world, str(good.delivery_id)) is None
    assert await parked(world, str(over.delivery_id)) == "over_delivery"
    assert await parked(world, str(stolen.delivery_id)) == "not_your_program"
    assert await parked(world, str(unknown.delivery_id)) == "not_found"
    done = await world.get(f"/v1/entitlements/{mine['id']}")
    assert done.json()["status"] == "delivered"


async def test_an_agency_learns_nothing_of_anothers_sensitive_program(world: World):
    secret = await world.tell_program(Program(owner="DP3AP2KB", sensitive=True))
    await world.recipients(secret, 1)
    await world.hear()
    body = {
        "program_id": str(secret.id),
        "name": "Tahap I",
        "year": 2026,
        "opens_on": "2026-01-01",
        "closes_on": "2026-12-31",
    }
    who = {"agency": "DP3AP2KB"}
    cycle = (await world.post("/v1/cycles", body, "petugas_skpd", **who)).json()
    await world.post(f"/v1/cycles/{cycle['id']}/entitlements/generate", None, "petugas_skpd", **who)
    listed = await world.get(f"/v1/entitlements?cycle_id={cycle['id']}", "petugas_skpd", **who)
    report = a_report(listed.json()["data"][0]["id"])
    await world.service.publish(report, agency_code="DINKES", event_id=str(report.delivery_id))
    await world.hear()
    assert await parked(world, str(report.delivery_id)) == "not_found"
