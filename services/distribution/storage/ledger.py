"""Keeping the ledger: entries in, balances out. Nothing here updates or deletes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.dialects.postgresql import insert

from services.distribution.domain.errors import OrderNumberTaken
from services.distribution.domain.ledger import Account, Balances, Entry
from services.distribution.storage.sight import Sight, programs
from services.distribution.storage.tables import metadata
from services.shared.db import ReadTransaction, Transaction
from services.shared.ids import new_id

accounts = metadata.tables["ledger_accounts"]
entries = metadata.tables["ledger_entries"]
orders = metadata.tables["disbursement_orders"]
years = metadata.tables["program_years"]

COLUMNS = (
    "id", "program_id", "year", "kind", "debited", "credited", "amount_idr", "units",
    "entitlement_id", "delivery_id", "return_id", "occurred_on", "reason", "recorded_by",
    "recorded_at",
)  # fmt: skip

ONE_STATEMENT_MAX = 2_000
"""Entries per statement. The trigger locks the accounts once for each statement."""

INSERT = f"""
INSERT INTO ledger_entries ({", ".join(COLUMNS)})
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[], $5::text[], $6::text[],
    $7::bigint[], $8::bigint[], $9::uuid[], $10::uuid[], $11::uuid[], $12::date[], $13::text[],
    $14::text[], $15::timestamptz[])
"""  # noqa: S608 - constants only

CHANGED_CEILINGS = """
SELECT program_id, year, y.ceiling_idr
FROM (SELECT * FROM program_years WHERE program_id = ANY($1)) AS y
FULL JOIN (SELECT program_id, year, balance_idr FROM ledger_accounts
           WHERE account = 'appropriation' AND program_id = ANY($1)) AS a
    USING (program_id, year)
WHERE coalesce(y.ceiling_idr, 0) <> -coalesce(a.balance_idr, 0)
ORDER BY program_id, year
"""


@dataclass(frozen=True, slots=True)
class Posting:
    """An entry with its place in the books."""

    program_id: UUID
    year: int
    entry: Entry
    occurred_on: date
    recorded_by: str
    entitlement_id: UUID | None = None
    delivery_id: UUID | None = None
    return_id: UUID | None = None
    reason: str | None = None


async def lock_book(tx: Transaction, program_id: UUID, year: int) -> None:
    """Let nobody else decide by this program year's budget until this transaction ends.

    Handing over needs no such lock: it moves what was reserved and asks no balance.
    """
    await (await tx.raw()).execute(
        "SELECT pg_advisory_xact_lock("
        "hashtextextended(concat_ws('/', 'ledger', current_schema(), $1::uuid, $2::int), 0))",
        program_id,
        year,
    )


async def balances(tx: ReadTransaction, program_id: UUID, year: int) -> Balances:
    """Return the rupiah balance of every account of one program year, zero where none is."""
    found = await tx.rows(
        select(accounts.c.account, accounts.c.balance_idr).where(
            accounts.c.program_id == program_id, accounts.c.year == year
        )
    )
    known = {Account(row["account"]): int(row["balance_idr"]) for row in found}
    return {account: known.get(account, 0) for account in Account}


async def ceiling(tx: ReadTransaction, program_id: UUID, year: int) -> int | None:
    """Return the ceiling in rupiah, None when it is unknown."""
    found: int | None = await tx.scalar(
        select(years.c.ceiling_idr).where(years.c.program_id == program_id, years.c.year == year)
    )
    return found


async def changed_ceilings(
    tx: Transaction, program_ids: list[UUID]
) -> list[tuple[UUID, int, int | None]]:
    """Return (program, year, ceiling) where the appropriation differs from the ceiling."""
    found = await (await tx.raw()).fetch(CHANGED_CEILINGS, program_ids)
    return [(row["program_id"], row["year"], row["ceiling_idr"]) for row in found]


async def append(tx: Transaction, postings: Iterable[Posting]) -> None:
    """Enter postings in their order. The database keeps the balances."""
    await tx.flush()
    connection = await tx.raw()
    records = [_record(tx, posting) for posting in postings]
    for start in range(0, len(records), ONE_STATEMENT_MAX):
        chunk = records[start : start + ONE_STATEMENT_MAX]
        await connection.execute(INSERT, *(list(column) for column in zip(*chunk, strict=True)))


def _record(tx: Transaction, posting: Posting) -> tuple[Any, ...]:
    entry = posting.entry
    return (
        new_id(),
        posting.program_id,
        posting.year,
        entry.kind.value,
        entry.debited.value,
        entry.credited.value,
        entry.amount_idr,
        entry.quantity,
        posting.entitlement_id,
        posting.delivery_id,
        posting.return_id,
        posting.occurred_on,
        posting.reason,
        posting.recorded_by,
        tx.now,
    )


def accounts_query(sight: Sight, program_id: UUID, year: int) -> Select[Any]:
    """Select the balances of one program year, if the caller may see the program."""
    return (
        select(accounts.c.account, accounts.c.balance_idr, accounts.c.balance_units)
        .join(programs, programs.c.id == accounts.c.program_id)
        .where(accounts.c.program_id == program_id, accounts.c.year == year, sight.of_program())
    )


async def figures(tx: ReadTransaction, program_id: UUID, year: int) -> Mapping[str, int | None]:
    """Return the figures that stand beside the ledger: ceiling, aid part, orders (SP2D)."""
    row = (
        await tx.rows(
            select(years.c.ceiling_idr, years.c.aid_ceiling_idr).where(
                years.c.program_id == program_id, years.c.year == year
            )
        )
    )[:1]
    ordered = await tx.scalars(
        select(orders.c.amount_idr).where(orders.c.program_id == program_id, orders.c.year == year)
    )
    known = dict(row[0]) if row else {"ceiling_idr": None, "aid_ceiling_idr": None}
    # No order recorded is unknown, not zero: the treasury may not have told us yet.
    return {**known, "disbursement_orders_idr": sum(map(int, ordered)) if ordered else None}


def entries_query(sight: Sight, program_id: UUID, year: int) -> Select[Any]:
    """Select the entries of one program year."""
    return (
        select(*(entries.c[name] for name in COLUMNS))
        .join(programs, programs.c.id == entries.c.program_id)
        .where(entries.c.program_id == program_id, entries.c.year == year, sight.of_program())
    )


ENTRY_KEYS = (entries.c.recorded_at, entries.c.id)


async def add_order(tx: Transaction, order: Mapping[Any, Any]) -> None:
    """Keep a disbursement order; refuse an id or a number that is there already."""
    added = await tx.scalar(
        insert(orders).values(**order).on_conflict_do_nothing().returning(orders.c.id)
    )
    if added is None:
        raise OrderNumberTaken(number=order["number"])


def orders_query(sight: Sight, program_id: UUID, year: int) -> Select[Any]:
    """Select the disbursement orders of one program year."""
    return (
        select(orders)
        .join(programs, programs.c.id == orders.c.program_id)
        .where(orders.c.program_id == program_id, orders.c.year == year, sight.of_program())
    )


ORDER_KEYS = (orders.c.ordered_on, orders.c.id)
