"""Pulls messages of a durable consumer in batches: as many as there are, without waiting for more.

nats-py's own ``fetch`` waits for a full batch until its time is up; here the first message ends
the waiting. More gather while a batch is handled, so under load the next one is large by itself.
"""

import asyncio
import json
from typing import Any

from nats.aio.client import Client
from nats.aio.msg import Msg

from services.shared.broker import NOT_FOUND, ApiError, request_api
from services.shared.parking import SKPD

EXPIRES_S = 2.0
ACK_WAIT_S = 60
ACK_PENDING_MAX = 5_000


class ConsumerGone(ConnectionError):
    """The consumer or its stream was deleted; it is to be made again."""


async def ensure_consumer(client: Client, stream: str, name: str, subjects: list[str]) -> None:
    """Create the durable consumer, or bring it up to date. Raise ``ApiError`` 404: no stream."""
    config: dict[str, Any] = {
        "durable_name": name,
        "name": name,
        "ack_policy": "explicit",
        "ack_wait": ACK_WAIT_S * 1_000_000_000,
        "deliver_policy": "all",
        "replay_policy": "instant",
        "max_ack_pending": ACK_PENDING_MAX,
        # Unlimited: a server that gives up skips the message silently. Parking is ours.
        "max_deliver": -1,
    }
    if subjects:
        config["filter_subjects"] = subjects
    await request_api(
        client, f"CONSUMER.CREATE.{stream}.{name}", {"stream_name": stream, "config": config}
    )


async def delete_consumer(client: Client, stream: str, name: str) -> None:
    """Delete a consumer of an older generation, if it is still there."""
    try:
        await request_api(client, f"CONSUMER.DELETE.{stream}.{name}", {})
    except ApiError as error:
        if error.code != NOT_FOUND:
            raise


async def unhandled(client: Client, stream: str, name: str) -> int:
    """Return how many messages the consumer has not acknowledged yet."""
    info = await request_api(client, f"CONSUMER.INFO.{stream}.{name}", {})
    return int(info["num_pending"]) + int(info["num_ack_pending"])


async def stream_names(client: Client, prefix: str) -> list[str]:
    """Return the streams whose name begins with ``prefix``."""
    names: list[str] = []
    while True:
        page = await request_api(client, "STREAM.NAMES", {"offset": len(names)})
        found = page.get("streams") or []
        names += found
        if not found or len(names) >= page["total"]:
            return sorted(name for name in names if name.startswith(prefix))


def agency_subjects(types: tuple[str, ...]) -> list[str]:
    """Return the filters of an agency's stream for these types, all versions of each."""
    families = sorted({".".join(name.split(".")[:2]) for name in types})
    return [f"{SKPD}.*.{family}.>" for family in families]


class Puller:
    """Asks for batches and keeps what arrives between two calls."""

    def __init__(self, client: Client, stream: str, name: str, batch_max: int) -> None:
        self._client = client
        self._next = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{name}"
        self._batch_max = batch_max
        self._owed = 0

    async def open(self) -> None:
        """Subscribe to the answers."""
        self._inbox = self._client.new_inbox()
        self._arrived: asyncio.Queue[Msg] = asyncio.Queue()
        self._answers = await self._client.subscribe(self._inbox, cb=self._arrived.put)

    async def close(self) -> None:
        """End the subscription; what was not acknowledged is delivered again."""
        if not self._client.is_closed:
            await self._answers.unsubscribe()

    async def batch(self, *, wait: bool = True) -> list[Msg]:
        """Return 1 to ``batch_max`` messages, or none when none came in time.

        Raise ``ConsumerGone`` when the server says that the consumer is no more.
        """
        if self._owed <= 0:
            asked: dict[str, Any] = {"batch": self._batch_max}
            asked |= {"expires": int(EXPIRES_S * 1e9)} if wait else {"no_wait": True}
            await self._client.publish(self._next, json.dumps(asked).encode(), self._inbox)
            self._owed = self._batch_max
        try:
            message = await asyncio.wait_for(self._arrived.get(), EXPIRES_S + 1)
        except TimeoutError:
            # The request is lost, for instance with the connection: ask again.
            self._owed = 0
            return []
        found: list[Msg] = []
        while (status := _status(message)) is None:
            self._owed -= 1
            found.append(message)
            if self._arrived.empty() or len(found) == self._batch_max:
                return found
            message = self._arrived.get_nowait()
        self._owed = 0
        if status in ("409", "503") and not found:
            raise ConsumerGone(f"status {status}")
        return found


def _status(message: Msg) -> str | None:
    """Return the server's own word. What it delivers has an address for the acknowledgement.

    An agency's message may be empty and carry a header of that name too.
    """
    if message.reply or not message.headers:
        return None
    return message.headers.get("Status")
