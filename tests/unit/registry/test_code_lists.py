"""Code lists hold together."""

import pytest

from services.registry.domain.code_lists import RELATION_FROM_SIAK, code_lists, is_code
from services.registry.domain.regions import Region, changes


@pytest.mark.parametrize("one", code_lists().values(), ids=lambda one: one.variable)
def test_codes_are_unique_and_labelled_in_both_languages(one):
    assert len({code.code for code in one.codes}) == len(one.codes)
    assert all(code.label_id and code.label_en for code in one.codes)


def test_every_relation_of_the_civil_registry_has_one_in_regsosek():
    assert sorted(RELATION_FROM_SIAK) == list(range(1, 12))
    assert all(is_code("regsosek", "2022k", "409", code) for code in RELATION_FROM_SIAK.values())


def test_a_code_outside_its_list_and_an_unknown_variable_are_no_codes():
    assert not is_code("regsosek", "2022k", "409", 9)
    assert not is_code("regsosek", "2022k", "999", 1)


def a_region(code: str, name: str = "A") -> Region:
    return Region(code, name, "desa", "62.02.06", None)


def test_a_renamed_region_is_closed_and_opened_a_vanished_one_closed_an_equal_one_left():
    known = {code: a_region(code) for code in ("1", "2", "3")}
    found = changes(known, [a_region("1"), a_region("2", "B"), a_region("4")])
    assert [one.code for one in found.opened] == ["2", "4"]
    assert found.closed == ("2", "3")
