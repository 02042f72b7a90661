import pytest

from services.distribution.domain.errors import CeilingExceeded
from services.distribution.domain.ledger import (
    Account,
    Entry,
    EntryKind,
    change_ceiling,
    fund,
    post,
    settle,
)


def a_book(ceiling=None, reserved=0, delivered=0):
    """Balances of a program year, as entries from empty make them."""
    book = post({}, change_ceiling({}, ceiling))
    book = post(book, fund(book, needed_idr=reserved, ceiling_known=ceiling is not None))
    entries = [Entry(EntryKind.RESERVE, reserved), Entry(EntryKind.DELIVER, delivered)]
    return post(book, entries)


def test_a_known_ceiling_refuses_more_than_it_has_left_with_both_numbers():
    book = a_book(ceiling=10_000_000, reserved=7_500_000)
    with pytest.raises(CeilingExceeded) as refused:
        fund(book, needed_idr=5_000_000, ceiling_known=True)
    assert refused.value.params == {"available_idr": 2_500_000, "needed_idr": 5_000_000}


def test_an_unknown_ceiling_blocks_nothing_and_shows_what_has_no_budget():
    book = a_book(ceiling=None, reserved=5_000_000)
    assert book[Account.UNBUDGETED] == -5_000_000
    assert book[Account.BUDGET] == 0
    assert book[Account.COMMITTED] == 5_000_000


def test_a_ceiling_that_becomes_known_carries_what_was_reserved_before():
    book = a_book(ceiling=None, reserved=5_000_000)
    after = post(book, change_ceiling(book, 8_000_000))
    assert after[Account.BUDGET] == 3_000_000
    assert after[Account.UNBUDGETED] == 0
    assert after[Account.APPROPRIATION] == -8_000_000


def test_a_ceiling_cut_below_the_reservations_leaves_them_and_shows_the_gap():
    book = a_book(ceiling=10_000_000, reserved=8_000_000)
    after = post(book, change_ceiling(book, 5_000_000))
    assert after[Account.COMMITTED] == 8_000_000
    assert after[Account.UNBUDGETED] == -3_000_000
    assert after[Account.BUDGET] == 0


def test_released_budget_fills_the_gap_first():
    book = a_book(ceiling=None, reserved=5_000_000)
    released = post(book, [Entry(EntryKind.RELEASE, 2_000_000)])
    after = post(released, settle(released))
    assert after[Account.UNBUDGETED] == -3_000_000
    assert after[Account.BUDGET] == 0


def test_the_same_ceiling_again_enters_nothing():
    book = a_book(ceiling=10_000_000, reserved=8_000_000)
    assert change_ceiling(book, 10_000_000) == []


def test_a_return_keeps_the_gross_figure_and_commits_again():
    book = a_book(ceiling=10_000_000, reserved=6_000_000, delivered=6_000_000)
    after = post(book, [Entry(EntryKind.RETURN, 2_000_000)])
    assert after[Account.DELIVERED] == 6_000_000
    assert after[Account.RETURNED] == -2_000_000
    assert after[Account.COMMITTED] == 2_000_000


def test_a_budget_below_zero_is_refused():
    with pytest.raises(CeilingExceeded):
        post({}, [Entry(EntryKind.RESERVE, 1)])
