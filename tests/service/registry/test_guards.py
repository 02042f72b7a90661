"""Guards that no other test would miss if they were gone; ``tests/mutants`` takes them out."""

from contextlib import asynccontextmanager
from datetime import date

import pytest

from services.registry.domain.imports import ImportState
from services.registry.storage import imports
from tests.support import files
from tests.support.imports import OTHER_VILLAGE, VILLAGE, ImportDesk
from tests.support.service import running_service


@pytest.fixture
async def desk(stack, broker):
    async with asynccontextmanager(running_service)("registry", stack, broker) as service:
        yield await ImportDesk(service).open()


async def test_the_same_file_on_a_later_day_speaks_of_its_first_day(desk):
    content = files.opensid_csv(files.village(1))
    first = await desk.merged(content)
    await desk.service.db.pool.fetch("UPDATE imports SET observed_on = '2026-01-31'")
    again = await desk.start(content)
    kept = await desk.service.db.pool.fetchval(
        "SELECT observed_on FROM imports WHERE id::text = $1", again["id"]
    )
    assert again["id"] != first["id"]
    assert kept == date(2026, 1, 31)


async def test_a_worker_that_lost_its_import_moves_it_no_more(desk):
    await desk.start(files.opensid_csv(files.village(1)))
    async with desk.service.db.transaction() as tx:
        lost = await imports.claim(tx, "slow")
    await desk.service.db.pool.fetch("UPDATE imports SET lease_until = now() - interval '1 s'")
    async with desk.service.db.transaction() as tx:
        found = await imports.claim(tx, "quick")
        assert found.id == lost.id
        assert not await imports.beat(tx, lost, 1, None)
        assert not await imports.move(tx, lost, ImportState.PARSED)
        assert await imports.move(tx, found, ImportState.PARSED)
        # The same worker's name does not help: the import is in another state by now.
        await imports.decide(tx, found.id, {"state": ImportState.CANCELLED})
        await tx.execute(_taken_again("quick"))
        assert not await imports.move(tx, found, ImportState.PARSED)


def _taken_again(worker):
    return imports.update(imports.ImportRow).values(worker=worker)


async def test_a_family_of_another_region_cannot_be_corrected(desk):
    await desk.merged(files.opensid_csv(files.village(1)))
    headers = desk.service.auth("admin_dinsos")
    [family] = (await desk.client.get("/v1/families", headers=headers)).json()["data"]
    path = f"/v1/families/{family['id']}"
    tag = (await desk.client.get(path, headers=headers)).headers["etag"]
    body = {"rt": "009", "reason": "salah ketik RT"}
    for region, status in ((OTHER_VILLAGE, 404), (family["region_code"], 200)):
        operator = desk.operator(region) | {"If-Match": tag}
        answer = await desk.client.patch(path, headers=operator, json=body)
        assert answer.status_code == status


async def test_what_is_decided_stays_decided(desk):
    found = await desk.validated(files.opensid_csv(files.village(1)))
    refused = (await desk.decide(found, "refuse", desk.kades(), reason="bukan daftar kami")).json()
    for action in ("approve", "refuse", "cancel"):
        answer = await desk.decide(refused, action, desk.kades(subject="lain"), reason="berubah")
        assert answer.status_code in (403, 409)
    approved = await desk.decide(refused, "approve", desk.service.auth("admin_dinsos"))
    assert (approved.status_code, approved.json()["code"]) == (409, "import_state_forbids")
    assert (await desk.read(found["id"]))["state"] == "refused"


async def test_nobody_imports_the_file_that_another_person_sent(desk):
    upload_id = await desk.upload(files.opensid_csv(files.village(1)), desk.operator())
    body = {"format": "opensid_residents", "upload_id": upload_id, "region_code": VILLAGE}
    colleague = desk.operator(subject="rekan")
    answer = await desk.client.post("/v1/imports", headers=colleague, json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "upload_not_usable")


async def test_a_reveal_is_chained_in_the_audit_with_its_purpose(desk):
    await desk.merged(files.opensid_csv(files.village(1)))
    person_id = await desk.service.db.pool.fetchval(
        "SELECT id FROM persons WHERE nik_sealed IS NOT NULL LIMIT 1"
    )
    headers = desk.operator()
    path = f"/v1/persons/{person_id}/reveal"
    body = {"purpose": "verifikasi berkas usulan"}
    assert (await desk.client.post(path, headers=headers, json=body)).status_code == 200
    [entry] = await desk.service.db.pool.fetch(
        "SELECT e.actor, p.payload->>'purpose' AS purpose FROM audit_entries e"
        " JOIN audit_payloads p ON p.entry_id = e.id"
        " WHERE e.action = 'reveal_nik' AND e.subject = $1",
        f"person/{person_id}",
    )
    assert entry["actor"].endswith("#operator_desa-62.02.06.2005-")
    assert entry["purpose"] == "verifikasi berkas usulan"
