"""Merging residents and national ranks into a real database."""

from dataclasses import replace
from datetime import date
from uuid import UUID

import orjson
import pytest

from services.contracts.registry import FamilyStateV1, PersonIdentityV1
from services.registry.domain.residents import LeftOut
from tests.service.registry.conftest import numbers_of
from tests.support.residents import (
    BAPEANG,
    OBSERVED,
    a_batch,
    a_member,
    a_resident,
    a_welfare_row,
    kk_of,
    nik_of,
)


async def rows(registry, sql, *args):
    return [dict(row) for row in await registry.db.pool.fetch(sql, *args)]


async def family_of(registry, number: int) -> UUID:
    """Return the family that the person with NIK ``number`` (the holder) is in now."""
    indexes = numbers_of(registry).lookup("nik", nik_of(number))
    found = await rows(
        registry,
        "SELECT m.family_id FROM identity_claims c JOIN memberships m ON m.person_id = c.subject_id"
        " WHERE c.number_index = ANY($1) AND c.state = 'held' AND m.superseded_at IS NULL"
        " AND upper_inf(m.valid)",
        indexes,
    )
    assert len(found) == 1
    return found[0]["family_id"]


def states(told: list[dict], type_: str = FamilyStateV1.TYPE) -> list[dict]:
    return [orjson.loads(one["payload"]) for one in told if one["type"] == type_]


async def test_a_new_family_is_stored_whole_and_told_once(registry, merge, told):
    result = await merge(
        a_resident(1, 1, name="Bawi Ngandi"),
        a_resident(2, 1, name="Tambi Lamiang", relation=2, sex="P", condition={"410": 2}),
    )
    assert (result.families_new, result.persons_new, result.disputed) == (1, 2, 0)
    events = await told()
    assert {one["lane"] for one in events} == {"bulk"}
    assert [one["version"] for one in events] == [1, 1, 1]
    (family,) = states(events)
    assert family["household_assumed"] is True
    assert family["region_code"] == "62.02.06.2005"
    assert [one["relation"] for one in family["members"]] == [1, 2]
    assert family["members"][0]["birth_month"] == "1990-07"
    assert family["members"][1]["condition"]["values"] == {"410": 2}
    identities = states(events, PersonIdentityV1.TYPE)
    assert {one["name"] for one in identities} == {"Bawi Ngandi", "Tambi Lamiang"}
    assert {one["nik_masked"][:4] for one in identities} == {"6202"}
    stored = await rows(registry, "SELECT * FROM families")
    assert (stored[0]["member_count"], stored[0]["head_name"]) == (2, "Bawi Ngandi")


async def test_no_number_is_stored_or_told_in_clear(registry, merge, told):
    await merge(a_resident(10, 10))
    dump = str(await told())
    for table in ("families", "family_numbers", "persons", "identity_claims", "outbox"):
        dump += str(await rows(registry, f"SELECT {table}::text AS text FROM {table}"))
    for number in (nik_of(10), kk_of(10)):
        assert number not in dump
        # PostgreSQL shows bytes as hexadecimal digits.
        assert number.encode().hex() not in dump


async def test_the_same_file_again_changes_nothing_and_tells_nothing(merge, told):
    people = [a_resident(20, 20, condition={"410": 2}), a_resident(21, 20, relation=3, nik=None)]
    await merge(*people)
    await told()
    result = await merge(*people)
    assert (result.families_unchanged, result.persons_unchanged) == (1, 2)
    assert (result.families_changed, result.persons_changed, result.persons_new) == (0, 0, 0)
    assert await told() == []


async def test_a_changed_person_raises_the_version_and_keeps_what_the_file_does_not_know(
    registry, merge, told
):
    await merge(a_resident(30, 30), a_resident(31, 31))
    await told()
    result = await merge(a_resident(30, 30, name="NAMA BARU", occupation=None), a_resident(31, 31))
    assert (result.persons_changed, result.families_changed, result.families_unchanged) == (1, 1, 1)
    events = await told()
    assert sorted((one["type"], one["version"]) for one in events) == [
        (FamilyStateV1.TYPE, 2),
        (PersonIdentityV1.TYPE, 2),
    ]
    person = await rows(registry, "SELECT name, occupation FROM persons WHERE name = 'NAMA BARU'")
    assert person == [{"name": "NAMA BARU", "occupation": 9}]


async def test_a_new_address_is_told_and_the_old_one_stays_in_history(registry, merge, told):
    await merge(a_batch(a_resident(40, 40), observed_on=date(2026, 1, 1)))
    await told()
    await merge(a_batch(a_resident(40, 40, rt="009"), observed_on=date(2026, 2, 1)))
    (family,) = states(await told())
    history = await rows(
        registry,
        "SELECT rt, lower(valid) AS since, upper(valid) AS until FROM family_domiciles"
        " WHERE family_id = $1 AND superseded_at IS NULL ORDER BY 2",
        UUID(family["family_id"]),
    )
    assert history == [
        {"rt": "002", "since": date(2026, 1, 1), "until": date(2026, 2, 1)},
        {"rt": "009", "since": date(2026, 2, 1), "until": None},
    ]


async def test_a_file_older_than_what_is_known_moves_nobody_back(registry, merge, told):
    await merge(a_batch(a_resident(50, 50), observed_on=date(2026, 1, 1)))
    await merge(a_batch(a_resident(50, 51, rt="009"), observed_on=date(2026, 2, 1)))
    moved_to = await family_of(registry, 50)
    await told()
    await merge(a_batch(a_resident(50, 50), observed_on=date(2026, 1, 15)))
    assert await family_of(registry, 50) == moved_to


async def test_a_person_moves_to_another_family_of_the_village_and_is_counted_once(
    registry, merge, told
):
    await merge(a_resident(60, 60), a_resident(61, 60, relation=3))
    await told()
    later = date(2026, 4, 1)
    result = await merge(a_batch(a_resident(61, 61, relation=1), observed_on=later))
    assert (result.persons_new, result.families_new, result.disputed) == (0, 1, 0)
    assert [len(one["members"]) for one in states(await told())] == [1, 1]
    history = await rows(
        registry,
        "SELECT lower(m.valid) AS since, upper(m.valid) AS until FROM memberships m"
        " JOIN identity_claims c ON c.subject_id = m.person_id"
        " WHERE c.number_index = ANY($1) AND m.superseded_at IS NULL ORDER BY 1",
        numbers_of(registry).lookup("nik", nik_of(61)),
    )
    assert history == [{"since": OBSERVED, "until": later}, {"since": later, "until": None}]


async def test_a_family_whom_everybody_left_is_dissolved(registry, merge, told):
    await merge(a_resident(70, 70))
    left = await family_of(registry, 70)
    await merge(a_batch(a_resident(70, 71), observed_on=date(2026, 4, 1)))
    found = await rows(registry, "SELECT status, member_count FROM families WHERE id = $1", left)
    assert found == [{"status": "dissolved", "member_count": 0}]


@pytest.mark.parametrize(
    "changes",
    [
        {"region_code": BAPEANG},
        {"name": "ORANG LAIN", "birth_date": date(1971, 1, 1)},
        {"birth_date": date(1991, 7, 1)},
    ],
    ids=["another village", "another person", "another birth date"],
)
async def test_a_number_that_seems_anothers_is_queued_as_disputed_and_nobody_is_lost(
    registry, merge, told, changes
):
    number = 80 + len(changes) * 10 + len(str(changes))
    await merge(a_resident(number, number))
    held_in = await family_of(registry, number)
    claim = replace(a_resident(number, number + 300), **changes)
    result = await merge(claim)
    assert (result.disputed, result.persons_new) == (1, 1)
    assert await family_of(registry, number) == held_in
    await told()
    again = await merge(claim)
    assert (again.disputed, again.persons_new, again.persons_unchanged) == (0, 0, 1)
    assert await told() == []


async def test_a_card_held_in_another_village_is_disputed_and_that_family_stays(
    registry, merge, told
):
    await merge(a_resident(200, 200))
    result = await merge(a_resident(201, 200, region_code=BAPEANG))
    assert (result.families_new, result.disputed) == (1, 1)
    assert len(await rows(registry, "SELECT 1 FROM identity_claims WHERE number_index = ANY($1)",
                          numbers_of(registry).lookup("kk", kk_of(200)))) == 2  # fmt: skip


async def test_one_number_twice_in_a_file_is_one_person_and_one_dispute(registry, merge, told):
    result = await merge(a_resident(210, 210), a_resident(210, 211))
    assert (result.persons_new, result.disputed) == (2, 1)
    await told()
    result = await merge(a_resident(210, 210), a_resident(210, 211))
    assert (result.persons_unchanged, result.disputed) == (2, 0)
    assert await told() == []


async def test_one_number_twice_in_a_family_is_left_out_with_its_line(merge):
    result = await merge(a_resident(220, 220), a_resident(220, 220, line=99, relation=3))
    assert result.left_out == (LeftOut(99, "duplicate_in_batch"),)
    assert result.persons_new == 1


async def test_a_row_without_any_number_is_left_out(merge):
    result = await merge(a_resident(230, None, nik=None, line=7))
    assert result.left_out == (LeftOut(7, "no_identifier"),)


async def test_a_child_without_a_nik_gets_it_later_and_stays_the_same_person(registry, merge, told):
    child = {"name": "ANAK KECIL", "relation": 3, "birth_date": date(2026, 1, 5)}
    await merge(
        a_resident(240, 240),
        a_resident(241, 240, nik=None, nik_missing_reason="BELUM_PUNYA", **child),
    )
    before = await rows(registry, "SELECT id, nik_missing_reason FROM persons WHERE name_key ="
                                  " 'anak kecil'")  # fmt: skip
    assert [one["nik_missing_reason"] for one in before] == ["BELUM_PUNYA"]
    await told()
    result = await merge(a_resident(240, 240), a_resident(241, 240, **child))
    assert (result.persons_new, result.persons_changed) == (0, 1)
    after = await rows(
        registry,
        "SELECT id, nik_missing_reason, nik_masked FROM persons WHERE name_key = 'anak kecil'",
    )
    assert (after[0]["id"], after[0]["nik_missing_reason"]) == (before[0]["id"], None)
    (identity,) = states(await told(), PersonIdentityV1.TYPE)
    assert identity["nik_masked"] == after[0]["nik_masked"]


async def test_twins_without_a_nik_are_two_persons(merge):
    twin = {"nik": None, "relation": 3, "birth_date": date(2026, 1, 5)}
    result = await merge(
        a_resident(250, 250),
        a_resident(251, 250, name="Kembar Satu", **twin),
        a_resident(252, 250, name="Kembar Dua", **twin),
    )
    assert result.persons_new == 3


async def test_ranks_and_conditions_reach_the_families_that_are_known(registry, merge, rate, told):
    await merge(a_resident(260, 260), a_resident(261, 260, relation=3))
    await told()
    result = await rate(
        a_welfare_row(260, members=(a_member(260, q428c=1), a_member(261, q428c=4))),
        a_welfare_row(998, line=5, members=(a_member(999, q428c=1),)),
    )
    assert (result.families_changed, result.persons_changed) == (1, 2)
    assert result.left_out == (LeftOut(5, "family_not_found"), LeftOut(5, "person_not_found"))
    (family,) = states(await told())
    assert family["ranks"] == [
        {"period": "2026-Q3", "source": "DTSEN", "low": 2, "high": 2, "reason": None,
         "as_of": "2026-09-30"}
    ]  # fmt: skip
    assert family["dwelling"]["values"] == {"303": 8}
    assert {one["condition"]["values"]["428c"] for one in family["members"]} == {1, 4}
    stored = await rows(registry, "SELECT desil_low FROM families WHERE id = $1",
                        UUID(family["family_id"]))  # fmt: skip
    assert stored == [{"desil_low": 2}]


async def test_a_national_list_twice_tells_nothing_a_correction_supersedes(
    registry, merge, rate, told
):
    await merge(a_resident(270, 270))
    row = a_welfare_row(270, members=(a_member(270, q428c=1),))
    await rate(row)
    await told()
    result = await rate(row)
    assert (result.families_unchanged, result.persons_unchanged) == (1, 1)
    assert await told() == []
    await rate(replace(row, desil_low=3, desil_high=3))
    (family,) = states(await told())
    assert [one["low"] for one in family["ranks"]] == [3]
    history = await rows(
        registry,
        "SELECT low, superseded_at IS NULL AS current FROM ranks WHERE family_id = $1 ORDER BY low",
        UUID(family["family_id"]),
    )
    assert history == [{"low": 2, "current": False}, {"low": 3, "current": True}]


async def test_unranked_is_null_with_its_reason_and_leaves_no_desil(registry, merge, rate, told):
    await merge(a_resident(280, 280))
    await rate(a_welfare_row(280))
    await told()
    await rate(
        a_welfare_row(280, desil_low=None, desil_high=None, unranked_reason="TIDAK_DIPERINGKAT",
                      period="2026-Q4", cut_off=date(2026, 12, 31))
    )  # fmt: skip
    (family,) = states(await told())
    assert family["ranks"][-1]["low"] is None
    assert family["ranks"][-1]["reason"] == "TIDAK_DIPERINGKAT"


async def test_the_app_role_cannot_change_what_is_appended(registry, merge, rate):
    await merge(a_resident(290, 290, condition={"410": 2}))
    for table, column in (
        ("person_conditions", "source"),
        ("family_conditions", "source"),
        ("pii_access_log", "purpose"),
    ):
        for statement in (f"DELETE FROM {table}", f"UPDATE {table} SET {column} = 'x'"):
            with pytest.raises(Exception, match="permission denied"):
                await registry.db.pool.fetch(statement)


async def test_a_person_cannot_be_in_two_families_at_once(registry, merge):
    await merge(a_resident(295, 295), a_resident(296, 296))
    with pytest.raises(Exception, match="memberships_person_valid_excl"):
        await registry.db.pool.fetch(
            "INSERT INTO memberships (id, person_id, family_id, valid, source, recorded_at)"
            " SELECT gen_random_uuid(), a.person_id, b.family_id, a.valid, 'x', now()"
            " FROM memberships a, memberships b WHERE a.family_id <> b.family_id"
            " AND a.superseded_at IS NULL AND upper_inf(a.valid) LIMIT 1"
        )
