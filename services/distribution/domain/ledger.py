"""Double entry per program and year: what was appropriated, reserved, handed over, given back.

An entry moves an amount of rupiah and a number of units from one account to another, so it
balances by its form; there is no way to write half of one. A balance is credits minus debits, and
the balances of a program year always add up to zero. Entries are never changed or deleted.

The ledger keeps the value of aid. Ceiling, its aid part and disbursement orders (SP2D) are other
figures, kept beside it and never added to it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from services.distribution.domain.errors import CeilingExceeded


class Account(StrEnum):
    """One of each per program year. The sign says which side it lives on."""

    APPROPRIATION = "appropriation"
    """The source of the ceiling, zero or negative."""
    BUDGET = "budget"
    """Ceiling that nobody reserved, never negative: the database refuses it too."""
    UNBUDGETED = "unbudgeted"
    """Zero or negative: reserved without a ceiling to carry it (unknown or cut later)."""
    COMMITTED = "committed"
    """Reserved for recipients and not handed over."""
    DELIVERED = "delivered"
    """Handed over, gross."""
    RETURNED = "returned"
    """Zero or negative: what came back. Delivered plus returned is what people hold."""


class EntryKind(StrEnum):
    """Why an amount moved."""

    APPROPRIATE = "appropriate"
    CUT = "cut"
    ADVANCE = "advance"
    COVER = "cover"
    RESERVE = "reserve"
    RELEASE = "release"
    DELIVER = "deliver"
    RETURN = "return"


MOVES: Mapping[EntryKind, tuple[Account, Account]] = {
    EntryKind.APPROPRIATE: (Account.APPROPRIATION, Account.BUDGET),
    EntryKind.CUT: (Account.BUDGET, Account.APPROPRIATION),
    EntryKind.ADVANCE: (Account.UNBUDGETED, Account.BUDGET),
    EntryKind.COVER: (Account.BUDGET, Account.UNBUDGETED),
    EntryKind.RESERVE: (Account.BUDGET, Account.COMMITTED),
    EntryKind.RELEASE: (Account.COMMITTED, Account.BUDGET),
    EntryKind.DELIVER: (Account.COMMITTED, Account.DELIVERED),
    EntryKind.RETURN: (Account.RETURNED, Account.COMMITTED),
}
"""(debited, credited) of each kind; the database has the same pairs as a check."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One movement. Amount and units are never negative and never both zero."""

    kind: EntryKind
    amount_idr: int
    quantity: int = 0

    @property
    def debited(self) -> Account:
        """The account that it leaves."""
        return MOVES[self.kind][0]

    @property
    def credited(self) -> Account:
        """The account that it enters."""
        return MOVES[self.kind][1]


Balances = dict[Account, int]


def post(balances: Mapping[Account, int], entries: Iterable[Entry]) -> Balances:
    """Return the rupiah balances after ``entries``; refuse a budget below zero."""
    after = {account: balances.get(account, 0) for account in Account}
    for entry in entries:
        after[entry.debited] -= entry.amount_idr
        after[entry.credited] += entry.amount_idr
    if after[Account.BUDGET] < 0:
        raise CeilingExceeded(
            available_idr=balances.get(Account.BUDGET, 0),
            needed_idr=balances.get(Account.BUDGET, 0) - after[Account.BUDGET],
        )
    return after


def fund(balances: Mapping[Account, int], *, needed_idr: int, ceiling_known: bool) -> list[Entry]:
    """Return what must be entered before ``needed_idr`` can be reserved.

    A known ceiling is a limit: over it the reservation is refused with both numbers. An unknown
    one is no limit; the missing part comes from ``unbudgeted``, where everybody sees it.
    """
    available = balances.get(Account.BUDGET, 0)
    if needed_idr <= available:
        return []
    if ceiling_known:
        raise CeilingExceeded(available_idr=available, needed_idr=needed_idr)
    return [Entry(EntryKind.ADVANCE, needed_idr - available)]


def change_ceiling(balances: Mapping[Account, int], ceiling_idr: int | None) -> list[Entry]:
    """Return the entries that make the appropriation equal to the ceiling (unknown counts none).

    A cut below what is reserved does not undo reservations: the difference stands in
    ``unbudgeted`` until it is released or the ceiling rises.
    """
    difference = (ceiling_idr or 0) + balances.get(Account.APPROPRIATION, 0)
    if difference > 0:
        raised = [Entry(EntryKind.APPROPRIATE, difference)]
        return raised + settle(post(balances, raised))
    if difference == 0:
        return []
    missing = -difference - balances.get(Account.BUDGET, 0)
    advance = [Entry(EntryKind.ADVANCE, missing)] if missing > 0 else []
    return [*advance, Entry(EntryKind.CUT, -difference)]


def settle(balances: Mapping[Account, int]) -> list[Entry]:
    """Return the entry that lets free budget carry what stands in ``unbudgeted``."""
    free = min(balances.get(Account.BUDGET, 0), -balances.get(Account.UNBUDGETED, 0))
    return [Entry(EntryKind.COVER, free)] if free > 0 else []
