"""What agencies said: the messages of their streams, which no service can tell again.

The services' own streams are not kept: after a restore their tables tell everything anew.
"""

import base64
import hashlib
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import nats
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import NotFoundError

from deploy.nats import permissions
from deploy.nats.authority import CORE_ADMIN, Authority

BATCH = 200
FETCH_S = 5.0
UNUSED_S = 60.0

Line = dict[str, Any]


@asynccontextmanager
async def operator(authority: Authority, nats_url: str) -> AsyncIterator[JetStreamContext]:
    """Connect as the operator of CORE, who reads and writes every stream."""
    client = await nats.connect(
        nats_url, user_credentials=str(authority.creds(CORE_ADMIN)), allow_reconnect=False
    )
    try:
        yield client.jetstream()
    finally:
        await client.close()


async def ingest_streams(streams: JetStreamContext) -> list[str]:
    """Return the names of the agencies' streams."""
    names = [info.config.name or "" for info in await streams.streams_info()]
    return sorted(name for name in names if name.startswith(permissions.INGEST_PREFIX))


async def messages(streams: JetStreamContext, name: str) -> AsyncIterator[Line]:
    """Yield all messages of a stream up to the one that is last now."""
    last = (await streams.stream_info(name)).state.last_seq
    if not (await streams.stream_info(name)).state.messages:
        return
    config = ConsumerConfig(
        ack_policy=AckPolicy.NONE, deliver_policy=DeliverPolicy.ALL, inactive_threshold=UNUSED_S
    )
    consumer = await streams.pull_subscribe("", stream=name, config=config)
    try:
        sequence = 0
        while sequence < last:
            for message in await consumer.fetch(BATCH, timeout=FETCH_S):
                sequence = message.metadata.sequence.stream
                yield {
                    "subject": message.subject,
                    "headers": message.headers or {},
                    "data": base64.b64encode(message.data).decode(),
                }
    finally:
        await consumer.unsubscribe()


async def put_back(streams: JetStreamContext, name: str, lines: Iterable[Line]) -> int:
    """Publish what the stream does not hold (any more). Return how many messages that were.

    What it holds twice in the end has its effect once: services know the ids of events.
    """
    held = {_digest(line) async for line in messages(streams, name)}
    count = 0
    for line in lines:
        if _digest(line) not in held:
            await streams.publish(
                line["subject"], base64.b64decode(line["data"]), headers=line["headers"]
            )
            count += 1
    return count


async def remove_own_streams(streams: JetStreamContext, services: Sequence[str]) -> None:
    """Delete services' streams, with the places of their consumers; relays make them anew."""
    for name in (name for each in services for name in permissions.SERVICES[each].streams):
        try:
            await streams.delete_stream(name)
        except NotFoundError:
            continue


def _digest(line: Line) -> bytes:
    return hashlib.sha256(f"{line['subject']}\n{line['data']}".encode()).digest()
