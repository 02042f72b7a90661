from decimal import Decimal

import pytest

from services.indicators.domain.targeting import (
    Group,
    Target,
    Targeting,
    classify,
    desil_label,
    ratio,
    tally,
)


@pytest.mark.parametrize(
    ("low", "high", "kind"),
    [
        (1, 1, Target.YES),
        (4, 4, Target.YES),
        (5, 5, Target.NO),
        (6, 10, Target.NO),
        (3, 5, Target.UNKNOWN),
        (None, None, Target.UNKNOWN),
    ],
)
def test_a_rank_is_placed_against_the_limit_four(low, high, kind):
    assert classify(low, high, 4) is kind


def test_coverage_and_leakage_of_ten_worked_families():
    # 10 families: 4 target (3 reached, 900,000), 4 non-target (1 reached, 300,000),
    # 2 of unknown desil (1 reached, 500,000).
    figures = tally(
        [
            Group("62.02.06.2005", 1, 1, families=3, beneficiaries=2, delivered_idr=600_000),
            Group("62.02.06.2005", 4, 4, families=1, beneficiaries=1, delivered_idr=300_000),
            Group("62.02.06.2005", 6, 10, families=4, beneficiaries=1, delivered_idr=300_000),
            Group("62.02.06.2005", None, None, families=2, beneficiaries=1, delivered_idr=500_000),
        ],
        desil_max=4,
    )
    assert figures.families == 10
    assert figures.beneficiaries == 5
    assert figures.delivered_idr == 1_700_000
    assert figures.coverage == Decimal("0.7500")  # 3/4
    assert figures.exclusion_error == Decimal("0.2500")  # 1/4
    assert figures.inclusion_error == Decimal("0.2500")  # 1 of 4 with known desil
    assert figures.inclusion_error_of_non_target == Decimal("0.2500")  # 1 of 4 non-target
    assert figures.inclusion_error_by_value == Decimal("0.2500")  # 300,000 of 1,200,000
    assert figures.share_to_target == Decimal("0.7500")


def test_ratios_are_null_without_target_or_beneficiaries():
    nothing = Targeting()
    assert nothing.coverage is None
    assert nothing.exclusion_error is None
    assert nothing.inclusion_error is None
    assert nothing.inclusion_error_by_value is None
    assert Targeting(target=5).coverage == Decimal("0.0000")


def test_a_share_is_rounded_half_up_at_the_fourth_digit():
    assert ratio(1, 3) == Decimal("0.3333")
    assert ratio(5, 100_000) == Decimal("0.0001")
    assert ratio(1, 0) is None


def test_ranks_are_labelled_as_people_read_them():
    assert desil_label(3, 3) == "3"
    assert desil_label(6, 10) == "6-10"
    assert desil_label(None, None) == "belum_diketahui"
