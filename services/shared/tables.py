"""The tables that every service has beside its own: outbox, inbox, audit, idempotency, files.

``shared_tables(metadata)`` adds them to a service's metadata, for migrations and ``alembic check``.
``TABLES`` is a copy for the queries of this package. No schema is named: ``search_path`` is set
when a connection is made, so that many regencies can live in one cluster.

Longer than others here: one function a table, nothing else.
"""

from dataclasses import dataclass, fields

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Double,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

APPEND_ONLY = {"append_only": True}
"""``Table.info`` of tables on which the app role gets neither UPDATE nor DELETE."""

NAMING = {
    "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
    "ck": "%(table_name)s_%(constraint_name)s_check",
    "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
    "pk": "%(table_name)s_pkey",
}


@dataclass(frozen=True, slots=True)
class SharedTables:
    """One field per shared table."""

    outbox: Table
    stream_marks: Table
    inbox: Table
    parked_events: Table
    consumer_progress: Table
    epoch: Table
    commands: Table
    idempotency: Table
    audit_entries: Table
    audit_payloads: Table
    audit_queue: Table
    audit_chain: Table
    audit_roots: Table
    uploads: Table
    blobs: Table

    def all(self) -> tuple[Table, ...]:
        """Return every table, for creation and grants."""
        return tuple(getattr(self, field.name) for field in fields(self))


def new_metadata() -> MetaData:
    """Return a metadata whose constraints and indexes are named by rule."""
    return MetaData(naming_convention=NAMING)


def shared_tables(metadata: MetaData) -> SharedTables:
    """Add the shared tables to ``metadata`` and return them."""
    return SharedTables(
        outbox=_outbox(metadata),
        stream_marks=_stream_marks(metadata),
        inbox=_inbox(metadata),
        parked_events=_parked_events(metadata),
        consumer_progress=_consumer_progress(metadata),
        epoch=_epoch(metadata),
        commands=_commands(metadata),
        idempotency=_idempotency(metadata),
        audit_entries=_audit_entries(metadata),
        audit_payloads=_audit_payloads(metadata),
        audit_queue=_audit_queue(metadata),
        audit_chain=_audit_chain(metadata),
        audit_roots=_audit_roots(metadata),
        uploads=_uploads(metadata),
        blobs=_blobs(metadata),
    )


def _instant(name: str, *, nullable: bool = False) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=nullable)


def _words(name: str, *, nullable: bool = False) -> Column[object]:
    return Column(name, Text, nullable=nullable)


def _flag(name: str) -> Column[object]:
    return Column(name, Boolean, nullable=False, server_default=text("false"))


def _outbox(metadata: MetaData) -> Table:
    # aggregatetype, aggregateid, type and payload are the names that Debezium's router expects.
    return Table(
        "outbox",
        metadata,
        Column("sequence", BigInteger, Identity(always=True), primary_key=True),
        Column("id", Uuid, nullable=False, unique=True),
        _words("aggregatetype"),
        _words("aggregateid"),
        _words("type"),
        _words("kind"),
        _words("stream"),
        _words("source"),
        Column("payload", JSONB, nullable=False),
        Column("epoch", Integer, nullable=False),
        Column("version", BigInteger, nullable=False),
        _words("lane"),
        _words("region_code", nullable=True),
        _words("owner_code", nullable=True),
        _flag("personal"),
        _flag("sensitive"),
        _words("traceparent", nullable=True),
        _instant("occurred_at"),
        _instant("published_at", nullable=True),
        Column("published_seq", BigInteger),
        Column("feed_position", BigInteger),
        _flag("superseded"),
        Column("attempts", Integer, nullable=False, server_default=text("0")),
        CheckConstraint("lane IN ('interactive', 'bulk')", name="lane"),
        CheckConstraint("kind IN ('state', 'fact')", name="kind"),
        Index(
            "outbox_unpublished_idx",
            "lane",
            "sequence",
            postgresql_where=text("published_at IS NULL AND NOT superseded"),
        ),
        Index("outbox_version_idx", "type", "aggregateid", "epoch", "version"),
        Index(
            "outbox_feed_position_idx",
            "feed_position",
            unique=True,
            postgresql_where=text("feed_position IS NOT NULL"),
        ),
        Index("outbox_published_at_idx", "published_at"),
    )


def _stream_marks(metadata: MetaData) -> Table:
    return Table(
        "stream_marks",
        metadata,
        Column("stream", Text, primary_key=True),
        _words("created"),
        Column("last_sequence", BigInteger, nullable=False),
    )


def _inbox(metadata: MetaData) -> Table:
    return Table(
        "inbox",
        metadata,
        Column("consumer", Text, primary_key=True),
        Column("source", Text, primary_key=True),
        Column("event_id", Text, primary_key=True),
        Column("payload_hash", LargeBinary, nullable=False),
        _instant("received_at"),
        Index("inbox_received_at_idx", "received_at"),
    )


def _parked_events(metadata: MetaData) -> Table:
    return Table(
        "parked_events",
        metadata,
        Column("id", Uuid, primary_key=True),
        _words("consumer"),
        _words("stream"),
        Column("stream_sequence", BigInteger, nullable=False),
        _words("subject"),
        _words("event_id", nullable=True),
        _words("event_type", nullable=True),
        Column("raw", LargeBinary, nullable=False),
        Column("digest", LargeBinary, nullable=False),
        _words("reason_code"),
        _words("reason_detail"),
        Column("deliveries", Integer, nullable=False),
        _instant("parked_at"),
        _instant("last_seen_at"),
        _instant("replayed_at", nullable=True),
        UniqueConstraint("consumer", "digest"),
        Index("parked_events_parked_at_idx", "parked_at"),
    )


def _consumer_progress(metadata: MetaData) -> Table:
    return Table(
        "consumer_progress",
        metadata,
        Column("consumer", Text, primary_key=True),
        _words("producer"),
        Column("generation", Integer, nullable=False, server_default=text("1")),
        _instant("as_of", nullable=True),
    )


def _epoch(metadata: MetaData) -> Table:
    # One row; the primary key admits only true.
    return Table(
        "epoch",
        metadata,
        Column("only", Boolean, primary_key=True, server_default=text("true")),
        Column("value", Integer, nullable=False),
        _instant("raised_at"),
        # [[last position kept, first position since], ...] of each restore.
        Column("feed_gaps", JSONB, nullable=False, server_default=text("'[]'")),
        CheckConstraint('"only"', name="one_row"),
    )


def _commands(metadata: MetaData) -> Table:
    return Table(
        "commands",
        metadata,
        Column("id", Uuid, primary_key=True),
        _words("name"),
        _words("argument", nullable=True),
        _words("actor"),
        _instant("requested_at"),
        _instant("done_at", nullable=True),
        _words("outcome", nullable=True),
        Index("commands_open_idx", "requested_at", postgresql_where=text("done_at IS NULL")),
    )


def _idempotency(metadata: MetaData) -> Table:
    return Table(
        "idempotency",
        metadata,
        Column("caller", Text, primary_key=True),
        Column("route", Text, primary_key=True),
        Column("key", Text, primary_key=True),
        Column("request_hash", LargeBinary, nullable=False),
        Column("status", Integer, nullable=False),
        Column("headers", JSONB, nullable=False),
        Column("body", LargeBinary, nullable=False),
        _instant("created_at"),
        Index("idempotency_created_at_idx", "created_at"),
    )


def _audit_entries(metadata: MetaData) -> Table:
    return Table(
        "audit_entries",
        metadata,
        Column("id", Uuid, primary_key=True),
        _instant("occurred_at"),
        _words("actor"),
        _words("action"),
        _words("subject"),
        Column("payload_hash", LargeBinary, nullable=False),
        _words("trace_id", nullable=True),
        Index("audit_entries_subject_idx", "subject", "occurred_at"),
        Index("audit_entries_actor_idx", "actor", "occurred_at"),
        info=APPEND_ONLY,
    )


def _audit_payloads(metadata: MetaData) -> Table:
    # Apart from the entries, so that a payload can be erased while the chain stays whole.
    return Table(
        "audit_payloads",
        metadata,
        Column("entry_id", Uuid, primary_key=True),
        Column("salt", LargeBinary, nullable=False),
        Column("payload", JSONB, nullable=False),
    )


def _audit_queue(metadata: MetaData) -> Table:
    return Table("audit_queue", metadata, Column("entry_id", Uuid, primary_key=True))


def _audit_chain(metadata: MetaData) -> Table:
    return Table(
        "audit_chain",
        metadata,
        Column("index", BigInteger, primary_key=True, autoincrement=False),
        Column("entry_id", Uuid, nullable=False, unique=True),
        Column("hash", LargeBinary, nullable=False),
        _instant("sealed_at"),
        info=APPEND_ONLY,
    )


def _audit_roots(metadata: MetaData) -> Table:
    return Table(
        "audit_roots",
        metadata,
        Column("day", Date, primary_key=True),
        Column("last_index", BigInteger, nullable=False),
        Column("hash", LargeBinary, nullable=False),
        _words("key_id"),
        Column("signature", LargeBinary, nullable=False),
        _instant("signed_at"),
        info=APPEND_ONLY,
    )


def _uploads(metadata: MetaData) -> Table:
    return Table(
        "uploads",
        metadata,
        Column("id", Uuid, primary_key=True),
        _words("owner"),
        _words("purpose"),
        _words("file_name"),
        _words("media_type"),
        _words("region_code", nullable=True),
        _words("agency", nullable=True),
        Column("size", BigInteger, nullable=False),
        Column("received", BigInteger, nullable=False, server_default=text("0")),
        Column("sha256", LargeBinary),
        Column("latitude", Double),
        Column("longitude", Double),
        _instant("taken_at", nullable=True),
        _instant("created_at"),
        _instant("finished_at", nullable=True),
        _instant("expires_at", nullable=True),
        CheckConstraint("received BETWEEN 0 AND size", name="received"),
        Index("uploads_sha256_idx", "sha256"),
        Index("uploads_created_at_idx", "created_at"),
    )


def _blobs(metadata: MetaData) -> Table:
    return Table(
        "blobs",
        metadata,
        Column("sha256", LargeBinary, primary_key=True),
        Column("size", BigInteger, nullable=False),
        _words("media_type"),
        _words("location"),
        Column("key_version", Integer, nullable=False),
        _instant("created_at"),
        _instant("deleted_at", nullable=True),
    )


TABLES = shared_tables(new_metadata())
