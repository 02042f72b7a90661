"""What distribution owns: cycles, entitlements, sessions, deliveries, the ledger.

Private to storage. What others told it is in ``projection_tables.py``. Deliveries, returns, ledger
entries and disbursement orders are append-only: the app role may neither update nor delete them.
"""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, DateTime, Index, UniqueConstraint
from sqlmodel import Field

from services.distribution.domain.ledger import MOVES
from services.distribution.storage import projection_tables  # noqa: F401 - completes the metadata
from services.distribution.storage.base import Row, metadata
from services.shared.tables import APPEND_ONLY

__all__ = ["metadata"]
"""The whole metadata, for migrations; the row classes are imported by name in storage."""

INSTANT = DateTime(timezone=True)

KEEP = {"info": APPEND_ONLY}
"""The app role gets SELECT and INSERT on such a table, nothing else."""

MOVE_PAIRS = " OR ".join(
    f"(kind = '{kind}' AND debited = '{debited}' AND credited = '{credited}')"
    for kind, (debited, credited) in MOVES.items()
)


class CycleRow(Row, table=True):
    """A stage of a program's year. Quantity and unit value, when given, replace the program's."""

    __tablename__ = "cycles"
    __table_args__ = (
        CheckConstraint("status IN ('open','closed')", name="status"),
        CheckConstraint("opens_on <= closes_on", name="dates"),
        CheckConstraint("quantity > 0", name="quantity"),
        CheckConstraint("unit_value_idr >= 0", name="unit_value_idr"),
        UniqueConstraint("program_id", "year", "name"),
        Index(None, "opens_on", "id"),
    )

    id: UUID = Field(primary_key=True)
    program_id: UUID
    name: str
    year: int
    opens_on: date
    closes_on: date
    quantity: int | None = Field(sa_type=BigInteger)
    unit_value_idr: int | None = Field(sa_type=BigInteger)
    status: str
    version: int = Field(sa_type=BigInteger)
    created_by: str
    created_at: datetime = Field(sa_type=INSTANT)


class EntitlementRow(Row, table=True):
    """What one enrolment may get in one cycle. The checks hold whatever the code above forgets."""

    __tablename__ = "entitlements"
    __table_args__ = (
        CheckConstraint(
            "status IN ('reserved','part_delivered','delivered','void')",
            name="status",
        ),
        CheckConstraint("quantity > 0", name="quantity"),
        CheckConstraint("delivered_quantity BETWEEN 0 AND quantity", name="delivered"),
        CheckConstraint("unit_value_idr >= 0", name="unit_value_idr"),
        CheckConstraint(
            "(status = 'void' AND delivered_quantity = 0)"
            " OR (status = 'reserved' AND delivered_quantity = 0)"
            " OR (status = 'delivered' AND delivered_quantity = quantity)"
            " OR (status = 'part_delivered' AND delivered_quantity > 0"
            " AND delivered_quantity < quantity)",
            name="status_follows",
        ),
        UniqueConstraint("cycle_id", "enrolment_id"),
        Index(None, "enrolment_id"),
        Index(None, "family_id"),
        Index(None, "person_id"),
        Index(None, "region_code", "id"),
        Index(None, "cycle_id", "id"),
    )

    id: UUID = Field(primary_key=True)
    cycle_id: UUID = Field(foreign_key="cycles.id")
    program_id: UUID
    enrolment_id: UUID
    year: int
    family_id: UUID
    person_id: UUID | None
    region_code: str
    quantity: int = Field(sa_type=BigInteger)
    unit_value_idr: int = Field(sa_type=BigInteger)
    delivered_quantity: int = Field(sa_type=BigInteger)
    due_on: date
    status: str
    void_reason: str | None
    sensitive: bool
    version: int = Field(sa_type=BigInteger)
    created_at: datetime = Field(sa_type=INSTANT)
    updated_at: datetime = Field(sa_type=INSTANT)


class SessionRow(Row, table=True):
    """A day and a place where an officer hands over. A region, when given, narrows the list."""

    __tablename__ = "sessions"
    __table_args__ = (
        CheckConstraint("status IN ('open','closed')", name="status"),
        Index(None, "cycle_id"),
        Index(None, "held_on", "id"),
    )

    id: UUID = Field(primary_key=True)
    cycle_id: UUID = Field(foreign_key="cycles.id")
    place: str
    region_code: str | None
    held_on: date
    officer: str
    status: str
    version: int = Field(sa_type=BigInteger)
    created_by: str
    created_at: datetime = Field(sa_type=INSTANT)


class DeliveryRow(Row, table=True):
    """A handover that happened. Family and region are those of that day. Append-only."""

    __tablename__ = "deliveries"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity"),
        CheckConstraint("value_idr >= 0", name="value_idr"),
        CheckConstraint("received_by IN ('self','representative')", name="receiver"),
        CheckConstraint("(proof_upload_id IS NULL) = (proof_sha256 IS NULL)", name="proof"),
        CheckConstraint("num_nonnulls(session_id, agency) = 1", name="door"),
        Index(None, "entitlement_id"),
        Index(None, "family_id"),
        Index(None, "person_id"),
        Index(None, "cycle_id", "id"),
        Index(None, "recorded_at", "id"),
        KEEP,
    )

    id: UUID = Field(primary_key=True)
    entitlement_id: UUID = Field(foreign_key="entitlements.id")
    session_id: UUID | None = Field(foreign_key="sessions.id")
    agency: str | None
    """The agency that reported it from its own system; null for a session of ours."""
    cycle_id: UUID
    program_id: UUID
    enrolment_id: UUID
    family_id: UUID
    person_id: UUID | None
    region_code: str
    sensitive: bool
    quantity: int = Field(sa_type=BigInteger)
    unit: str
    value_idr: int = Field(sa_type=BigInteger)
    received_by: str
    receiver_name: str | None
    receiver_relation: str | None
    serial_number: str | None
    proof_upload_id: UUID | None
    proof_sha256: str | None
    delivered_on: date
    note: str | None
    recorded_by: str
    recorded_at: datetime = Field(sa_type=INSTANT)


class DeliveryReturnRow(Row, table=True):
    """What came back of a delivery. Append-only."""

    __tablename__ = "delivery_returns"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity"),
        Index(None, "delivery_id"),
        KEEP,
    )

    id: UUID = Field(primary_key=True)
    delivery_id: UUID = Field(foreign_key="deliveries.id")
    quantity: int = Field(sa_type=BigInteger)
    value_idr: int = Field(sa_type=BigInteger)
    reason: str
    returned_on: date
    recorded_by: str
    recorded_at: datetime = Field(sa_type=INSTANT)


class LedgerAccountRow(Row, table=True):
    """A balance. Only the trigger of ``ledger_entries`` writes it; a guard refuses others."""

    __tablename__ = "ledger_accounts"
    __table_args__ = (
        CheckConstraint(
            "account NOT IN ('budget','committed','delivered') OR balance_idr >= 0",
            name="not_negative",
        ),
        CheckConstraint(
            "account NOT IN ('appropriation','unbudgeted','returned') OR balance_idr <= 0",
            name="not_positive",
        ),
        CheckConstraint(
            "account NOT IN ('committed','delivered') OR balance_units >= 0",
            name="units",
        ),
        KEEP,
    )

    program_id: UUID = Field(primary_key=True)
    year: int = Field(primary_key=True)
    account: str = Field(primary_key=True)
    balance_idr: int = Field(sa_type=BigInteger)
    balance_units: int = Field(sa_type=BigInteger)
    updated_at: datetime = Field(sa_type=INSTANT)


class LedgerEntryRow(Row, table=True):
    """One movement from one account to another: it balances by its form. Append-only."""

    __tablename__ = "ledger_entries"
    __table_args__ = (
        CheckConstraint(MOVE_PAIRS, name="move"),
        CheckConstraint("amount_idr >= 0", name="amount_idr"),
        CheckConstraint("units >= 0", name="units"),
        CheckConstraint("amount_idr > 0 OR units > 0", name="not_empty"),
        CheckConstraint(
            "(kind IN ('reserve','release','deliver','return')) = (entitlement_id IS NOT NULL)",
            name="entitlement",
        ),
        CheckConstraint(
            "(kind = 'deliver') = (delivery_id IS NOT NULL AND return_id IS NULL)",
            name="delivery",
        ),
        CheckConstraint("(kind = 'return') = (return_id IS NOT NULL)", name="return"),
        # One reservation per entitlement, one posting per delivery and per return.
        Index(
            "ledger_entries_one_reserve_idx",
            "entitlement_id",
            unique=True,
            postgresql_where="kind = 'reserve'",
        ),
        Index(
            "ledger_entries_one_deliver_idx",
            "delivery_id",
            unique=True,
            postgresql_where="kind = 'deliver'",
        ),
        Index(
            "ledger_entries_one_return_idx",
            "return_id",
            unique=True,
            postgresql_where="kind = 'return'",
        ),
        Index(None, "program_id", "year", "recorded_at", "id"),
        Index(None, "entitlement_id"),
        KEEP,
    )

    id: UUID = Field(primary_key=True)
    program_id: UUID
    year: int
    kind: str
    debited: str
    credited: str
    amount_idr: int = Field(sa_type=BigInteger)
    units: int = Field(sa_type=BigInteger)
    entitlement_id: UUID | None
    delivery_id: UUID | None
    return_id: UUID | None
    occurred_on: date
    reason: str | None
    recorded_by: str
    recorded_at: datetime = Field(sa_type=INSTANT)


class DisbursementOrderRow(Row, table=True):
    """An SP2D as the treasury numbered it: money that left, not aid that arrived. Append-only."""

    __tablename__ = "disbursement_orders"
    __table_args__ = (
        CheckConstraint("amount_idr > 0", name="amount_idr"),
        UniqueConstraint(
            "program_id", "year", "number", name="uq_disbursement_orders_program_id_year_number"
        ),
        KEEP,
    )

    id: UUID = Field(primary_key=True)
    program_id: UUID
    year: int
    number: str
    ordered_on: date
    amount_idr: int = Field(sa_type=BigInteger)
    note: str | None
    recorded_by: str
    recorded_at: datetime = Field(sa_type=INSTANT)
