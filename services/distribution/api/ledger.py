"""The aid ledger: balances, entries, and the figures that stand beside it."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from services.distribution.actions import ledger as actions
from services.distribution.api.permissions import (
    BookReader,
    EntryReader,
    Manager,
    caller_of,
    sight_of,
)
from services.distribution.api.shapes import Note
from services.distribution.domain import errors
from services.distribution.domain.ledger import Account
from services.distribution.storage import cycles
from services.distribution.storage import ledger as reads
from services.shared.http import ReadTx, Signer, Tx, refuses, service_router
from services.shared.pages import Cursor, Limit, Page, link_next, paginate
from services.shared.shapes import TRIMMED_1, Day, Year

router = service_router(tags=["ledger"], prefix="/v1/ledger")

YearQuery = Annotated[int, Query(ge=2000, le=2100)]
ORDER_IDR_MAX = 10_000_000_000_000
"""More than a regency's whole budget: a typing error."""


class AccountView(BaseModel):
    """A balance: credits minus debits, in rupiah and in units of the benefit."""

    account: Account
    balance_idr: int
    balance_units: int


class BooksView(BaseModel):
    """The books of one program year. The four figures are four things and never added up.

    Null is unknown, never zero.
    """

    program_id: UUID
    year: int
    ceiling_idr: int | None
    aid_ceiling_idr: int | None
    disbursement_orders_idr: int | None
    handed_over_idr: int
    accounts: list[AccountView]


class EntryView(BaseModel):
    """One movement from ``debited`` to ``credited``."""

    id: UUID
    kind: str
    debited: Account
    credited: Account
    amount_idr: int
    units: int
    entitlement_id: UUID | None
    delivery_id: UUID | None
    return_id: UUID | None
    occurred_on: date
    reason: str | None
    recorded_at: datetime


class RecordOrder(BaseModel):
    """A disbursement order (SP2D) as the treasury numbered it."""

    model_config = ConfigDict(extra="forbid")

    program_id: UUID
    year: Year
    number: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=80),
        Field(json_schema_extra=TRIMMED_1),
    ]
    ordered_on: Day
    amount_idr: Annotated[int, Field(strict=True, gt=0, le=ORDER_IDR_MAX)]
    note: Note | None = None


class OrderView(BaseModel):
    """A recorded disbursement order."""

    id: UUID
    program_id: UUID
    year: int
    number: str
    ordered_on: date
    amount_idr: int
    note: str | None
    recorded_at: datetime


@router.get("/accounts")
@refuses(errors.NotFound)
async def read_accounts(
    tx: ReadTx, actor: BookReader, program_id: UUID, year: YearQuery
) -> BooksView:
    """Return the balances of one program year beside its ceiling, aid part and orders."""
    sight = sight_of(actor)
    await cycles.program(tx, sight, program_id)
    found = {
        row["account"]: row for row in await tx.rows(reads.accounts_query(sight, program_id, year))
    }
    accounts = [
        AccountView(
            account=account,
            balance_idr=found[account]["balance_idr"] if account in found else 0,
            balance_units=found[account]["balance_units"] if account in found else 0,
        )
        for account in Account
    ]
    by_name = {one.account: one.balance_idr for one in accounts}
    return BooksView(
        program_id=program_id,
        year=year,
        **await reads.figures(tx, program_id, year),
        handed_over_idr=by_name[Account.DELIVERED] + by_name[Account.RETURNED],
        accounts=accounts,
    )


@router.get("/entries")
async def list_entries(
    *,
    request: Request,
    response: Response,
    tx: ReadTx,
    actor: EntryReader,
    signer: Signer,
    program_id: UUID,
    year: YearQuery,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[EntryView]:
    """List the entries of one program year in the order in which they were recorded."""
    found = await paginate(
        tx, reads.entries_query(sight_of(actor), program_id, year), keys=reads.ENTRY_KEYS,
        limit=limit, cursor=cursor, signer=signer, list_name=f"entries|{program_id}|{year}",
    )  # fmt: skip
    page = found.page(lambda row: EntryView(**{name: row[name] for name in EntryView.model_fields}))
    link_next(request, response, page)
    return page


@router.post("/disbursement-orders", status_code=201)
@refuses(errors.NotFound, errors.NotYourProgram, errors.OrderNumberTaken, errors.DateInFuture)
async def record_order(body: RecordOrder, tx: Tx, actor: Manager) -> OrderView:
    """Record a disbursement order: money that left the treasury, not aid that arrived."""
    order_id = await actions.record_order(tx, caller_of(actor), **body.model_dump())
    return OrderView(id=order_id, recorded_at=tx.now, **body.model_dump())


@router.get("/disbursement-orders")
async def list_orders(
    *,
    request: Request,
    response: Response,
    tx: ReadTx,
    actor: EntryReader,
    signer: Signer,
    program_id: UUID,
    year: YearQuery,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[OrderView]:
    """List the disbursement orders of one program year."""
    found = await paginate(
        tx, reads.orders_query(sight_of(actor), program_id, year), keys=reads.ORDER_KEYS,
        limit=limit, cursor=cursor, signer=signer, list_name=f"orders|{program_id}|{year}",
    )  # fmt: skip

    def view(row: Any) -> OrderView:
        return OrderView(**{name: row[name] for name in OrderView.model_fields})

    page = found.page(view)
    link_next(request, response, page)
    return page
