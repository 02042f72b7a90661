"""A DTSEN extract: many villages in one file, ranks and conditions of families that are known."""

from contextlib import asynccontextmanager

import pytest

from tests.support import files
from tests.support.imports import OTHER_VILLAGE, ImportDesk
from tests.support.service import running_service


@pytest.fixture
async def desk(stack, broker):
    """A registry with two villages of two families each: KK 0 and 1 here, 2 and 3 there."""
    async with asynccontextmanager(running_service)("registry", stack, broker) as service:
        desk = await ImportDesk(service).open()
        await desk.merged(files.opensid_csv(files.village(2)))
        await desk.merged(
            files.opensid_csv(files.village(2, first=2)),
            headers=desk.operator(OTHER_VILLAGE),
            region_code=OTHER_VILLAGE,
        )
        yield desk


def extract(*families: int, **changes) -> list[files.Row]:
    """Rows of the three members of each family."""
    people = files.village(10)
    return [
        files.welfare(number, family, nik=people[number]["nik"], **changes)
        for family in families
        for number in range(family * 3, family * 3 + 3)
    ]


async def test_an_extract_ranks_families_of_many_villages_and_records_who_walks_with_difficulty(
    desk,
):
    rows = [*extract(0), *extract(2, desil_nasional="6-10"), *extract(3, desil_nasional="0")]
    rows[1]["id_berjalan_atau_naik_tangga"] = "1"
    started = await desk.start_extract(files.dtsen_csv(rows))
    await desk.worker.drain()
    found = await desk.read(started["id"])
    assert (found["state"], found["counts"]["changed"]) == ("validated", 9)
    merged = await desk.approved(found, desk.service.auth("verifikator_dinsos"))
    assert merged["state"] == "merged"
    ranks = await desk.service.db.pool.fetch(
        "SELECT low, high, reason, period, bast_number FROM ranks ORDER BY low NULLS LAST"
    )
    assert [tuple(rank) for rank in ranks] == [
        (1, 1, None, "2026-Q3", "BAST/1/2026"),
        (6, 10, None, "2026-Q3", "BAST/1/2026"),
        (None, None, "BELUM_DIPERINGKAT", "2026-Q3", "BAST/1/2026"),
    ]
    walking = "SELECT count(*) FROM person_conditions WHERE (answers->>'428c')::int = 1"
    assert await desk.count(walking) == 1
    floor = "SELECT count(*) FROM family_conditions WHERE (answers->>'303')::int = 8"
    assert await desk.count(floor) == 3


async def test_families_that_the_registry_does_not_have_are_listed_and_none_is_invented(desk):
    started = await desk.start_extract(files.dtsen_csv([*extract(0), *extract(7)]))
    await desk.worker.drain()
    found = await desk.read(started["id"])
    assert (found["counts"]["changed"], found["counts"]["rejected"]) == (3, 3)
    rejected = await desk.rows(found["id"], "rejected")
    assert {one["findings"][0]["message"] for one in rejected} == {
        "no_kk: keluarga tidak ada di registri"
    }
    await desk.approved(found, desk.service.auth("verifikator_dinsos"))
    assert await desk.count("SELECT count(*) FROM families") == 4


async def test_a_member_whom_the_family_does_not_have_is_a_warning_and_the_family_is_ranked(desk):
    stranger = files.welfare(900, 0, nik=files.nik(900))
    merged = await desk.merged_extract(files.dtsen_csv([*extract(0), stranger]))
    assert (merged["counts"]["warned"], merged["counts"]["rejected"]) == (1, 0)
    assert await desk.count("SELECT count(*) FROM ranks") == 1
    assert await desk.count("SELECT count(*) FROM persons") == 12


async def test_the_same_extract_twice_changes_nothing(desk):
    content = files.dtsen_csv([*extract(0), *extract(2)])
    await desk.merged_extract(content)
    events = await desk.count("SELECT count(*) FROM outbox")
    again = await desk.merged_extract(content)
    assert (again["counts"]["unchanged"], again["counts"]["changed"]) == (6, 0)
    assert await desk.count("SELECT count(*) FROM outbox") == events
    assert await desk.count("SELECT count(*) FROM ranks") == 2


async def test_a_family_whose_rows_disagree_about_its_desil_is_rejected(desk):
    rows = extract(0)
    rows[2]["desil_nasional"] = "4"
    started = await desk.start_extract(files.dtsen_csv(rows))
    await desk.worker.drain()
    rejected = await desk.rows(started["id"], "rejected")
    assert {one["findings"][0]["code"] for one in rejected} == {"family_conflict"}
    assert len(rejected) == 3


async def test_an_extract_is_for_dinsos_and_another_of_dinsos_approves(desk):
    headers = desk.operator()
    upload_id = await desk.upload(files.dtsen_csv(extract(0)), headers)
    body = {
        "format": "dtsen_extract", "upload_id": upload_id, "bast_number": "BAST/1",
        "period": "2026-Q3", "cut_off": "2026-09-30",
    }  # fmt: skip
    answer = await desk.client.post("/v1/imports", headers=headers, json=body)
    assert (answer.status_code, answer.json()["code"]) == (403, "import_format_not_yours")
    started = await desk.start_extract(files.dtsen_csv(extract(0)))
    await desk.worker.drain()
    found = await desk.read(started["id"])
    second_admin = desk.service.auth("admin_dinsos", subject="admin-2")
    refused = await desk.decide(found, "approve", second_admin)
    assert (refused.status_code, refused.json()["code"]) == (403, "import_format_not_yours")
    hidden = await desk.decide(found, "approve", desk.kades())
    assert hidden.status_code == 404
