import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.shared.ids import new_id
from services.shared.redaction import HIDDEN, redact, scrub, scrub_text

NIK = "6202064107909001"


@pytest.mark.parametrize(
    "text",
    [
        f"nik {NIK}",
        f"/v1/persons/{NIK}",
        f"x{NIK}y",
        "6202 0641 0790 9001",
        "6202-0641-0790-9001",
        "6202.0641.0790.9001",
        f"{NIK}{NIK}",
    ],
)
def test_a_sixteen_digit_number_is_hidden_wherever_it_stands(text):
    assert "9001" not in scrub_text(text)


@given(st.text(), st.text())
def test_no_surroundings_save_a_number(before, after):
    assert NIK not in scrub_text(before + NIK + after)


def test_ordinary_numbers_dates_and_ids_stay():
    for text in ("2026-11-23T19:14:17.123456+00:00", "Rp 1500000000", "62.02.06.2005"):
        assert scrub_text(text) == text
    for _ in range(2000):
        identity = str(new_id())
        assert scrub_text(identity) == identity


def test_values_that_libraries_quote_are_cut():
    text = (
        "insert failed\n[SQL: INSERT INTO p VALUES ($1)]\n[parameters: ('Siti', [1, 2])]\n"
        "DETAIL:  Key (name)=(Siti) already exists.\n"
        "x [type=int_parsing, input_value='Siti', input_type=str]"
    )
    assert "Siti" not in scrub_text(text)
    assert "INSERT INTO p" in scrub_text(text)
    assert "int_parsing" in scrub_text(text)


class Opaque:
    def __str__(self) -> str:
        return NIK


def test_containers_objects_numbers_and_bytes_are_scrubbed():
    scrubbed = scrub({"a": [int(NIK), {"deep": (NIK,)}], "b": Opaque(), "c": NIK.encode(), NIK: 1})
    assert NIK not in str(scrubbed)
    assert scrub([1, 2.5, True, None, "ok"]) == [1, 2.5, True, None, "ok"]


def test_a_container_that_holds_itself_ends():
    loop: list = []
    loop.append(loop)
    scrub(loop)


def test_personal_keys_are_hidden_and_trace_ids_stay():
    entry = {
        "event": "x",
        "nama": "Siti",
        "Alamat": "Jl. A",
        "trace_id": "1" * 32,
        "extra": {"nik": "1"},
    }
    assert redact(None, "info", entry) == {
        "event": "x",
        "nama": HIDDEN,
        "Alamat": HIDDEN,
        "trace_id": "1" * 32,
        "extra": {"nik": HIDDEN},
    }
