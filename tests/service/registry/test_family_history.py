"""A family as it was on a day, by what was on record at an instant."""

from datetime import date, timedelta
from urllib.parse import quote

import pytest

from services.registry.actions.regions import load_regions
from services.registry.api.examples import FAMILY_THEN
from services.registry.api.views import FamilyThenView
from services.shared import clock
from tests.service.registry.conftest import numbers_of
from tests.support.residents import (
    BAPEANG,
    OBSERVED,
    PELANGSIAN,
    a_batch,
    a_member,
    a_resident,
    a_welfare_row,
    kk_of,
    nik_of,
)

BEFORE = OBSERVED - timedelta(days=1)
MOVED = date(2026, 8, 1)
EVE = MOVED - timedelta(days=1)
NOT_FOUND = (404, "family_not_found")
NOT_THERE_THEN = (404, "family_not_there_then")


@pytest.fixture
def ask(registry):
    """``await ask(family_id, as_of=…, known_at=…, roles=[…], regions=[…])``: the raw answer."""

    async def run(family_id, *, roles=("admin_dinsos",), headers=None, token=None, **moment):
        query = "&".join(f"{name}={quote(str(value))}" for name, value in moment.items())
        return await registry.client.get(
            f"/v1/families/{family_id}?{query}",
            headers=registry.auth(*roles, key=False, **(token or {})) | (headers or {}),
        )

    return run


@pytest.fixture
def read(ask):
    """Like ``ask``, for an answer that must be a family of its documented shape."""

    async def run(family_id, **how):
        answer = await ask(family_id, **how)
        assert answer.status_code == 200, answer.text
        view = FamilyThenView.model_validate(answer.json())
        assert answer.json().keys() == FamilyThenView.model_fields.keys()
        return view

    return run


async def family_of(registry, number):
    (found,) = await registry.db.pool.fetch(
        "SELECT id FROM families WHERE kk_index = $1",
        numbers_of(registry).lookup("kk", kk_of(number))[0],
    )
    return found["id"]


async def correct(registry, family_id, **body):
    headers = registry.auth("admin_dinsos")
    path = f"/v1/families/{family_id}"
    headers["If-Match"] = (await registry.client.get(path, headers=headers)).headers["etag"]
    body = {"reason": "menurut surat RT"} | body
    done = await registry.client.patch(path, json=body, headers=headers)
    assert done.status_code == 200, done.text


def outcome(answer):
    return answer.status_code, answer.json()["code"]


def names(family):
    return [one.name for one in family.members]


async def test_a_corrected_address_holds_from_its_day_and_since_it_was_known(registry, merge, read):
    await merge(a_resident(1, 1))
    family_id = await family_of(registry, 1)
    known_before = clock.now()
    await correct(registry, family_id, address="Jl. Baru 9", effective_on=str(MOVED))
    assert (await read(family_id, as_of=EVE)).address == "Jl. Betang 1"
    after = await read(family_id, as_of=MOVED)
    assert (after.address, after.as_of) == ("Jl. Baru 9", MOVED)
    assert after.known_at <= clock.now()
    believed = await read(family_id, as_of=MOVED, known_at=known_before.isoformat())
    assert (believed.address, believed.known_at) == ("Jl. Betang 1", known_before)
    today = await read(family_id, known_at=known_before.isoformat())
    assert (today.address, today.as_of) == ("Jl. Betang 1", clock.today())


async def test_a_correction_of_the_same_day_changes_what_is_held_and_not_what_was(
    registry, merge, read
):
    await merge(a_resident(11, 11))
    family_id = await family_of(registry, 11)
    known_before = clock.now().isoformat()
    await correct(registry, family_id, rt="009", effective_on=str(OBSERVED))
    assert (await read(family_id, as_of=OBSERVED)).rt == "009"
    assert (await read(family_id, as_of=OBSERVED, known_at=known_before)).rt == "002"


async def test_a_member_counts_where_they_lived_on_that_day(registry, merge, read):
    await merge(a_resident(21, 21), a_resident(22, 21, relation=3), a_resident(23, 23))
    left, joined = await family_of(registry, 21), await family_of(registry, 23)
    known_before = clock.now().isoformat()
    await merge(a_batch(a_resident(22, 23, relation=2), observed_on=MOVED))
    then = await read(left, as_of=EVE)
    assert names(then) == ["WARGA 21", "WARGA 22"]
    assert (then.member_count, then.head_name) == (2, "WARGA 21")
    assert [one.relation for one in then.members] == [1, 3]
    assert names(await read(joined, as_of=EVE)) == ["WARGA 23"]
    assert names(await read(left, as_of=MOVED)) == ["WARGA 21"]
    now = await read(joined, as_of=MOVED)
    assert [(one.name, one.relation) for one in now.members] == [("WARGA 23", 1), ("WARGA 22", 2)]
    assert names(await read(left, known_at=known_before)) == ["WARGA 21", "WARGA 22"]
    assert names(await read(joined, known_at=known_before)) == ["WARGA 23"]


async def test_ranks_and_conditions_are_those_of_the_day(registry, merge, rate, read):
    await merge(a_resident(31, 31))
    family_id = await family_of(registry, 31)
    early = {"period": "2026-Q2", "cut_off": date(2026, 6, 30), "housing": {"303": 1}}
    sick = (a_member(31, q428c=1),)
    await rate(a_welfare_row(31, **early, desil_low=4, desil_high=4))
    known_before = clock.now().isoformat()
    await rate(a_welfare_row(31, **early, desil_low=5, desil_high=5))
    await rate(a_welfare_row(31, desil_low=2, desil_high=2, members=sick))
    first = await read(family_id, as_of=date(2026, 6, 29))
    assert (first.ranks, first.desil_low, first.dwelling) == ([], None, None)
    second = await read(family_id, as_of=date(2026, 9, 29))
    assert [(one.period, one.low) for one in second.ranks] == [("2026-Q2", 5)]
    assert (second.desil_high, second.dwelling.answers) == (5, {"303": 1})
    assert second.members[0].condition is None
    third = await read(family_id, as_of=date(2026, 9, 30))
    assert [one.low for one in third.ranks] == [5, 2]
    assert (third.desil_low, third.dwelling.answers) == (2, {"303": 8})
    assert third.members[0].condition.answers == {"428c": 1}
    believed = await read(family_id, known_at=known_before)
    assert (believed.desil_low, believed.dwelling.answers) == (4, {"303": 1})


async def test_the_present_moment_reads_what_the_ordinary_read_says(registry, merge, rate, ask):
    await merge(a_resident(41, 41), a_resident(42, 41, relation=2, sex="P"))
    await rate(a_welfare_row(41, members=(a_member(41, q428c=1),)))
    family_id = await family_of(registry, 41)
    present = (await ask(family_id)).json()
    then = (await ask(family_id, as_of=clock.today())).json()
    shared = then.keys() & present.keys() - {"members"}
    assert {key: then[key] for key in shared} == {key: present[key] for key in shared}
    for mine, theirs in zip(then["members"], present["members"], strict=True):
        assert mine.pop("elsewhere") is False
        assert mine == {key: theirs[key] for key in mine}


async def test_numbers_stay_masked_and_no_day_tells_a_birth_date(registry, merge, ask, read):
    await merge(a_resident(51, 51))
    family_id = await family_of(registry, 51)
    days = (date(2026, 6, 30), date(2026, 7, 1))  # the last before the birthday, the birthday
    ages = {(await read(family_id, as_of=day)).members[0].age for day in days}
    assert len(ages) == 1
    text = (await ask(family_id, as_of=days[0])).text
    assert f"6202********{nik_of(51)[-4:]}" in text
    for secret in (nik_of(51), kk_of(51), "1990-07-01"):
        assert secret not in text


async def test_a_family_that_was_not_there_or_not_known_then_is_told_so(registry, merge, ask):
    known_before = clock.now().isoformat()
    await merge(a_resident(61, 61))
    family_id = await family_of(registry, 61)
    early = await ask(family_id, as_of=BEFORE, headers={"Accept-Language": "id"})
    assert outcome(early) == NOT_THERE_THEN
    assert early.json()["title"] == "Keluarga ini belum ada atau belum tercatat pada waktu itu"
    assert str(BEFORE) in early.json()["detail"]
    assert outcome(await ask(family_id, known_at=known_before)) == NOT_THERE_THEN
    assert (await ask(family_id, as_of=OBSERVED)).status_code == 200


async def test_who_may_not_see_the_family_today_learns_nothing_of_any_day(registry, merge, ask):
    async with registry.db.transaction() as tx:
        await load_regions(tx, "62.02")
    await merge(a_resident(71, 71))
    family_id = await family_of(registry, 71)
    await correct(registry, family_id, region_code=BAPEANG, effective_on=str(MOVED))
    former = {"roles": ["operator_desa"], "token": {"regions": [PELANGSIAN]}}
    present = {"roles": ["operator_desa"], "token": {"regions": [BAPEANG]}}
    for moment in ({"as_of": EVE}, {"as_of": BEFORE}, {"known_at": "2020-01-01T00:00:00Z"}):
        assert outcome(await ask(family_id, **former, **moment)) == NOT_FOUND
    seen = await ask(family_id, **present, as_of=EVE)
    assert (seen.status_code, seen.json()["region_code"]) == (200, PELANGSIAN)
    assert outcome(await ask(family_id, **present, as_of=BEFORE)) == NOT_THERE_THEN


async def test_a_former_member_who_lives_elsewhere_now_is_counted_and_not_described(
    registry, merge, rate, ask, read
):
    async with registry.db.transaction() as tx:
        await load_regions(tx, "62.02")
    await merge(a_resident(81, 81, relation=3), a_resident(82, 81), a_resident(83, 83))
    left, joined = await family_of(registry, 81), await family_of(registry, 83)
    await merge(a_batch(a_resident(82, 83, relation=2), observed_on=MOVED))
    await correct(registry, joined, region_code=BAPEANG)
    await rate(a_welfare_row(83, cut_off=OBSERVED, members=(a_member(82, q428c=1),)))
    operator = {"roles": ["operator_desa"], "token": {"regions": [PELANGSIAN]}}
    then = await read(left, **operator, as_of=EVE)
    hidden, seen = then.members
    assert (seen.name, seen.elsewhere) == ("WARGA 81", False)
    told = hidden.model_dump(exclude={"person_id"}, exclude_none=True)
    assert told == {"elsewhere": True, "relation": 1, "presence": 1}
    assert (then.member_count, then.head_name) == (2, None)
    assert nik_of(82)[-4:] not in (await ask(left, **operator, as_of=EVE)).text
    assert names(await read(left, as_of=EVE)) == ["WARGA 82", "WARGA 81"]


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("as_of", "tomorrow", "in_future"),
        ("as_of", "9999-12-31", "in_future"),
        ("known_at", "in a minute", "in_future"),
        ("as_of", "1", "date_parsing"),
        ("as_of", "", "date_parsing"),
        ("as_of", "2026-02-30", "date_from_datetime_parsing"),
        ("known_at", "1", "datetime_parsing"),
        ("known_at", "", "datetime_parsing"),
        ("known_at", "2026-10-01T00:00:00", "datetime_parsing"),
        ("known_at", "2026-13-01T00:00:00Z", "datetime_from_date_parsing"),
        ("known_at", "0001-01-01T00:00:00+07:00", "datetime_parsing"),
        ("known_at", "9999-12-31T23:59:59-07:00", "datetime_parsing"),
    ],
)
async def test_a_moment_that_has_not_come_or_is_none_is_refused(ask, name, value, code):
    tomorrow = clock.today() + timedelta(days=1)
    soon = clock.now() + timedelta(minutes=1)
    value = {"tomorrow": tomorrow, "in a minute": soon.isoformat()}.get(value, value)
    answer = await ask("01890a5d-ac96-774b-bcce-b302099a8057", **{name: value})
    assert outcome(answer) == (422, "validation_failed")
    (error,) = answer.json()["errors"]
    assert (error["pointer"], error["code"]) == (f"query:{name}", code)


@pytest.mark.parametrize("earliest", ["0001-01-01", "1900-01-01"])
async def test_the_earliest_day_is_a_day_before_the_family(registry, merge, ask, earliest):
    await merge(a_resident(91, 91))
    family_id = await family_of(registry, 91)
    moment = {"as_of": earliest, "known_at": f"{earliest}T00:00:00Z"}
    assert outcome(await ask(family_id, **moment)) == NOT_THERE_THEN


async def test_only_the_present_has_an_etag(registry, merge, ask):
    await merge(a_resident(95, 95))
    family_id = await family_of(registry, 95)
    present = await ask(family_id, other="1")
    assert present.json()["version"] == 1
    tag = {"If-None-Match": present.headers["etag"]}
    assert (await ask(family_id, headers=tag)).status_code == 304
    then = await ask(family_id, headers=tag, as_of=clock.today())
    assert (then.status_code, "etag" in then.headers) == (200, False)


def test_the_example_of_the_document_is_an_answer():
    assert FamilyThenView.model_validate(FAMILY_THEN).head_name == FAMILY_THEN["head_name"]
