"""Any sequence of reserving, handing over, giving back, voiding and re-budgeting keeps the books.

The machine keeps its own naive count of each entitlement and each delivery; after every step the
ledger must say the same, though it only ever saw entries.
"""

from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    multiple,
    precondition,
    rule,
)

from services.distribution.domain.entitlements import (
    Entitlement,
    hand_over,
    take_back,
    void_rest,
)
from services.distribution.domain.errors import (
    CeilingExceeded,
    EntitlementVoid,
    NothingToVoid,
    OverDelivery,
    OverReturn,
)
from services.distribution.domain.ledger import (
    Account,
    Entry,
    EntryKind,
    change_ceiling,
    fund,
    post,
    settle,
)

rupiah = st.integers(0, 5_000_000)


@dataclass
class Handover:
    entitlement: int
    quantity: int
    returned: int = 0


class ProgramYear(RuleBasedStateMachine):
    handovers = Bundle("handovers")

    def __init__(self):
        super().__init__()
        self.book = post({}, [])
        self.entries = []
        self.ceiling = None
        self.entitlements = []

    def enter(self, entries):
        self.book = post(self.book, entries)
        self.entries += entries

    @rule(ceiling=st.none() | st.integers(0, 50_000_000))
    def change_the_ceiling(self, ceiling):
        self.enter(change_ceiling(self.book, ceiling))
        self.ceiling = ceiling

    @rule(quantity=st.integers(1, 5), unit_value=rupiah)
    def reserve(self, quantity, unit_value):
        needed = quantity * unit_value
        try:
            funding = fund(self.book, needed_idr=needed, ceiling_known=self.ceiling is not None)
        except CeilingExceeded:
            assert self.ceiling is not None
            assert needed > self.book[Account.BUDGET]
            return
        self.enter([*funding, Entry(EntryKind.RESERVE, needed, quantity)])
        self.entitlements.append(Entitlement(quantity, unit_value))

    @precondition(lambda self: self.entitlements)
    @rule(target=handovers, pick=st.integers(0), quantity=st.integers(-1, 6))
    def deliver(self, pick, quantity):
        index = pick % len(self.entitlements)
        before = self.entitlements[index]
        try:
            after = hand_over(before, quantity)
        except EntitlementVoid:
            assert before.void
            return multiple()
        except OverDelivery:
            assert quantity < 1 or quantity > before.quantity - before.delivered_quantity
            return multiple()
        self.entitlements[index] = after
        self.enter([Entry(EntryKind.DELIVER, quantity * after.unit_value_idr, quantity)])
        return Handover(index, quantity)

    @rule(handover=handovers, quantity=st.integers(0, 6))
    def give_back(self, handover, quantity):
        before = self.entitlements[handover.entitlement]
        try:
            after = take_back(
                before,
                quantity,
                delivered=handover.quantity,
                returned_before=handover.returned,
            )
        except OverReturn:
            assert quantity < 1 or quantity + handover.returned > handover.quantity
            return
        handover.returned += quantity
        self.entitlements[handover.entitlement] = after
        self.enter([Entry(EntryKind.RETURN, quantity * after.unit_value_idr, quantity)])

    @precondition(lambda self: self.entitlements)
    @rule(pick=st.integers(0))
    def void(self, pick):
        index = pick % len(self.entitlements)
        try:
            after, released = void_rest(self.entitlements[index])
        except NothingToVoid:
            return
        self.entitlements[index] = after
        self.enter([Entry(EntryKind.RELEASE, released * after.unit_value_idr, released)])
        self.enter(settle(self.book))

    @invariant()
    def nobody_holds_more_than_entitled(self):
        for entitlement in self.entitlements:
            assert 0 <= entitlement.delivered_quantity <= entitlement.quantity

    @invariant()
    def the_book_balances(self):
        assert sum(self.book.values()) == 0
        assert self.book[Account.BUDGET] >= 0
        assert self.book[Account.UNBUDGETED] <= 0
        assert self.book[Account.APPROPRIATION] == -(self.ceiling or 0)

    @invariant()
    def the_lines_add_up_to_the_accounts(self):
        for account in Account:
            credits_idr = sum(e.amount_idr for e in self.entries if e.credited is account)
            debits_idr = sum(e.amount_idr for e in self.entries if e.debited is account)
            assert self.book[account] == credits_idr - debits_idr

    @invariant()
    def the_accounts_say_what_people_hold_and_may_still_get(self):
        held = sum(e.delivered_quantity * e.unit_value_idr for e in self.entitlements)
        open_value = sum(e.remaining * e.unit_value_idr for e in self.entitlements)
        assert self.book[Account.DELIVERED] + self.book[Account.RETURNED] == held
        assert self.book[Account.COMMITTED] == open_value

    @invariant()
    def free_budget_never_stands_beside_an_uncovered_reservation(self):
        assert self.book[Account.BUDGET] == 0 or self.book[Account.UNBUDGETED] == 0


TestProgramYear = ProgramYear.TestCase
TestProgramYear.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
