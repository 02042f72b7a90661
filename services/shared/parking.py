"""Events that could not be used: read strictly, kept with their reason, never lost, replayable."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from nats.aio.msg import Msg
from sqlalchemy.exc import SQLAlchemyError

from services.shared import clock
from services.shared.db import Transaction, constraint_of, sqlstate_of
from services.shared.events import CloudEvent, EventData, Kind, Received, Unreadable, parse
from services.shared.ids import new_id
from services.shared.outgoing import NUL
from services.shared.redaction import scrub_text

SKPD = "skpd"
CLOCK_TOLERANCE = timedelta(hours=1)
"""How far in the future an agency's clock may put an event."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message as it lies in a stream (or in ``parked_events``)."""

    raw: bytes
    subject: str
    stream: str
    stream_sequence: int
    deliveries: int

    @classmethod
    def of(cls, message: Msg) -> "Delivery":
        """Read subject and numbers of a pulled message."""
        meta = message.metadata
        return cls(
            raw=message.data,
            subject=message.subject,
            stream=meta.stream,
            stream_sequence=meta.sequence.stream,
            deliveries=meta.num_delivered or 1,
        )

    @property
    def agency(self) -> str | None:
        """The agency that the server let speak here, or None in a service's stream."""
        parts = self.subject.split(".")
        return parts[1] if parts[0] == SKPD and len(parts) > 1 else None


@dataclass(frozen=True, slots=True)
class Item:
    """A delivery and what was read of it: an event, or the reason why it is none."""

    delivery: Delivery
    event: Received[Any] | None
    fault: Unreadable | None = None
    payload_hash: bytes = b""

    @property
    def is_fact(self) -> bool:
        """Say whether this is an event that counts once."""
        return self.event is not None and self.event.data.KIND is Kind.FACT


def read(delivery: Delivery, types: Mapping[str, type[EventData]]) -> Item:
    """Read a delivery; what is wrong with it stands in ``fault``."""
    try:
        envelope, data = parse(delivery.raw, dict(types))
        _check_origin(delivery, envelope)
        event, digest = _received(delivery, envelope, data), _hash(envelope)
    except Unreadable as fault:
        return Item(delivery, None, fault)
    except RecursionError:
        return Item(delivery, None, Unreadable("not_json", "nested too deeply"))
    return Item(delivery, event, _not_storable(delivery.raw), digest)


def _check_origin(delivery: Delivery, envelope: CloudEvent) -> None:
    """The subject, which the server enforces, decides who spoke and about what."""
    agency = delivery.agency
    if agency is None:
        if not delivery.subject.startswith(f"{envelope.type}."):
            raise Unreadable("subject_mismatch", "the type is not that of the subject")
        return
    if envelope.source != f"{SKPD}/{agency}":
        raise Unreadable("source_mismatch", f"source must be {SKPD}/{agency}")
    if not f"{delivery.subject}.".startswith(f"{SKPD}.{agency}.{envelope.type}."):
        raise Unreadable("subject_mismatch", "the type is not that of the subject")
    time = _time(envelope)
    if time > clock.now() + CLOCK_TOLERANCE:
        raise Unreadable("future_time", "time lies in the future")


def _not_storable(raw: bytes) -> Unreadable | None:
    if b"\\u0000" not in raw or not NUL.search(raw.decode()):
        return None
    return Unreadable("nul_character", "a text holds the character NUL, which nobody can store")


def _received(delivery: Delivery, envelope: CloudEvent, data: EventData) -> Received[Any]:
    if data.KIND is Kind.STATE and (envelope.epoch is None or envelope.version is None):
        raise Unreadable("wrong_shape", "a state needs epoch and version")
    return Received(
        id=envelope.id,
        source=envelope.source,
        type=envelope.type,
        time=_time(envelope),
        subject=delivery.subject,
        data=data,
        epoch=envelope.epoch or 0,
        version=envelope.version or 0,
        stream=delivery.stream,
        stream_sequence=delivery.stream_sequence,
        traceparent=envelope.traceparent,
    )


def _time(envelope: CloudEvent) -> datetime:
    return clock.parse(envelope.time)


def _hash(envelope: CloudEvent) -> bytes:
    """Hash what the event says; a second sending may differ in time and trace."""
    try:
        content = orjson.dumps([envelope.type, envelope.data], option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError as error:
        raise Unreadable("not_json", "a number or text that JSON cannot hold") from error
    return hashlib.sha256(content).digest()


def fault_of(error: Exception) -> Unreadable:
    """Say why a handler failed, without the values that an error text may quote."""
    # SQLAlchemy's errors have a code too: of a page of its manual.
    own = "" if isinstance(error, SQLAlchemyError) else str(getattr(error, "code", ""))
    code = own or "handler_failed"
    state = sqlstate_of(error)
    parts = [type(error).__name__, f"sqlstate {state}" if state else "", constraint_of(error) or ""]
    return Unreadable(code[:100], " ".join(part for part in parts if part))


_PARK = """
INSERT INTO parked_events (id, consumer, stream, stream_sequence, subject, event_id, event_type,
    raw, digest, reason_code, reason_detail, deliveries, parked_at, last_seen_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13)
ON CONFLICT (consumer, digest) DO UPDATE SET
    reason_code = excluded.reason_code, reason_detail = excluded.reason_detail,
    deliveries = parked_events.deliveries + 1, last_seen_at = excluded.last_seen_at,
    replayed_at = NULL
"""


async def park(tx: Transaction, consumer: str, item: Item, fault: Unreadable) -> None:
    """Keep the bytes with the reason; the same bytes again are counted, not kept twice."""
    delivery = item.delivery
    connection = await tx.raw()
    await connection.execute(
        _PARK,
        new_id(),
        consumer,
        delivery.stream,
        delivery.stream_sequence,
        delivery.subject,
        _storable(item.event.id) if item.event else None,
        _storable(item.event.type) if item.event else None,
        delivery.raw,
        hashlib.sha256(delivery.subject.encode() + b"\0" + delivery.raw).digest(),
        fault.code,
        _storable(str(fault)[:500]),
        delivery.deliveries,
        tx.now,
    )


def _storable(text: str) -> str:
    """Return text fit to be kept and shown to an operator: no NUL, no identity number."""
    return scrub_text(text.replace("\0", "\ufffd"))


def rejection(item: Item, fault: Unreadable) -> tuple[str, bytes] | None:
    """Return (subject, message) that tells an agency of its rejected event; None for services."""
    agency = item.delivery.agency
    if agency is None:
        return None
    event = CloudEvent(
        id=str(new_id()),
        source="betang",
        type="skpd.event.rejected.v1",
        time=clock.now().isoformat().replace("+00:00", "Z"),
        subject=item.event.id if item.event else None,
        data={
            "subject": item.delivery.subject,
            "stream_sequence": item.delivery.stream_sequence,
            "event_id": item.event.id if item.event else None,
            "code": fault.code,
            "detail": str(fault)[:500],
        },
    )
    return f"notify.{agency}.rejected.v1", event.to_bytes()


def newest_states(events: Sequence[Received[Any]]) -> list[Received[Any]]:
    """Keep the highest (epoch, version) of each key, in the order of the stream."""
    newest: dict[tuple[str, str], Received[Any]] = {}
    for event in events:
        place = (event.type, event.data.key)
        other = newest.get(place)
        if other is None or (event.epoch, event.version) >= (other.epoch, other.version):
            newest[place] = event
    return sorted(newest.values(), key=lambda event: event.stream_sequence)
