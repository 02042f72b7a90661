"""Own agency, own regions, and sensitive programs that only their owner knows of."""

import pytest

from tests.service.distribution.conftest import OTHER_VILLAGE, VILLAGE, YEAR, Program, World

OWNER = {"agency": "DINKES"}


async def test_an_officer_plans_only_for_the_own_agency(world: World):
    program = await world.tell_program(Program(owner="DINKES"))
    await world.hear()
    body = {
        "program_id": str(program.id),
        "name": "Tahap I",
        "year": YEAR,
        "opens_on": "2026-01-01",
        "closes_on": "2026-12-31",
    }
    foreign = await world.post("/v1/cycles", body, "petugas_skpd", agency="DISDIK")
    assert foreign.status_code == 404
    own = await world.post("/v1/cycles", body, "petugas_skpd", **OWNER)
    assert own.status_code == 201
    hidden = await world.get(f"/v1/cycles/{own.json()['id']}", "petugas_skpd", agency="DISDIK")
    assert hidden.status_code == 404


@pytest.mark.parametrize("role", ["auditor", "pimpinan", "penyalur", "operator_desa", "warga"])
async def test_who_only_reads_or_hands_over_opens_no_cycle(world: World, role: str):
    refused = await world.post("/v1/cycles", {}, role)
    assert refused.status_code == 403


async def test_a_sensitive_program_does_not_exist_for_anybody_but_its_owner(world: World):
    program = await world.tell_program(Program(owner="DINKES", sensitive=True))
    await world.recipients(program, 1)
    await world.hear()
    body = {
        "program_id": str(program.id),
        "name": "Tahap I",
        "year": YEAR,
        "opens_on": "2026-01-01",
        "closes_on": "2026-12-31",
    }
    assert (await world.post("/v1/cycles", body, "admin_dinsos")).status_code == 404
    cycle = (await world.post("/v1/cycles", body, "petugas_skpd", **OWNER)).json()
    made = await world.post(
        f"/v1/cycles/{cycle['id']}/entitlements/generate", None, "petugas_skpd", **OWNER
    )
    assert made.json()["created"] == 1
    books = f"/v1/ledger/accounts?program_id={program.id}&year={YEAR}"
    for role in ("admin_dinsos", "auditor", "pimpinan"):
        assert (await world.get(f"/v1/cycles/{cycle['id']}", role)).status_code == 404
        assert (await world.get(books, role)).status_code == 404
        listed = await world.get(f"/v1/entitlements?cycle_id={cycle['id']}", role)
        assert listed.json()["data"] == []
        entries = f"/v1/ledger/entries?program_id={program.id}&year={YEAR}"
        answer = await world.get(entries, role)
        assert answer.status_code == 403 or answer.json()["data"] == []
    seen = await world.get(f"/v1/entitlements?cycle_id={cycle['id']}", "petugas_skpd", **OWNER)
    assert len(seen.json()["data"]) == 1
    assert (await world.get(books, "petugas_skpd", **OWNER)).status_code == 200
    flags = await world.service.db.pool.fetch(
        "SELECT sensitive FROM outbox WHERE aggregateid = $1", cycle["id"]
    )
    assert [row["sensitive"] for row in flags] == [True]


async def test_an_officer_hands_over_only_in_the_own_regions(world: World):
    program = await world.tell_program(Program(kind="service"))
    cycle, [entitlement] = await world.entitled(program)
    session = await world.session(cycle["id"])
    body = {**world.handed(entitlement["id"]), "session_id": session}
    foreign = await world.post("/v1/deliveries", body, "penyalur", regions=[OTHER_VILLAGE])
    assert (foreign.status_code, foreign.json()["code"]) == (404, "not_found")
    own = await world.post("/v1/deliveries", body, "penyalur", regions=[VILLAGE])
    assert own.status_code == 201
    for regions, count in (([VILLAGE], 1), ([OTHER_VILLAGE], 0), ([], 0)):
        listed = await world.get(
            f"/v1/deliveries?cycle_id={cycle['id']}", "penyalur", regions=regions
        )
        assert len(listed.json()["data"]) == count


async def test_an_agencys_handover_officer_serves_no_other_agency(world: World):
    program = await world.tell_program(Program(kind="service"))
    cycle, _ = await world.entitled(program)
    listed = await world.get(f"/v1/cycles/{cycle['id']}", "penyalur", agency="DISDIK")
    assert listed.status_code == 404
    listed = await world.get(f"/v1/cycles/{cycle['id']}", "penyalur", agency="DINSOS")
    assert listed.status_code == 200


async def test_a_caller_without_regions_sees_nothing(world: World):
    program = await world.tell_program(Program())
    await world.hear()
    cycle = await world.cycle(program)
    assert (await world.get(f"/v1/cycles/{cycle['id']}", regions=[])).status_code == 404


async def test_a_sensitive_enrolment_of_a_plain_program_is_seen_by_its_owner_only(world: World):
    program = await world.tell_program(Program(owner="DINKES"))
    [secret, _] = await world.recipients(program, 2)
    await world.tell_enrolment(program, secret, sensitive=True)
    await world.hear()
    cycle = await world.cycle(program)
    await world.post(f"/v1/cycles/{cycle['id']}/entitlements/generate", None)
    path = f"/v1/entitlements?cycle_id={cycle['id']}"
    assert len((await world.get(path, "admin_dinsos")).json()["data"]) == 1
    assert len((await world.get(path, "petugas_skpd", **OWNER)).json()["data"]) == 2
