"""Rules that hold for all numbers, not only for those worked out by hand."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from services.indicators.api.stream import format_id, parse_id
from services.indicators.domain.contributions import CELLS, MaskCount, bit, matrix
from services.indicators.domain.progress import Direction, achievement, band, target_path
from services.indicators.domain.reach import Topic
from services.indicators.domain.suppression import CELL_MIN, complete, hide_table, is_small
from services.indicators.domain.targeting import Group, tally

counts = st.integers(min_value=0, max_value=60)
ranks = st.one_of(
    st.just((None, None)),
    st.tuples(st.integers(1, 10), st.integers(1, 10)).map(lambda pair: tuple(sorted(pair))),
)


@given(st.lists(counts, min_size=1, max_size=20))
def test_no_hidden_cell_of_a_line_can_be_subtracted(weights):
    primary = [is_small(weight) for weight in weights]
    hidden = complete(weights, primary)
    held = [weight for weight, flag in zip(weights, hidden, strict=True) if flag]
    assert all(flag for flag, first in zip(hidden, primary, strict=True) if first)
    if any(hidden) and not all(hidden):
        assert len(held) >= 2
        assert sum(held) >= CELL_MIN
    if not any(primary):
        assert not any(hidden)


@given(st.lists(st.lists(counts, min_size=4, max_size=4), min_size=4, max_size=4))
def test_a_table_hides_every_small_cell_and_no_cell_stands_hidden_alone(rows):
    names = ["a", "b", "c", "d"]
    cells = {
        (row, column): rows[i][j] for i, row in enumerate(names) for j, column in enumerate(names)
    }
    hidden = hide_table(
        cells,
        row_totals={name: sum(rows[i]) for i, name in enumerate(names)},
        column_totals={name: sum(row[j] for row in rows) for j, name in enumerate(names)},
        total=sum(map(sum, rows)),
    )
    assert all(place in hidden.cells for place, count in cells.items() if is_small(count))
    for name in names:
        assert sum((name, column) in hidden.cells for column in names) != 1
        assert sum((row, name) in hidden.cells for row in names) != 1


families = st.lists(st.tuples(st.sets(st.sampled_from(CELLS)), st.sets(st.sampled_from(CELLS))))


@given(families)
def test_mask_counts_give_the_same_numbers_as_counting_sets_of_families(stands):
    masks = [
        MaskCount(sum(bit(*cell) for cell in entitled), sum(bit(*cell) for cell in reached), 1)
        for entitled, reached in stands
    ]
    table = matrix(masks, {})
    for cell in CELLS:
        assert table.cells[cell].families_entitled == sum(cell in e for e, _ in stands)
        assert table.cells[cell].families_reached == sum(cell in r for _, r in stands)
    assert table.total.families_reached == sum(bool(reached) for _, reached in stands)
    for field, figures in table.by_field.items():
        assert figures.families_entitled == sum(
            any(cell[0] == field for cell in entitled) for entitled, _ in stands
        )


groups = st.lists(
    st.builds(
        lambda rank, families, share, idr: Group(
            "62.02.06", rank[0], rank[1], families, min(families, share), idr
        ),
        ranks,
        counts,
        counts,
        st.integers(0, 10**15),
    )
)


@given(groups, st.integers(1, 9))
def test_targeting_loses_no_family_and_no_rupiah_and_its_ratios_are_shares(rows, desil_max):
    figures = tally(rows, desil_max)
    assert figures.families == sum(row.families for row in rows)
    assert figures.beneficiaries == sum(row.beneficiaries for row in rows)
    assert figures.delivered_idr == sum(row.delivered_idr for row in rows)
    assert tally(reversed(rows), desil_max) == figures
    for share in (figures.coverage, figures.exclusion_error, figures.inclusion_error):
        assert share is None or 0 <= share <= 1
    if figures.coverage is not None and figures.exclusion_error is not None:
        assert abs(figures.coverage + figures.exclusion_error - 1) <= Decimal("0.0001")


values = st.decimals(min_value=Decimal("0.01"), max_value=100, places=2)


@given(st.dictionaries(st.integers(2000, 2050), values, max_size=6))
def test_a_target_path_has_every_year_once_and_keeps_the_document_s_values(targets):
    path = target_path(targets)
    years = [point.year for point in path]
    assert years == (list(range(min(targets), max(targets) + 1)) if targets else [])
    assert {p.year: p.target for p in path if not p.interpolated} == targets
    for point in path:
        assert min(targets.values()) <= point.target <= max(targets.values())


@given(values, values, values)
def test_when_lower_is_better_less_never_achieves_less(target, one, other):
    low, high = sorted((one, other))
    direction = Direction.LOWER_IS_BETTER
    better, worse = achievement(low, target, direction), achievement(high, target, direction)
    assert better is not None
    assert worse is not None
    assert better >= worse
    assert achievement(target, target, direction) == 100
    assert band(better) is not None


@given(st.dictionaries(st.sampled_from(list(Topic)), st.integers(0, 2**60), min_size=1))
def test_an_event_id_is_read_back_as_it_was_written(counters):
    assert parse_id(format_id(counters)) == counters


@given(st.text(max_size=600))
def test_any_text_as_event_id_is_read_or_ignored(text):
    parse_id(text)
