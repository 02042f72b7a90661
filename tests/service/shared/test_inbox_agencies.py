import json
from collections.abc import Sequence
from typing import Any

import pytest
from nats.errors import TimeoutError as NatsTimeoutError

from services.contracts.skpd import DeliveryReportedV1, ProgramReportedV1
from services.shared.db import Transaction
from services.shared.events import Received
from services.shared.inbox import Inbox, Subscription
from tests.service.shared.conftest import (
    Side,
)
from tests.support.service import Broker


def program_reported() -> ProgramReportedV1:
    return ProgramReportedV1.model_validate({
        "code": "BLT-01", "name": "Bantuan contoh", "klaster": "I", "strategi": "BEBAN",
        "bidang": "KESEHATAN", "unit": "family", "frequency": "bulanan",
        "benefit": {
            "kind": "cash", "item": "uang", "unit": "kali", "quantity": 1, "unit_value_idr": 1,
        },
    })  # fmt: skip


def reports(handled: list[str], **changes: Any) -> Subscription:
    async def note(_tx: Transaction, events: Sequence[Received[Any]]) -> None:
        handled.extend(event.source for event in events)

    return Subscription(**{
        "name": "reports", "stream_prefix": "IN_", "types": (ProgramReportedV1,),
        "handle": note, **changes,
    })  # fmt: skip


async def test_agencies_are_read_each_from_its_own_stream(broker: Broker, consumer: Side) -> None:
    handled: list[str] = []
    await broker.publish(program_reported(), agency_code="DINSOS", event_id="same-id")
    await broker.publish(program_reported(), agency_code="DINKES", event_id="same-id")
    await Inbox(consumer.db, consumer.client, "programs", [reports(handled)]).drain()
    assert sorted(handled) == ["skpd/dinkes", "skpd/dinsos"]


async def test_an_agency_cannot_speak_for_another_and_is_told_so(
    broker: Broker, consumer: Side
) -> None:
    handled: list[str] = []
    await broker.issue_agency("DINSOS")
    agency = await broker.connect("skpd-dinsos")
    told = await agency.subscribe("notify.dinsos.rejected.v1")
    await agency.flush()
    await broker.publish(program_reported(), agency_code="DINSOS", source="skpd/dinkes")
    await Inbox(consumer.db, consumer.client, "programs", [reports(handled)]).drain()
    assert handled == []
    [row] = await consumer.rows("SELECT reason_code FROM parked_events")
    assert row["reason_code"] == "source_mismatch"
    message = await told.next_msg(timeout=5)
    assert json.loads(message.data)["data"]["code"] == "source_mismatch"


async def test_an_empty_message_that_speaks_like_the_server_is_parked_and_stops_nobody(
    broker: Broker, consumer: Side
) -> None:
    handled: list[str] = []
    await broker.issue_agency("DINSOS")
    stream = (await broker.connect("skpd-dinsos")).jetstream()
    for status in ("100", "404", "408", "409", "503"):
        await stream.publish(
            "events.skpd.program.reported.v1",
            b"",
            headers={"Status": status, "Nats-Msg-Id": status},
        )
    await broker.publish(program_reported(), agency_code="DINSOS")
    await Inbox(consumer.db, consumer.client, "programs", [reports(handled)]).drain()
    assert handled == ["skpd/dinsos"]
    [row] = await consumer.rows("SELECT reason_code, deliveries FROM parked_events")
    assert (row["reason_code"], row["deliveries"]) == ("not_json", 5)


@pytest.mark.parametrize(
    ("text", "reason"), [(rb"ka\u0000ki", "nul_character"), (rb"ka\\u0000ki", None)]
)
async def test_a_text_that_nobody_can_store_is_parked_with_a_sentence(
    broker: Broker, consumer: Side, text: bytes, reason: str | None
) -> None:
    handled: list[str] = []
    await broker.issue_agency("DINSOS")
    sent = await broker.publish(program_reported(), agency_code="DINSOS")
    body = (
        sent.to_bytes()
        .replace(b"Bantuan", text)
        .replace(sent.id.encode(), text[::2].hex().encode())
    )
    await broker.publish_bytes(f"events.{sent.type}", body, agency_code="DINSOS")
    await Inbox(consumer.db, consumer.client, "programs", [reports(handled)]).drain()
    parked = await consumer.rows("SELECT reason_code, reason_detail FROM parked_events")
    assert [row["reason_code"] for row in parked] == ([reason] if reason else [])
    assert len(handled) == (1 if reason else 2)


async def test_a_number_that_nobody_can_keep_is_parked_with_a_sentence_and_stops_nobody(
    broker: Broker, consumer: Side
) -> None:
    handled: list[str] = []
    await broker.issue_agency("DINSOS")
    sent = await broker.publish(program_reported(), agency_code="DINSOS")
    # No field that anybody reads: only what is kept of the event's content can fail.
    body = sent.to_bytes().replace(b'"data":{', b'"data":{"huge":' + b"9" * 4_000 + b",")
    assert body != sent.to_bytes()
    await broker.publish_bytes(f"events.{sent.type}", body, agency_code="DINSOS")
    await broker.publish(program_reported(), agency_code="DINSOS")
    await Inbox(consumer.db, consumer.client, "programs", [reports(handled)]).drain()
    [row] = await consumer.rows("SELECT reason_code, reason_detail FROM parked_events")
    assert (row["reason_code"], row["reason_detail"]) == (
        "not_json",
        "a number or text that JSON cannot hold",
    )
    assert handled == ["skpd/dinsos"] * 2


async def test_who_does_not_say_the_version_of_cloudevents_is_not_read(
    broker: Broker, consumer: Side
) -> None:
    handled: list[str] = []
    await broker.issue_agency("DINSOS")
    sent = await broker.publish(program_reported(), agency_code="DINSOS")
    body = sent.to_bytes().replace(b'"specversion":"1.0",', b"")
    assert body != sent.to_bytes()
    await broker.publish_bytes(f"events.{sent.type}", body, agency_code="DINSOS")
    await Inbox(consumer.db, consumer.client, "programs", [reports(handled)]).drain()
    [row] = await consumer.rows("SELECT reason_code, reason_detail FROM parked_events")
    assert (row["reason_code"], row["reason_detail"]) == (
        "not_cloudevent",
        "specversion: Field required",
    )
    assert handled == ["skpd/dinsos"]


async def test_unknown_events_of_agencies_are_parked_by_who_leaves_only_the_known_ones(
    broker: Broker, consumer: Side
) -> None:
    handled: list[str] = []
    subscription = reports(handled, leaves=(DeliveryReportedV1,))
    await broker.issue_agency("DINSOS")
    for kind in ("skpd.delivery.reported.v1", "skpd.nonsense.said.v1", "skpd.program.reported.v7"):
        await broker.publish_bytes(f"events.{kind}", b"{}", agency_code="DINSOS")
    await broker.publish(program_reported(), agency_code="DINSOS")
    await Inbox(consumer.db, consumer.client, "programs", [subscription]).drain()
    assert handled == ["skpd/dinsos"]
    rows = await consumer.rows("SELECT subject FROM parked_events ORDER BY stream_sequence")
    assert [row["subject"] for row in rows] == [
        "skpd.dinsos.skpd.nonsense.said.v1",
        "skpd.dinsos.skpd.program.reported.v7",
    ]


async def test_services_are_told_of_no_rejection(
    broker: Broker, consumer: Side, inbox: Inbox
) -> None:
    await broker.issue_agency("DINSOS")
    agency = await broker.connect("skpd-dinsos")
    told = await agency.subscribe("notify.dinsos.>")
    await agency.flush()
    await broker.publish_bytes("distribution.thing.state.v1.x", b"{", producer="distribution")
    await inbox.drain()
    with pytest.raises(NatsTimeoutError):
        await told.next_msg(timeout=0.3)
