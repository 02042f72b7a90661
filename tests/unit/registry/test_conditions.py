"""What snapshots of several sources add up to, and which rank is the present one."""

from datetime import date

from services.registry.domain.conditions import Snapshot, combined, with_newest
from services.registry.domain.ranks import RANKS_KEPT, Rank, desil, with_rank


def said(source: str, day: int, **answers: int) -> Snapshot:
    return Snapshot("regsosek", "2022k", source, date(2026, 3, day), answers)


def test_the_newer_answer_wins_and_the_older_source_keeps_what_only_it_knows():
    held = with_newest(with_newest((), said("dtsen", 1, q1=1, q2=2)), said("opensid", 2, q2=4))
    one = combined(held)
    assert one is not None
    assert (one.answers, one.source) == ({"q1": 1, "q2": 4}, "opensid")


def test_a_source_replaces_its_own_older_word_whole():
    held = with_newest(with_newest((), said("dtsen", 1, q1=1, q2=2)), said("dtsen", 2, q1=3))
    assert combined(held).answers == {"q1": 3}


def test_an_older_word_of_the_same_source_changes_nothing():
    held = with_newest((), said("dtsen", 5, q1=1))
    assert with_newest(held, said("dtsen", 4, q1=9)) == held


def test_answers_of_two_questionnaires_are_never_mixed():
    old = Snapshot("bdt", "2015", "dtks", date(2015, 1, 1), {"3": 8})
    assert combined(with_newest((old,), said("dtsen", 1, q1=1))).answers == {"q1": 1}


def test_nothing_known_is_none_and_not_empty():
    assert combined(()) is None


def rank(quarter: int, low: int | None, high: int | None, reason: str | None = None) -> Rank:
    return Rank(f"2026-Q{quarter}", "DTSEN", low, high, reason, date(2026, 3 * quarter, 28))


def test_the_newest_rank_is_the_present_one_whatever_came_last():
    held = with_rank(with_rank((), rank(3, 6, 10)), rank(2, 1, 1))
    assert desil(held) == (6, 10)


def test_a_family_that_lost_its_rank_has_none_now():
    held = with_rank(with_rank((), rank(2, 1, 1)), rank(3, None, None, "TIDAK_TERPERINGKAT"))
    assert desil(held) == (None, None)


def test_only_the_newest_ranks_stay_beside_the_family():
    held: tuple[Rank, ...] = ()
    for year in range(2010, 2030):
        held = with_rank(held, Rank(f"{year}-Q1", "DTSEN", 1, 1, None, date(year, 3, 31)))
    assert len(held) == RANKS_KEPT
    assert held[-1].period == "2029-Q1"
