"""The streams of a producer: made when missing, and noticed when they lost messages.

``<SERVICE>_STATE`` and ``REGISTRY_IDENTITY`` keep the last message of each subject,
``<SERVICE>_FACT`` keeps all of an age. Which subjects go where follows from the event classes.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from nats.aio.client import Client
from nats.js import JetStreamContext

from services.shared.broker import NOT_FOUND, ApiError, client_of, request_api
from services.shared.events import EventData, Kind

FACTS_KEPT = timedelta(days=400)
"""Facts can be read again for a year and a month: a rebuild covers a whole budget year."""

DUPLICATE_WINDOW = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class StreamState:
    """What the server says of a stream: when it was created and its last sequence number."""

    name: str
    created: str
    last_sequence: int


def event_classes(producer: str) -> list[type[EventData]]:
    """Return the loaded event classes that ``producer`` tells."""
    found: dict[str, type[EventData]] = {}
    waiting = list(EventData.__subclasses__())
    while waiting:
        event_class = waiting.pop()
        waiting.extend(event_class.__subclasses__())
        if getattr(event_class, "TYPE", "").startswith(f"{producer}."):
            found[event_class.TYPE] = event_class
    return [found[name] for name in sorted(found)]


async def ensure_streams(
    nats: Client | JetStreamContext, producer: str, replicas: int = 1
) -> list[StreamState]:
    """Create the producer's missing streams, widen their subjects, and return their states.

    Each is kept on ``replicas`` servers; one made before the cluster was there moves onto it.
    """
    by_stream: dict[str, list[type[EventData]]] = defaultdict(list)
    for event_class in event_classes(producer):
        by_stream[event_class.STREAM].append(event_class)
    client = client_of(nats)
    return [
        await _ensure(client, name, stream_config(name, classes) | {"num_replicas": replicas})
        for name, classes in sorted(by_stream.items())
    ]


async def purge_streams(nats: Client | JetStreamContext, producer: str) -> None:
    """Empty the producer's streams; consumers keep their places in them."""
    client = client_of(nats)
    for name in sorted({event_class.STREAM for event_class in event_classes(producer)}):
        await request_api(client, f"STREAM.PURGE.{name}", {})


async def _ensure(client: Client, name: str, config: dict[str, Any]) -> StreamState:
    try:
        info = await request_api(client, f"STREAM.INFO.{name}", {})
    except ApiError as error:
        if error.code != NOT_FOUND:
            raise
        info = await request_api(client, f"STREAM.CREATE.{name}", config)
    else:
        present = info["config"]
        # Older releases' subjects stay: their messages are still read.
        subjects = sorted({*present["subjects"], *config["subjects"]})
        if any(
            present.get(key) != value for key, value in (config | {"subjects": subjects}).items()
        ):
            wanted = present | config | {"subjects": subjects}
            info = await request_api(client, f"STREAM.UPDATE.{name}", wanted)
    return StreamState(name, info["created"], int(info["state"]["last_seq"]))


def stream_config(name: str, classes: list[type[EventData]]) -> dict[str, Any]:
    """Return the JetStream configuration of a stream for these event classes."""
    config: dict[str, Any] = {
        "name": name,
        "subjects": sorted(f"{event_class.TYPE}.*" for event_class in classes),
        "storage": "file",
        "retention": "limits",
        "discard": "old",
        "duplicate_window": _nanoseconds(DUPLICATE_WINDOW),
        "allow_atomic": True,
        "allow_direct": True,
    }
    kinds = {event_class.KIND for event_class in classes}
    if len(kinds) != 1:
        raise ValueError(f"{name} mixes states and facts")
    if kinds == {Kind.STATE}:
        return config | {"max_msgs_per_subject": 1}
    return config | {"max_age": _nanoseconds(FACTS_KEPT)}


def _nanoseconds(span: timedelta) -> int:
    return int(span.total_seconds()) * 1_000_000_000
