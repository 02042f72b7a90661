"""Names are compared by tokens."""

import pytest

from services.registry.domain.names import name_key, same_name


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("H. MUHAMMAD NOOR, S.Pd", "Muhamad Noor"),
        ("M. Noor", "Muhammad Noor"),
        ("Hj. Siti  Aminah", "SITI AMINAH"),
        ("Ju'ai", "Juai"),
        ("Réné Ngandi", "rene ngandi"),
        ("Noor Muhammad", "Muh. Noor"),
    ],
)
def test_titles_spellings_of_muhammad_and_order_do_not_part_one_person(one, other):
    assert same_name(one, other)


@pytest.mark.parametrize(("one", "other"), [("Siti Aminah", "Siti Aisyah"), ("Budi", "Budi Raya")])
def test_other_words_are_another_name(one, other):
    assert not same_name(one, other)


def test_a_name_that_is_only_a_title_keeps_its_word():
    assert name_key("Haji") == "haji"
