"""Families over HTTP: masked, scoped, cached by version, corrected with history."""

from datetime import date
from uuid import UUID, uuid4

import orjson
import pytest

from services.registry.api.views import FamilyView
from tests.service.registry.conftest import numbers_of
from tests.support.residents import (
    BAPEANG,
    PELANGSIAN,
    a_member,
    a_resident,
    a_welfare_row,
    kk_of,
    nik_of,
)

PURPOSE = "pemeriksaan pengaduan warga"


@pytest.fixture(scope="module")
async def seeded(registry):
    """Two families in Pelangsian (desil 2 and 6-10), one in Bapeang (unranked)."""
    from services.registry.actions.merging import merge_residents, merge_welfare  # noqa: PLC0415
    from tests.support.residents import a_batch  # noqa: PLC0415

    people = [
        a_resident(1, 1, name="Bawi Ngandi"),
        a_resident(2, 1, name="Tambi Lamiang", relation=2, sex="P"),
        a_resident(3, 2, name="Juai Mentaya"),
        a_resident(4, 3, name="Rintuh Tualan", region_code=BAPEANG),
    ]
    numbers = numbers_of(registry)
    how = {"numbers": numbers, "actor": "tester", "import_id": None}
    async with registry.db.transaction() as tx:
        await merge_residents(tx, a_batch(*people), source="opensid", **how)
    async with registry.db.transaction() as tx:
        ranked = a_welfare_row(1, members=(a_member(1, q428c=1),))
        await merge_welfare(tx, [ranked, a_welfare_row(2, desil_low=6, desil_high=10)], **how)
    rows = await registry.db.pool.fetch("SELECT id, kk_index FROM families")
    found = {row["kk_index"]: row["id"] for row in rows}
    return {n: found[numbers.lookup("kk", kk_of(n))[0]] for n in (1, 2, 3)}


async def get(registry, path, *roles, **token):
    headers = registry.auth(*(roles or ("admin_dinsos",)), key=False, **token)
    return await registry.client.get(path, headers=headers)


async def test_a_family_is_shown_masked_with_ages_and_never_a_birth_date(registry, seeded):
    answer = await get(registry, f"/v1/families/{seeded[1]}")
    assert answer.status_code == 200
    view = FamilyView.model_validate(answer.json())
    assert orjson.loads(view.model_dump_json()).keys() == answer.json().keys()
    assert [one.name for one in view.members] == ["Bawi Ngandi", "Tambi Lamiang"]
    assert (view.desil_low, view.member_count, view.head_name) == (2, 2, "Bawi Ngandi")
    assert view.members[0].condition.answers == {"428c": 1}
    assert view.allowed_actions == ["correct_domicile"]
    assert "1990-07-01" not in answer.text
    assert nik_of(1) not in answer.text
    assert kk_of(1) not in answer.text


async def test_a_known_version_is_answered_with_304_and_no_body(registry, seeded):
    first = await get(registry, f"/v1/families/{seeded[1]}")
    headers = registry.auth("admin_dinsos", key=False) | {"If-None-Match": first.headers["etag"]}
    again = await registry.client.get(f"/v1/families/{seeded[1]}", headers=headers)
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    ("roles", "regions", "status"),
    [
        (["operator_desa"], [PELANGSIAN], 200),
        (["operator_desa"], [BAPEANG], 404),
        (["operator_desa"], [], 404),
        (["camat"], ["62.02.06"], 200),
        (["camat"], ["62.02.0"], 404),
        (["camat"], ["62.02.07"], 404),
        (["analis_tkpkd"], ["62.02"], 403),
        (["warga"], ["62.02"], 403),
        (["dpo"], ["62.02"], 403),
        (["auditor"], ["62.02"], 200),
    ],
)
async def test_a_family_outside_the_callers_regions_does_not_exist(
    registry, seeded, roles, regions, status
):
    answer = await get(registry, f"/v1/families/{seeded[1]}", *roles, regions=regions)
    assert answer.status_code == status
    assert status == 200 or answer.headers["content-type"] == "application/problem+json"


async def test_an_unknown_family_and_a_hidden_one_answer_alike(registry, seeded):
    hidden = await get(registry, f"/v1/families/{seeded[1]}", "kades", regions=[BAPEANG])
    unknown = await get(registry, f"/v1/families/{uuid4()}", "kades", regions=[BAPEANG])
    left_out = ("instance", "trace_id")
    assert {k: v for k, v in hidden.json().items() if k not in left_out} == {
        k: v for k, v in unknown.json().items() if k not in left_out
    }


async def test_a_list_is_paged_by_key_and_filtered_by_region_and_desil(registry, seeded):
    first = await get(registry, "/v1/families?limit=2")
    assert len(first.json()["data"]) == 2
    assert 'rel="next"' in first.headers["link"]
    second = await get(registry, f"/v1/families?limit=2&cursor={first.json()['next']}")
    seen = [one["id"] for one in first.json()["data"] + second.json()["data"]]
    assert sorted(seen) == sorted(str(one) for one in seeded.values())
    by_region = await get(registry, f"/v1/families?region={BAPEANG}")
    assert [one["id"] for one in by_region.json()["data"]] == [str(seeded[3])]
    targets = await get(registry, "/v1/families?desil_max=8")
    assert [one["id"] for one in targets.json()["data"]] == [str(seeded[1])]


async def test_a_cursor_of_one_list_is_refused_by_another(registry, seeded):
    first = await get(registry, "/v1/families?limit=1")
    other = await get(registry, f"/v1/families?limit=1&desil_max=5&cursor={first.json()['next']}")
    assert (other.status_code, other.json()["code"]) == (400, "cursor_invalid")


async def test_a_village_operator_lists_only_the_own_village(registry, seeded):
    answer = await get(registry, "/v1/families", "operator_desa", regions=[PELANGSIAN])
    assert {one["region_code"] for one in answer.json()["data"]} == {PELANGSIAN}
    foreign = await get(
        registry, f"/v1/families?region={BAPEANG}", "operator_desa", regions=[PELANGSIAN]
    )
    assert foreign.json()["data"] == []


async def test_a_batch_answers_what_is_visible_and_leaves_out_the_rest(registry, seeded):
    ids = [str(one) for one in (*seeded.values(), uuid4())]
    headers = registry.auth("operator_desa", key=False, regions=[PELANGSIAN])
    answer = await registry.client.post("/v1/families/batch", json={"ids": ids}, headers=headers)
    assert {one["id"] for one in answer.json()["data"]} == {str(seeded[1]), str(seeded[2])}
    too_many = {"ids": [str(uuid4()) for _ in range(201)]}
    answer = await registry.client.post("/v1/families/batch", json=too_many, headers=headers)
    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("number", "found"),
    [({"kk_number": kk_of(1)}, True), ({"nik": nik_of(2)}, True), ({"nik": nik_of(900)}, False)],
)
async def test_a_search_by_number_finds_the_family_and_is_logged(registry, seeded, number, found):
    headers = registry.auth("operator_desa", key=False, regions=[PELANGSIAN])
    body = number | {"purpose": f"{PURPOSE} {nik_of(2)}"}
    answer = await registry.client.post("/v1/families/search", json=body, headers=headers)
    assert [one["id"] for one in answer.json()["data"]] == ([str(seeded[1])] if found else [])
    (entry,) = await registry.db.pool.fetch(
        "SELECT action, purpose, found, family_id FROM pii_access_log ORDER BY id DESC LIMIT 1"
    )
    assert entry["found"] is found
    assert entry["purpose"] == f"{PURPOSE} *"
    assert entry["action"] == ("search_kk" if "kk_number" in number else "search_nik")


async def test_a_search_outside_the_scope_answers_nothing_and_logs_the_attempt(registry, seeded):
    headers = registry.auth("operator_desa", key=False, regions=[BAPEANG])
    body = {"nik": nik_of(1), "purpose": PURPOSE}
    answer = await registry.client.post("/v1/families/search", json=body, headers=headers)
    assert (answer.status_code, answer.json()["data"]) == (200, [])
    (entry,) = await registry.db.pool.fetch(
        "SELECT found, family_id FROM pii_access_log ORDER BY id DESC LIMIT 1"
    )
    assert (entry["found"], entry["family_id"]) == (False, seeded[1])


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"purpose": PURPOSE}, "validation_failed"),
        ({"nik": nik_of(1), "kk_number": kk_of(1), "purpose": PURPOSE}, "validation_failed"),
        ({"nik": nik_of(1)}, "validation_failed"),
        ({"nik": nik_of(1), "purpose": "x"}, "validation_failed"),
        ({"nik": "123", "purpose": PURPOSE}, "invalid_number"),
    ],
)
async def test_a_malformed_search_is_a_problem_that_quotes_no_number(registry, body, code):
    headers = registry.auth("admin_dinsos", key=False)
    answer = await registry.client.post("/v1/families/search", json=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert nik_of(1) not in answer.text


async def patch(registry, family_id, body, tag, *roles, **token):
    headers = registry.auth(*(roles or ("admin_dinsos",)), **token)
    if tag is not None:
        headers["If-Match"] = tag
    return await registry.client.patch(f"/v1/families/{family_id}", json=body, headers=headers)


async def test_a_correction_needs_the_present_version_and_is_told_with_history(registry, seeded):
    family_id = seeded[2]
    tag = (await get(registry, f"/v1/families/{family_id}")).headers["etag"]
    body = {"rt": "007", "reason": "salah ketik RT"}
    assert (await patch(registry, family_id, body, None)).status_code == 428
    assert (await patch(registry, family_id, body, '"99"')).status_code == 412
    done = await patch(registry, family_id, body, tag)
    assert done.status_code == 200
    assert done.headers["betang-position"].startswith(f"registry.family.state.v1/{family_id}/")
    assert (await patch(registry, family_id, body, tag)).status_code == 412
    again = await patch(registry, family_id, body, done.headers["etag"])
    assert (again.status_code, again.json()["code"]) == (409, "nothing_to_change")
    now = (await get(registry, f"/v1/families/{family_id}")).json()
    assert (now["rt"], now["cause"], now["version"]) == ("007", "domicile_corrected",
                                                         done.json()["version"])  # fmt: skip
    history = await registry.db.pool.fetch(
        "SELECT rt, reason, upper(valid) IS NULL AS open FROM family_domiciles"
        " WHERE family_id = $1 AND superseded_at IS NULL ORDER BY lower(valid)",
        family_id,
    )
    assert [tuple(row) for row in history] == [
        ("002", "imported", False),
        ("007", "salah ketik RT", True),
    ]


async def test_a_family_cannot_be_moved_out_of_the_callers_sight(registry, seeded):
    tag = (await get(registry, f"/v1/families/{seeded[1]}")).headers["etag"]
    body = {"region_code": BAPEANG, "reason": "pindah desa"}
    operator = {"regions": [PELANGSIAN]}
    refused = await patch(registry, seeded[1], body, tag, "operator_desa", **operator)
    assert (refused.status_code, refused.json()["code"]) == (404, "region_not_found")


async def test_a_move_to_another_village_tells_the_family_and_every_member(registry, merge):
    from services.registry.actions.regions import load_regions  # noqa: PLC0415

    async with registry.db.transaction() as tx:
        await load_regions(tx, "62.02")
    await merge(a_resident(500, 500), a_resident(501, 500, relation=3))
    async with registry.db.transaction() as tx:
        await (await tx.raw()).execute("DELETE FROM outbox")
    found = await registry.client.post(
        "/v1/families/search",
        json={"kk_number": kk_of(500), "purpose": PURPOSE},
        headers=registry.auth("admin_dinsos", key=False),
    )
    family_id = found.json()["data"][0]["id"]
    tag = (await get(registry, f"/v1/families/{family_id}")).headers["etag"]
    done = await patch(registry, family_id, {"region_code": BAPEANG, "reason": "pindah desa"}, tag)
    assert done.status_code == 200
    events = await registry.db.pool.fetch("SELECT type, region_code, version FROM outbox")
    assert sorted((row["type"], row["region_code"], row["version"]) for row in events) == [
        ("registry.family.state.v1", BAPEANG, 2),
        ("registry.person.identity.v1", BAPEANG, 2),
        ("registry.person.identity.v1", BAPEANG, 2),
    ]
    (household,) = await registry.db.pool.fetch(
        "SELECT h.region_code FROM households h JOIN families f ON f.household_id = h.id"
        " WHERE f.id = $1",
        UUID(family_id),
    )
    assert household["region_code"] == BAPEANG


async def test_regions_are_loaded_once_and_told_once(registry):
    from services.registry.actions.regions import load_regions  # noqa: PLC0415

    async with registry.db.transaction() as tx:
        await load_regions(tx, "62.02")
    async with registry.db.transaction() as tx:
        assert await load_regions(tx, "62.02") == 0
    answer = await get(registry, "/v1/regions?level=kecamatan&limit=200", "warga")
    assert len(answer.json()["data"]) == 17
    one = (await get(registry, f"/v1/regions/{PELANGSIAN}")).json()
    assert one == {
        "code": PELANGSIAN,
        "name": "Pelangsian",
        "level": "desa",
        "parent_code": "62.02.06",
        "postal_code": one["postal_code"],
        "valid_from": date(2025, 1, 1).isoformat(),
    }
    missing = await get(registry, "/v1/regions/62.02.99")
    assert (missing.status_code, missing.json()["code"]) == (404, "region_not_found")


async def test_code_lists_carry_labels_in_two_languages_and_an_etag(registry):
    path = "/v1/code-lists/regsosek/2022k/428c"
    answer = await get(registry, path, "warga")
    assert answer.json()["codes"][0] == {
        "code": 1,
        "label_id": "Ya, sama sekali tidak bisa",
        "label_en": "Cannot do at all",
    }
    headers = registry.auth("warga", key=False) | {"If-None-Match": answer.headers["etag"]}
    assert (await registry.client.get(path, headers=headers)).status_code == 304
    listed = (await get(registry, "/v1/code-lists")).json()["data"]
    assert {"regsosek", "siak"} == {one["scheme"] for one in listed}
    assert (await get(registry, "/v1/code-lists/regsosek/2022k/999")).status_code == 404
