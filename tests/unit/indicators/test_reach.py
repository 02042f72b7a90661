from datetime import UTC, date, datetime, timedelta

from services.indicators.domain.reach import (
    ExpectedSource,
    Reach,
    SourceStatus,
    blind_regions,
    judge,
    reach_of,
    window_start,
)

NOW = datetime(2026, 6, 30, 12, tzinfo=UTC)


def a_source(region_code="", max_age_days=30):
    return ExpectedSource("BLT-DD", "BLT Dana Desa", "DPMD", None, region_code, 2026, max_age_days)


def test_a_source_is_current_until_its_limit_and_stale_after_it():
    assert judge(a_source(), NOW - timedelta(days=30), NOW).status is SourceStatus.CURRENT
    late = NOW - timedelta(days=30, seconds=1)
    assert judge(a_source(), late, NOW).status is SourceStatus.STALE
    assert judge(a_source(), None, NOW).status is SourceStatus.MISSING


def test_a_missing_source_makes_its_regions_unknown_and_no_others():
    states = [judge(a_source("62.02.06"), None, NOW)]
    blind = blind_regions(states, distribution_told=True)
    assert reach_of("62.02.06.2005", blind) is Reach.UNKNOWN
    assert reach_of("62.02.06", blind) is Reach.UNKNOWN
    assert reach_of("62.02.061.2005", blind) is Reach.NOT_REACHED
    assert reach_of("62.02.07.2001", blind) is Reach.NOT_REACHED


def test_current_sources_leave_nothing_unknown():
    assert blind_regions([judge(a_source(), NOW, NOW)], distribution_told=True) == ()


def test_without_any_word_from_distribution_everything_is_unknown():
    assert reach_of("62.02.06.2005", blind_regions([], distribution_told=False)) is Reach.UNKNOWN


def test_the_window_is_twelve_calendar_months():
    assert window_start(date(2026, 6, 30), 12) == date(2025, 6, 30)
    assert window_start(date(2024, 2, 29), 12) == date(2023, 2, 28)
    assert window_start(date(2026, 1, 15), 1) == date(2025, 12, 15)
