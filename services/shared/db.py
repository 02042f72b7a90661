"""The database of one service. This is the only module of Betang that commits.

A write is one ``Transaction``: rows, events, audit entries and the idempotent answer commit
together or not at all. Reads of several statements see one snapshot (``ReadTransaction``).

Longer than others here: what may commit stays in one file.
"""

import traceback
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar

import asyncpg
from sqlalchemy import Executable, RowMapping, text
from sqlalchemy.engine import Result
from sqlalchemy.orm import Session
from sqlmodel.ext.asyncio.session import AsyncSession

from services.shared import clock, connections, outgoing
from services.shared.connections import Pool
from services.shared.events import EventData, Kind
from services.shared.observability import current_traceparent
from services.shared.outgoing import AuditEntry, EventRefused, Lane, OutgoingEvent

__all__ = [
    "Database",
    "EventRefused",
    "Lane",
    "Pool",
    "ReadTransaction",
    "Transaction",
    "constraint_of",
    "sqlstate_of",
    "where",
]

M = TypeVar("M")
COPY_CHUNK = 2_000


class ReadTransaction:
    """One snapshot of the database. ``session`` is SQLModel's, for what has no method here."""

    def __init__(self, session: AsyncSession) -> None:
        self.session = session
        self.now: datetime = clock.now()
        self._open = False

    async def execute(self, stmt: Executable, params: Any = None) -> Result[Any]:
        """Run any statement and return SQLAlchemy's ``Result`` of rows."""
        self._open = True
        # SQLModel's own execute() warns on each call; this is the method that it overrides.
        return await self.session.run_sync(lambda s: Session.execute(s, stmt, params))

    async def scalar(self, stmt: Executable, params: Any = None) -> Any:
        """Return the first column of the first row, or None."""
        return (await self.execute(stmt, params)).scalar()

    async def scalars(self, stmt: Executable, params: Any = None) -> list[Any]:
        """Return the first column (or the model) of every row."""
        return list((await self.execute(stmt, params)).scalars().all())

    async def rows(self, stmt: Executable, params: Any = None) -> list[RowMapping]:
        """Return every row as a mapping of column names."""
        return list((await self.execute(stmt, params)).mappings().all())

    async def get(self, model: type[M], ident: Any) -> M | None:
        """Return the row of ``model`` with this primary key."""
        self._open = True
        return await self.session.get(model, ident)

    async def raw(self) -> "asyncpg.Connection[Any]":
        """Return the asyncpg connection, inside this same transaction.

        SQLAlchemy begins lazily, at its first statement: what a raw connection did before that
        would escape the transaction. So the first statement is made here.
        """
        if not self._open:
            await self.execute(text("SELECT 1"))
        fairy = await (await self.session.connection()).get_raw_connection()
        connection: asyncpg.Connection[Any] = fairy.driver_connection  # type: ignore[assignment]
        return connection


class Transaction(ReadTransaction):
    """One unit of work; see ``Database.transaction``."""

    def __init__(self, session: AsyncSession, *, schema: str, service: str) -> None:
        super().__init__(session)
        self._schema = schema
        self._service = service
        self._events: list[OutgoingEvent] = []
        self._audit: list[AuditEntry] = []
        self._epoch: int | None = None
        self._first: OutgoingEvent | None = None

    def add(self, row: Any) -> None:
        """Insert ``row`` (or save it) at the next flush."""
        self.session.add(row)

    def add_all(self, rows: Iterable[Any]) -> None:
        """Insert ``rows`` at the next flush."""
        self.session.add_all(rows)

    def emit(
        self,
        event: EventData,
        *,
        version: int = 1,
        lane: Lane = Lane.INTERACTIVE,
        source: str | None = None,
    ) -> None:
        """Tell ``event`` when this transaction commits. Raise ``EventRefused`` when unsendable."""
        self._events.append(self._outgoing(event, version, lane, source))

    async def emit_many(
        self, pairs: Iterable[tuple[EventData, int]], lane: Lane = Lane.BULK
    ) -> int:
        """Tell many (event, version); written by COPY in chunks. Return how many."""
        await self.flush()
        count = 0
        rows = (self._outgoing(event, version, lane, None) for event, version in pairs)
        while chunk := list(islice(rows, COPY_CHUNK)):
            connection = await self.raw()
            await outgoing.copy_events(connection, chunk, await self._current_epoch())
            count += len(chunk)
        if count:
            await self._notify()
        return count

    def audit(self, action: str, subject: str, payload: dict[str, Any], actor: str) -> None:
        """Record who did what; it is sealed into the hash chain after the commit."""
        self._audit.append(outgoing.audit_entry(action, subject, payload, actor, self.now))

    async def flush(self) -> None:
        """Send pending rows, events and audit entries to the database, still uncommitted."""
        if self.session.new or self.session.dirty or self.session.deleted:
            self._open = True
            await self.session.flush()
        if self._audit:
            entries, self._audit = self._audit, []
            await outgoing.insert_audit(await self.raw(), entries)
        if self._events:
            events, self._events = self._events, []
            epoch = await self._current_epoch()
            await outgoing.insert_events(await self.raw(), events, epoch)
            await self._notify()

    async def copy(
        self, table_name: str, columns: Sequence[str], records: Iterable[Sequence[Any]]
    ) -> None:
        """COPY ``records`` into a table of this schema, inside this transaction."""
        await self.flush()
        connection = await self.raw()
        await connection.copy_records_to_table(table_name, columns=columns, records=records)

    @property
    def position(self) -> str | None:
        """Where a reader must have come to see this write; known after ``flush``.

        ``type/key/epoch/version`` of the first state emitted, ``type/key`` when only facts were.
        """
        first = self._first
        if first is None or self._epoch is None:
            return None
        place = f"{first.event.TYPE}/{first.event.key}"
        if first.event.KIND is Kind.FACT:
            return place
        return f"{place}/{self._epoch}/{first.version}"

    async def current_epoch(self) -> int:
        """Return this producer's epoch, for own tables that keep it."""
        return await self._current_epoch()

    def _outgoing(
        self, event: EventData, version: int, lane: Lane, source: str | None
    ) -> OutgoingEvent:
        row = outgoing.outgoing(
            event,
            version=version,
            lane=lane,
            source=source or self._service,
            now=self.now,
            traceparent=current_traceparent(),
        )
        first = self._first
        if first is None or (first.event.KIND is Kind.FACT and event.KIND is Kind.STATE):
            self._first = row
        return row

    async def _current_epoch(self) -> int:
        if self._epoch is None:
            self._epoch = await outgoing.current_epoch(await self.raw(), self._schema)
        return self._epoch

    async def _notify(self) -> None:
        # PostgreSQL sends equal notifications of one transaction once.
        await (await self.raw()).execute("SELECT pg_notify($1, '')", outgoing.channel(self._schema))


def sqlstate_of(error: BaseException) -> str | None:
    """Return the SQLSTATE of a database error, or None when the server did not answer."""
    return _server_word(error, "sqlstate")


def constraint_of(error: BaseException) -> str | None:
    """Return the name of the constraint that a database error reports."""
    return _server_word(error, "constraint_name")


def _server_word(error: BaseException, name: str) -> str | None:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(word := getattr(cause, name, None), str):
            return word
        # SQLAlchemy wraps its adapter's error, which was raised from asyncpg's.
        cause = getattr(cause, "orig", None) or cause.__cause__
    return None


def where(error: BaseException) -> list[str]:
    """Return the last places of an error in our own code, for the log.

    Without its text: PostgreSQL quotes the row that failed, which may be personal data.
    """
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "/services/" in frame.filename]
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in own[-5:]]


class Database:
    """The connections of one service to its own schema, with the app role's URL."""

    def __init__(self, url: str, *, schema: str, service: str, pool_size: int = 10) -> None:
        self.url = url.replace("postgresql+asyncpg://", "postgresql://")
        self.schema = schema
        self.service = service
        self.server_settings = connections.server_settings(schema, service)
        self._engine = connections.make_engine(self.url, self.server_settings, size=pool_size)
        self._snapshots = self._engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        self.pool = Pool(self.url, server_settings=self.server_settings, size=pool_size)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Open a write. Leaving the block commits; an exception rolls everything back."""
        async with AsyncSession(self._engine, expire_on_commit=False) as session:
            tx = Transaction(session, schema=self.schema, service=self.service)
            yield tx
            await tx.flush()
            await session.commit()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[ReadTransaction]:
        """Open a read-only snapshot (REPEATABLE READ)."""
        async with AsyncSession(self._snapshots) as session:
            yield ReadTransaction(session)

    async def connect(self) -> "asyncpg.Connection[Any]":
        """Open a connection of its own, for locks and LISTEN. The caller closes it."""
        return await connections.open_connection(self.url, self.server_settings)

    async def ping(self) -> None:
        """Raise when the database does not answer."""
        await self.pool.ping()

    async def close(self) -> None:
        """Close all connections."""
        await self.pool.close()
        await self._engine.dispose()
