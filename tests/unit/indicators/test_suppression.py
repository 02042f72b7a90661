import pytest

from services.indicators.domain.suppression import complete, hide_table, is_small, reveals


@pytest.mark.parametrize(("count", "small"), [(0, False), (1, True), (9, True), (10, False)])
def test_cells_of_one_to_nine_are_small(count, small):
    assert is_small(count) is small


def test_a_small_difference_of_two_large_counts_reveals():
    assert reveals((120, 115, 120 - 115))
    assert not reveals((120, 100, 20))


def test_a_line_without_small_cells_stays_whole():
    assert complete([12, 30, 0], [False, False, False]) == (False, False, False)


def test_a_single_hidden_cell_takes_the_next_smallest_with_it():
    # 7 hidden beside the total 69 could be subtracted: 69 - 12 - 50. So 12 goes too.
    assert complete([50, 7, 12], [False, True, False]) == (False, True, True)


def test_two_hidden_cells_that_hold_fewer_than_ten_take_a_third():
    assert complete([3, 4, 40, 60], [True, True, False, False]) == (True, True, True, False)


def test_a_zero_is_hidden_only_when_nothing_else_is_left():
    assert complete([0, 5, 30], [False, True, False]) == (False, True, True)
    assert complete([0, 5], [False, True]) == (True, True)


def test_a_table_is_protected_along_rows_and_columns():
    counts = {
        ("A", "I"): 5, ("A", "II"): 40, ("A", "III"): 60,
        ("B", "I"): 30, ("B", "II"): 20, ("B", "III"): 50,
        ("C", "I"): 70, ("C", "II"): 80, ("C", "III"): 90,
    }  # fmt: skip
    hidden = hide_table(
        counts,
        row_totals={"A": 105, "B": 100, "C": 240},
        column_totals={"I": 105, "II": 140, "III": 200},
        total=445,
    )
    # Row A: 5 takes 40. Column I: 5 takes 30. Column II: 40 takes 20, which closes row B.
    assert hidden.cells == {("A", "I"), ("A", "II"), ("B", "I"), ("B", "II")}
    assert not hidden.rows
    assert not hidden.columns
    assert not hidden.total
