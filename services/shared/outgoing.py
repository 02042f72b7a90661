"""What a transaction buffers and writes just before its commit: events and audit entries.

Only ``db.Transaction`` uses this. Rows go in with one statement per kind, so that a request pays
one round trip for its events and one NOTIFY, whatever their number.
"""

import contextlib
import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import rfc8785

from services.shared.events import EVENT_BYTES_MAX, EventData, Kind
from services.shared.ids import new_id
from services.shared.observability import current_trace_id

ENVELOPE_BYTES = 2_000
"""Room for the CloudEvents attributes around the payload."""

NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
"""An escaped NUL in JSON text; an escaped backslash before ``u0000`` is harmless."""


KEY = re.compile(r"^[A-Za-z0-9_-]{1,200}$")
"""What may stand as one token of a NATS subject."""


class Lane(StrEnum):
    """Which queue of the relay: what a person waits for goes before an import."""

    INTERACTIVE = "interactive"
    BULK = "bulk"


class EventRefused(ValueError):
    """The event cannot be stored or sent: too large, or text that PostgreSQL does not hold."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


@dataclass(frozen=True, slots=True)
class OutgoingEvent:
    """One row of the outbox, without epoch: that is read when the row is written."""

    id: UUID
    event: EventData
    key: str
    payload: str
    version: int
    lane: Lane
    source: str
    occurred_at: datetime
    traceparent: str | None

    def record(self, epoch: int) -> tuple[Any, ...]:
        """Return the values of ``OUTBOX_COLUMNS``."""
        event = self.event
        told = vars(event)
        return (
            self.id,
            ".".join(event.TYPE.split(".", 2)[:2]),
            self.key,
            event.TYPE,
            event.KIND.value,
            event.STREAM,
            self.source,
            self.payload,
            epoch,
            self.version,
            self.lane.value,
            told.get("region_code"),
            told.get("owner_code"),
            bool(event.PERSONAL),
            told.get("sensitive", False),
            self.traceparent,
            self.occurred_at,
        )


OUTBOX_COLUMNS = (
    "id", "aggregatetype", "aggregateid", "type", "kind", "stream", "source", "payload", "epoch",
    "version", "lane", "region_code", "owner_code", "personal", "sensitive", "traceparent",
    "occurred_at",
)  # fmt: skip
_OUTBOX_TYPES = (
    "uuid", "text", "text", "text", "text", "text", "text", "text", "int", "bigint", "text", "text",
    "text", "bool", "bool", "text", "timestamptz",
)  # fmt: skip
_INSERT = (
    f"INSERT INTO outbox ({', '.join(OUTBOX_COLUMNS)})"  # noqa: S608 - constants only
    f" SELECT {', '.join(c + '::jsonb' if c == 'payload' else c for c in OUTBOX_COLUMNS)}"
    f" FROM unnest({', '.join(f'${n}::{t}[]' for n, t in enumerate(_OUTBOX_TYPES, 1))})"
    f" WITH ORDINALITY AS rows ({', '.join(OUTBOX_COLUMNS)}, place) ORDER BY place"
)


def outgoing(
    event: EventData,
    *,
    version: int,
    lane: Lane,
    source: str,
    now: datetime,
    traceparent: str | None,
) -> OutgoingEvent:
    """Check and serialise one event. Raise ``EventRefused`` when it cannot be stored or sent."""
    key = event.key
    if not KEY.match(key):
        raise EventRefused("bad_key", f"{event.TYPE} has a key that no subject may hold")
    payload = event.model_dump_json()
    if len(payload.encode()) + ENVELOPE_BYTES > EVENT_BYTES_MAX:
        raise EventRefused("event_too_large", f"{event.TYPE} exceeds {EVENT_BYTES_MAX} bytes")
    if "\\u0000" in payload and NUL.search(payload):
        raise EventRefused("nul_character", f"{event.TYPE} holds a NUL character")
    event_id = fact_id(event) or new_id()
    return OutgoingEvent(event_id, event, key, payload, version, lane, source, now, traceparent)


def fact_id(event: EventData) -> UUID | None:
    """Return a fact's own id when its key is one, so that told again it is the same event.

    A state is told anew each time; its (epoch, version) is what consumers compare.
    """
    if event.KIND is Kind.FACT:
        with contextlib.suppress(ValueError):
            return UUID(event.key)
    return None


async def current_epoch(connection: "asyncpg.Connection[Any]", schema: str) -> int:
    """Return the producer's epoch, holding off ``raise_epoch`` until this transaction ends."""
    await connection.execute("SELECT pg_advisory_xact_lock_shared($1)", epoch_lock(schema))
    value = await connection.fetchval("SELECT value FROM epoch")
    if value is None:
        raise RuntimeError("the epoch row is missing: the migrations have not run")
    return int(value)


def epoch_lock(schema: str) -> int:
    """Return the advisory lock number that emitters share and ``raise_epoch`` takes alone."""
    return lock_number("epoch", schema)


def lock_number(*parts: str) -> int:
    """Return a stable signed 64-bit number for ``pg_advisory_lock``."""
    digest = hashlib.sha256("\x1f".join(parts).encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def channel(schema: str) -> str:
    """Return the NOTIFY channel of one service's outbox: channels are per database."""
    return f"outbox_{schema}"[:63]


async def insert_events(
    connection: "asyncpg.Connection[Any]", rows: Sequence[OutgoingEvent], epoch: int
) -> None:
    """Insert a handful of events with one statement, in the order of their emission."""
    records = [row.record(epoch) for row in rows]
    await connection.execute(_INSERT, *(list(column) for column in zip(*records, strict=True)))


async def copy_events(
    connection: "asyncpg.Connection[Any]", rows: Sequence[OutgoingEvent], epoch: int
) -> None:
    """Insert many events by COPY. The transaction must be open."""
    await connection.copy_records_to_table(
        "outbox", columns=OUTBOX_COLUMNS, records=[row.record(epoch) for row in rows]
    )


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who did what to which subject. ``payload`` may be erased later, its salted hash stays."""

    id: UUID
    occurred_at: datetime
    actor: str
    action: str
    subject: str
    payload: str
    salt: bytes
    payload_hash: bytes
    trace_id: str | None


def audit_entry(
    action: str, subject: str, payload: dict[str, Any], actor: str, now: datetime
) -> AuditEntry:
    """Build an entry; its hash is taken over salt and RFC 8785 JSON of the payload."""
    document = orjson.loads(orjson.dumps(payload, default=str))
    salt = secrets.token_bytes(16)
    return AuditEntry(
        id=new_id(),
        occurred_at=now,
        actor=actor,
        action=action,
        subject=subject,
        payload=orjson.dumps(document).decode(),
        salt=salt,
        payload_hash=hashlib.sha256(salt + rfc8785.dumps(document)).digest(),
        trace_id=current_trace_id(),
    )


_AUDIT = """
WITH rows AS (
    SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::text[], $5::text[],
                         $6::text[], $7::bytea[], $8::bytea[], $9::text[])
        AS rows (id, occurred_at, actor, action, subject, payload, salt, payload_hash, trace_id)
), entries AS (
    INSERT INTO audit_entries (id, occurred_at, actor, action, subject, payload_hash, trace_id)
    SELECT id, occurred_at, actor, action, subject, payload_hash, trace_id FROM rows
), payloads AS (
    INSERT INTO audit_payloads (entry_id, salt, payload) SELECT id, salt, payload::jsonb FROM rows
)
INSERT INTO audit_queue (entry_id) SELECT id FROM rows
"""


async def insert_audit(
    connection: "asyncpg.Connection[Any]", entries: Sequence[AuditEntry]
) -> None:
    """Insert audit entries, their payloads, and their places in the sealing queue."""
    columns = [
        (e.id, e.occurred_at, e.actor, e.action, e.subject, e.payload, e.salt, e.payload_hash,
         e.trace_id)
        for e in entries
    ]  # fmt: skip
    await connection.execute(_AUDIT, *(list(column) for column in zip(*columns, strict=True)))
