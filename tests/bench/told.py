"""Synthetic events of a usual size, and the least that sends and reads them over nats-py."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg
import orjson
from nats.aio.client import Client
from nats.aio.msg import Msg

from services.contracts.distribution import DeliveryCompletedV1
from services.contracts.registry import ConditionV1, FamilyStateV1, MemberV1, RankV1
from services.shared import clock
from services.shared.events import CloudEvent, EventData, Kind
from services.shared.ids import new_id
from services.shared.publishing import Message

BATCH = 500
"""As many messages in a batch as the relay sends and a consumer takes."""
OBSERVED = date(2026, 9, 30)
VILLAGE = "62.02.06.2005"
ANSWERS = {"408": 1, "409": 1, "413": 2, "414": 5, "428a": 8, "428b": 8, "428c": 4, "428d": 8}
ACK_TIMEOUT_S = 10.0

Rows = dict[str, list[tuple[Any, ...]]]
"""Rows by table."""


def a_family(family_id: UUID | None = None) -> FamilyStateV1:
    """Return a family of four with conditions and a rank, 2 kB."""
    condition = ConditionV1(
        scheme="REGSOSEK", version="2022", source="DTSEN", observed_on=OBSERVED, values=ANSWERS
    )
    members = tuple(
        MemberV1(
            person_id=new_id(),
            relation=min(place, 3),
            sex="L",
            birth_month="1990-07",
            condition=condition,
        )
        for place in range(1, 5)
    )
    rank = RankV1(period="2026-Q3", source="DTSEN", low=2, high=2, as_of=OBSERVED)
    return FamilyStateV1(
        family_id=family_id or new_id(),
        household_id=new_id(),
        household_assumed=True,
        region_code=VILLAGE,
        status="active",
        members=members,
        dwelling=condition,
        ranks=(rank,),
        cause="ranked",
        effective_on=OBSERVED,
        synthetic=True,
    )


def a_delivery(cycle_id: UUID, program_id: UUID) -> DeliveryCompletedV1:
    """Return a handover to a family of its own."""
    return DeliveryCompletedV1(
        delivery_id=new_id(),
        entitlement_id=new_id(),
        cycle_id=cycle_id,
        program_id=program_id,
        enrolment_id=new_id(),
        family_id=new_id(),
        person_id=None,
        region_code=VILLAGE,
        delivered_on=OBSERVED,
        quantity=1,
        unit="paket",
        value_idr=200_000,
        proof=True,
    )


def messages(events: Sequence[EventData]) -> list[Message]:
    """Return the messages by which a producer tells ``events``."""
    now = clock.now().isoformat().replace("+00:00", "Z")
    told = []
    for place, event in enumerate(events):
        state = event.KIND is Kind.STATE
        event_id = str(new_id())
        envelope = CloudEvent(
            id=event_id,
            source=event.TYPE.split(".", 1)[0],
            type=event.TYPE,
            time=now,
            subject=event.key,
            epoch=1,
            version=1,
            sequence=str(place),
            data=event.model_dump(mode="json"),
        )
        subject = f"{event.TYPE}.{event.key if state else event_id}"
        headers = {"Nats-Msg-Id": event_id, "Content-Type": "application/cloudevents+json"}
        told.append(Message(place, event.STREAM, subject, headers, envelope.to_bytes()))
    return told


async def send(client: Client, told: Sequence[Message]) -> None:
    """Publish in atomic batches and do nothing else."""
    for start in range(0, len(told), BATCH):
        part = told[start : start + BATCH]
        batch = str(new_id())
        for number, each in enumerate(part, 1):
            headers = {
                **each.headers,
                "Nats-Batch-Id": batch,
                "Nats-Batch-Sequence": str(number),
            }
            if number < len(part):
                await client.publish(each.subject, each.body, headers=headers)
                continue
            headers["Nats-Batch-Commit"] = "1"
            answer = await client.request(each.subject, each.body, ACK_TIMEOUT_S, headers=headers)
            assert orjson.loads(answer.data).get("count") == len(part), answer.data


async def take(
    client: Client,
    stream: str,
    count: int,
    connection: "asyncpg.Connection[Any]",
    rows_of: Callable[[Sequence[dict[str, Any]]], Rows],
) -> None:
    """Fetch ``count`` messages in batches, COPY their rows, a transaction each, acknowledge."""
    durable = f"raw-{new_id()}"
    reader = await client.jetstream().pull_subscribe("", durable=durable, stream=stream)
    taken = 0
    while taken < count:
        batch: list[Msg] = await reader.fetch(BATCH, timeout=ACK_TIMEOUT_S)
        async with connection.transaction():
            rows = rows_of([orjson.loads(each.data) for each in batch])
            for table, records in rows.items():
                await connection.copy_records_to_table(table, records=records)
        for each in batch:
            await each.ack()
        taken += len(batch)
    await client.flush()
    await reader.unsubscribe()
    await client.jetstream().delete_consumer(stream, durable)
