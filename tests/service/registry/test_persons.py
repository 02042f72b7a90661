"""Persons over HTTP: masked reads, a reveal that is logged, the log that the DPO reads."""

from uuid import UUID, uuid4

import pytest

from services.registry.api.views import PersonView
from tests.support.residents import BAPEANG, PELANGSIAN, a_resident, nik_of

PURPOSE = "verifikasi berkas usulan"


@pytest.fixture
async def person(registry, merge) -> UUID:
    await merge(a_resident(1, 1, name="Bawi Ngandi"), a_resident(2, 1, nik=None, name="Anak"))
    (row,) = await registry.db.pool.fetch("SELECT id FROM persons WHERE name = 'Bawi Ngandi'")
    return row["id"]


async def call(registry, method, path, *roles, body=None, **token):
    headers = registry.auth(*(roles or ("admin_dinsos",)), key=False, **token)
    return await registry.client.request(method, path, json=body, headers=headers)


async def test_a_person_is_shown_with_age_and_mask(registry, person):
    answer = await call(registry, "GET", f"/v1/persons/{person}")
    view = PersonView.model_validate(answer.json())
    assert view.age is not None
    assert view.age >= 36
    assert view.nik_masked == f"6202********{nik_of(1)[-4:]}"
    assert view.allowed_actions == ["reveal"]
    assert "1990" not in answer.text
    hidden = await call(registry, "GET", f"/v1/persons/{person}", "kades", regions=[BAPEANG])
    assert (hidden.status_code, hidden.json()["code"]) == (404, "person_not_found")


async def test_a_known_version_of_a_person_is_304(registry, person):
    first = await call(registry, "GET", f"/v1/persons/{person}")
    headers = registry.auth("auditor", key=False) | {"If-None-Match": first.headers["etag"]}
    again = await registry.client.get(f"/v1/persons/{person}", headers=headers)
    assert again.status_code == 304


async def test_a_search_by_nik_finds_the_person(registry, person):
    body = {"nik": f" {nik_of(1)[:6]} {nik_of(1)[6:]}", "purpose": PURPOSE}
    answer = await call(registry, "POST", "/v1/persons/search", "petugas_skpd", body=body)
    assert [one["id"] for one in answer.json()["data"]] == [str(person)]
    assert "birth_date" not in answer.text


async def test_a_reveal_answers_the_number_and_the_log_knows_who_what_and_why(registry, person):
    path = f"/v1/persons/{person}"
    body = {"purpose": PURPOSE}
    operator = {"regions": [PELANGSIAN], "subject": "operator-pelangsian"}
    answer = await call(registry, "POST", f"{path}/reveal", "operator_desa", body=body, **operator)
    assert answer.json() == {"person_id": str(person), "nik": nik_of(1)}
    assert answer.headers["cache-control"] == "no-store"
    log = await call(registry, "GET", f"{path}/accesses", "dpo")
    newest = log.json()["data"][0]
    assert (newest["action"], newest["purpose"], newest["found"]) == ("reveal_nik", PURPOSE, True)
    assert newest["actor"].endswith("#operator-pelangsian")
    stored = await registry.db.pool.fetch("SELECT answers::text AS t FROM idempotency AS answers")
    assert not any(nik_of(1) in row["t"] for row in stored)


@pytest.mark.parametrize(
    ("roles", "regions", "status"),
    [
        (["kades"], [PELANGSIAN], 403),
        (["auditor"], ["62.02"], 403),
        (["operator_desa"], [BAPEANG], 404),
        (["disdukcapil"], ["62.02"], 200),
    ],
)
async def test_only_some_may_reveal_and_only_in_their_regions(
    registry, person, roles, regions, status
):
    body = {"purpose": PURPOSE}
    before = await registry.db.pool.fetchval("SELECT count(*) FROM pii_access_log")
    answer = await call(
        registry, "POST", f"/v1/persons/{person}/reveal", *roles, body=body, regions=regions
    )
    assert answer.status_code == status
    after = await registry.db.pool.fetchval("SELECT count(*) FROM pii_access_log")
    assert after - before == (1 if status == 200 else 0)


async def test_a_person_without_a_nik_has_nothing_to_reveal(registry, person):
    (row,) = await registry.db.pool.fetch("SELECT id FROM persons WHERE name = 'Anak'")
    answer = await call(
        registry, "POST", f"/v1/persons/{row['id']}/reveal", body={"purpose": PURPOSE}
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "person_has_no_nik")


async def test_the_access_log_is_for_the_data_protection_officer_alone(registry, person):
    for role in ("admin_dinsos", "auditor", "operator_desa"):
        answer = await call(registry, "GET", f"/v1/persons/{person}/accesses", role)
        assert answer.status_code == 403
    unknown = await call(registry, "GET", f"/v1/persons/{uuid4()}/accesses", "dpo")
    assert unknown.status_code == 404
