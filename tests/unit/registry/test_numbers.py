"""Stored numbers are found during a rotation of the index key, and sealed ones stay readable."""

from services.registry.storage.identities import Numbers
from services.shared.sealing import generate_keyring
from tests.support.residents import kk_of, nik_of


def test_a_number_indexed_by_the_old_key_is_found_while_keys_rotate():
    old = generate_keyring()
    before, during = Numbers(old), Numbers(old.rotated("index"))
    stored = before.keep("nik", [nik_of(1)])[0].number_index
    assert stored in during.lookup("nik", nik_of(1))
    aliases = during.aliases("nik", [nik_of(1), None])
    assert aliases[stored] == during.indexes("nik", [nik_of(1)])[0] != stored


def test_a_nik_and_a_kk_number_with_the_same_digits_never_meet():
    numbers = Numbers(generate_keyring())
    assert set(numbers.lookup("nik", nik_of(1))).isdisjoint(numbers.lookup("kk", nik_of(1)))


def test_a_sealed_number_opens_after_rotation_and_only_as_what_it_was():
    ring = generate_keyring()
    kept = Numbers(ring).keep("kk", [kk_of(1)])[0]
    rotated = Numbers(ring.rotated("seal"))
    assert rotated.open("kk", kept.sealed) == kk_of(1)
    assert kept.masked == f"6202********{kk_of(1)[-4:]}"
