"""Sends rows of the outbox to JetStream and says which of them arrived."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import asyncpg
import nats.errors
import orjson
import structlog
from nats.aio.client import Client

from services.shared.events import Kind
from services.shared.ids import new_id

ACK_TIMEOUT_S = 5.0
log = structlog.get_logger(__name__)


class StreamMissing(Exception):
    """No stream takes the subject: it was deleted, or its store is lost."""


class BatchRefused(Exception):
    """The server took nothing of an atomic batch, for instance because one is a duplicate."""


@dataclass(frozen=True, slots=True)
class Message:
    """One event ready to send; ``place`` is its outbox sequence."""

    place: int
    stream: str
    subject: str
    headers: dict[str, str]
    body: bytes


def message(row: "asyncpg.Record") -> Message:
    """Build the CloudEvents 1.0 structured-mode message of an outbox row."""
    event_id = str(row["id"])
    envelope: dict[str, Any] = {
        "specversion": "1.0",
        "id": event_id,
        "source": row["source"],
        "type": row["type"],
        "time": row["occurred_at"].isoformat().replace("+00:00", "Z"),
        "subject": row["aggregateid"],
        "datacontenttype": "application/json",
        "epoch": row["epoch"],
        "version": row["version"],
        "sequence": str(row["sequence"]),
    }
    if row["traceparent"]:
        envelope["traceparent"] = row["traceparent"]
    envelope["data"] = orjson.Fragment(row["payload"])
    last = row["aggregateid"] if row["kind"] == Kind.STATE else event_id
    return Message(
        place=row["sequence"],
        stream=row["stream"],
        subject=f"{row['type']}.{last}",
        headers={
            # With the epoch: what is told after a restore is no repetition of what was told before.
            "Nats-Msg-Id": f"{event_id}.{row['epoch']}",
            "Content-Type": "application/cloudevents+json",
        },
        body=orjson.dumps(envelope),
    )


async def publish_singly(client: Client, messages: Sequence[Message]) -> dict[int, int]:
    """Publish each by itself, all at once. Return stream sequences by place, of those that arrived.

    Raise ``StreamMissing`` or the connection's fault when nothing arrived.
    """
    answers = await asyncio.gather(
        *(_publish(client, each) for each in messages), return_exceptions=True
    )
    arrived: dict[int, int] = {}
    faults: list[BaseException] = []
    for each, answer in zip(messages, answers, strict=True):
        if isinstance(answer, BaseException):
            faults.append(answer)
        else:
            arrived[each.place] = answer
    if faults and not arrived:
        raise faults[0]
    if faults:
        log.warning("publish_partly_failed", failed=len(faults), error=type(faults[0]).__name__)
    return arrived


async def publish_batches(client: Client, messages: Sequence[Message]) -> dict[int, int]:
    """Publish each stream's messages as one atomic batch; singly when the batch is refused."""
    arrived: dict[int, int] = {}
    ordered = sorted(messages, key=lambda each: each.stream)
    for _, group in groupby(ordered, key=lambda each: each.stream):
        part = list(group)
        try:
            arrived |= await _publish_batch(client, part)
        except BatchRefused as refused:
            log.info("batch_refused", size=len(part), reason=str(refused))
            arrived |= await publish_singly(client, part)
    return arrived


async def _publish(client: Client, each: Message) -> int:
    try:
        answer = await client.request(
            each.subject, each.body, timeout=ACK_TIMEOUT_S, headers=dict(each.headers)
        )
    except nats.errors.NoRespondersError as error:
        raise StreamMissing(each.stream) from error
    return int(_acknowledged(answer.data)["seq"])


async def _publish_batch(client: Client, messages: Sequence[Message]) -> dict[int, int]:
    """NATS 2.12: nothing of a batch is stored before its last message commits it."""
    batch = str(new_id())
    last = len(messages)
    for number, each in enumerate(messages, 1):
        headers = {
            **each.headers,
            "Nats-Batch-Id": batch,
            "Nats-Batch-Sequence": str(number),
        }
        if number == last:
            headers["Nats-Batch-Commit"] = "1"
        if number not in (1, last):
            await client.publish(each.subject, each.body, headers=headers)
            continue
        # The first is acknowledged too, by an empty answer: an old server would say otherwise.
        try:
            answer = await client.request(
                each.subject, each.body, timeout=ACK_TIMEOUT_S, headers=headers
            )
        except nats.errors.NoRespondersError as error:
            raise StreamMissing(each.stream) from error
        if number != last and answer.data:
            refusal = orjson.loads(answer.data)
            if "error" not in refusal:
                # A server without batches stored it as an ordinary message; its id protects it.
                raise BatchRefused("the server knows no batches")
            raise BatchRefused(str(refusal["error"].get("description")))
    acknowledgement = _acknowledged(answer.data, BatchRefused)
    if acknowledgement.get("count", 1) != last:
        raise BatchRefused("the server counted another number of messages")
    first_sequence = int(acknowledgement["seq"]) - last + 1
    return {each.place: first_sequence + n for n, each in enumerate(messages)}


class PublishRefused(Exception):
    """The stream refused a message: too large, stream full."""


def _acknowledged(raw: bytes, refusal: type[Exception] = PublishRefused) -> dict[str, Any]:
    document: dict[str, Any] = orjson.loads(raw)
    if error := document.get("error"):
        raise refusal(str(error.get("description")))
    return document
