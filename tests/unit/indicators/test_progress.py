from decimal import Decimal

import pytest

from services.indicators.domain.progress import (
    Direction,
    Way,
    achievement,
    band,
    progress,
    target_path,
)

LOWER = Direction.LOWER_IS_BETTER
KOTIM_P0 = {
    2020: Decimal("5.62"), 2021: Decimal("5.91"), 2022: Decimal("5.95"),
    2023: Decimal("5.69"), 2024: Decimal("5.66"), 2025: Decimal("5.83"),
}  # fmt: skip
RPJMD = {2025: Decimal("4.84"), 2029: Decimal(1)}


def test_kotim_2025_misses_the_rpjmd_target_by_099_points():
    way = progress(KOTIM_P0, RPJMD, LOWER)
    year = next(year for year in way.years if year.year == 2025)
    assert year.gap == Decimal("0.99")
    # (2 x 4.84 - 5.83) / 4.84 = 3.85 / 4.84
    assert year.achievement_percent == Decimal("79.55")
    assert year.band == "tinggi"
    assert way.way is Way.OFF_PATH
    assert way.gap_to_end == Decimal("4.83")


def test_years_the_document_is_silent_on_lie_on_a_straight_line_and_say_so():
    path = target_path(RPJMD)
    assert [(p.year, p.target, p.interpolated) for p in path] == [
        (2025, Decimal("4.84"), False),
        (2026, Decimal("3.88"), True),
        (2027, Decimal("2.92"), True),
        (2028, Decimal("1.96"), True),
        (2029, Decimal(1), False),
    ]


def test_a_value_at_its_target_is_reached():
    series = {2023: Decimal(6), 2024: Decimal(5), 2025: Decimal("4.84")}
    assert progress(series, RPJMD, LOWER).way is Way.REACHED


def test_two_points_are_too_few_to_speak_of_a_way():
    series = {2024: Decimal("5.66"), 2025: Decimal("5.83")}
    assert progress(series, RPJMD, LOWER).way is Way.TOO_FEW_POINTS
    assert progress(KOTIM_P0, {}, LOWER).way is Way.TOO_FEW_POINTS


def test_achievement_has_no_value_at_target_zero():
    assert achievement(Decimal(1), Decimal(0), LOWER) is None
    assert band(None) is None


def test_higher_is_better_is_realised_over_target():
    assert achievement(Decimal("74.35"), Decimal(80), Direction.HIGHER_IS_BETTER) == Decimal(
        "92.94"
    )


@pytest.mark.parametrize(
    ("percent", "name"),
    [
        ("91", "sangat_tinggi"),
        ("90.5", "tinggi"),
        ("76", "tinggi"),
        ("75.99", "sedang"),
        ("51", "rendah"),
        ("-3", "sangat_rendah"),
    ],
)
def test_bands_leave_no_hole(percent, name):
    assert band(Decimal(percent)) == name
