from datetime import date
from decimal import Decimal

from services.indicators.domain.budgets import ProgramBudget, add_up, elapsed_share


def test_realisation_is_value_handed_over_against_the_ceiling():
    budget = add_up(
        [
            ProgramBudget(400_000_000, 300_000_000, 50_000_000, 100_000_000),
            ProgramBudget(100_000_000, 100_000_000, 0, 25_000_000),
        ]
    )
    assert budget.ceiling_idr == 500_000_000
    assert budget.aid_ceiling_idr == 400_000_000
    assert budget.reserved_idr == 50_000_000
    assert budget.delivered_idr == 125_000_000
    assert budget.realisation == Decimal("0.2500")  # 125 of 500
    assert budget.aid_realisation == Decimal("0.3125")  # 125 of 400


def test_one_unknown_ceiling_makes_the_agency_ceiling_unknown_not_smaller():
    budget = add_up([ProgramBudget(400, None, 0, 100), ProgramBudget(None, None, 0, 50)])
    assert budget.ceiling_idr is None
    assert budget.known_ceiling_idr == 400
    assert budget.programs_without_ceiling == 1
    assert budget.realisation is None


def test_a_ceiling_of_zero_gives_no_ratio():
    assert add_up([ProgramBudget(0, 0, 0, 10)]).realisation is None


def test_a_year_is_over_by_days():
    assert elapsed_share(2025, date(2025, 7, 2)) == Decimal("0.5014")  # day 183 of 365
    assert elapsed_share(2024, date(2024, 7, 1)) == Decimal("0.5000")  # day 183 of 366
    assert elapsed_share(2025, date(2026, 1, 1)) == Decimal(1)
    assert elapsed_share(2027, date(2026, 1, 1)) == Decimal(0)
