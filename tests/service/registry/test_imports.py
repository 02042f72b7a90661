"""A village's list from upload to merge: what it changes, what it leaves alone, who decides."""

import csv
import io
from contextlib import asynccontextmanager

import pytest

from tests.support import files
from tests.support.imports import OTHER_VILLAGE, VILLAGE, ImportDesk
from tests.support.service import running_service


@pytest.fixture
async def desk(stack, broker):
    """A registry of its own for each test, closed after it: counts start at nothing."""
    async with asynccontextmanager(running_service)("registry", stack, broker) as service:
        yield await ImportDesk(service).open()


async def test_a_village_list_goes_from_upload_to_families_in_the_registry(desk):
    rows = [*files.village(4), files.resident(99, 50, nik="6,20206E+15", tanggallahir="31-02-1990")]
    found = await desk.validated(files.opensid_xlsx(rows))
    assert found["state"] == "validated"
    assert found["counts"] == {
        "read": 13, "new": 12, "changed": 0, "unchanged": 0, "rejected": 1, "warned": 0,
        "left_out": 0,
    }  # fmt: skip
    assert await desk.count("SELECT count(*) FROM families") == 0

    merged = await desk.approved(found)
    assert merged["state"] == "merged"
    assert merged["allowed_actions"] == []
    assert merged["result"]["families_new"] == 4
    assert merged["result"]["persons_new"] == 12
    stamps = [merged[f"{name}_at"] for name in ("received", "parsed", "validated", "reviewed",
                                                "finished")]  # fmt: skip
    assert stamps == sorted(stamps)
    assert await desk.count("SELECT count(*) FROM persons") == 12
    assert (
        await desk.count("SELECT count(*) FROM outbox WHERE type = 'registry.family.state.v1'") == 4
    )


async def test_the_same_file_twice_changes_nothing_and_tells_nothing(desk):
    content = files.opensid_xlsx(files.village(3))
    await desk.merged(content)
    events = await desk.count("SELECT count(*) FROM outbox")
    again = await desk.merged(content)
    assert again["state"] == "merged"
    assert again["counts"]["unchanged"] == 9
    assert (again["counts"]["new"], again["counts"]["changed"]) == (0, 0)
    assert await desk.count("SELECT count(*) FROM outbox") == events
    assert await desk.count("SELECT count(*) FROM persons") == 9


async def test_a_changed_row_says_which_columns_changed(desk):
    rows = files.village(2)
    await desk.merged(files.opensid_csv(rows))
    rows[0] |= {"nama": "WARGA A BARU", "pekerjaan_id": "20"}
    rows[4] |= {"kk_level": "9"}
    rows.append(files.resident(77, 1, kk_level="4", tanggallahir="2012-03-04"))
    found = await desk.validated(files.opensid_csv(rows))
    assert (found["counts"]["new"], found["counts"]["changed"]) == (1, 2)
    assert found["counts"]["unchanged"] == 4
    changed = {row["row"]: row["changed"] for row in await desk.rows(found["id"], "changed")}
    assert changed == {2: ["nama", "pekerjaan_id"], 6: ["kk_level"]}
    await desk.approved(found)
    name = await desk.service.db.pool.fetchval("SELECT name FROM persons WHERE name LIKE '%BARU'")
    assert name == "WARGA A BARU"
    assert await desk.count("SELECT count(*) FROM persons") == 7


async def test_rejected_rows_come_back_as_a_file_to_mend_and_upload_again(desk):
    good = files.resident(1, 1)
    bad = files.resident(2, 2, sex="9", nama="BUDI; S.Pd", alamat="=1+1")
    found = await desk.validated(files.opensid_csv([good, bad]))
    answer = await desk.client.get(
        f"/v1/imports/{found['id']}/rejected.csv", headers=desk.operator(key=False)
    )
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.content.startswith(b"\xef\xbb\xbf")
    (row,) = csv.DictReader(io.StringIO(answer.text.lstrip("\ufeff")), delimiter=";")
    assert row["nik"] == "'" + files.nik(2)
    assert row["nama"] == "BUDI; S.Pd"
    assert row["alamat"] == "'=1+1"
    assert row["baris"] == "3"
    assert row["alasan"] == "sex: kode tidak dikenal: 9; lihat lembar kode"
    assert row["agama_id"] == row["suku"] == ""
    log = await desk.count(
        "SELECT count(*) FROM audit_entries WHERE action = 'fetch_rejected_rows'"
    )
    assert log == 1

    mended = answer.text.replace("BUDI; S.Pd", "BUDI").replace(";9;", ";1;")
    again = await desk.validated(mended.encode())
    assert (again["counts"]["new"], again["counts"]["rejected"]) == (1, 0)
    assert again["counts"]["warned"] == 0


async def test_rows_are_shown_masked_with_their_reasons_in_the_language_asked_for(desk):
    found = await desk.validated(files.opensid_csv([files.resident(1, 1, nik="6202060107900000")]))
    (row,) = await desk.rows(found["id"], "rejected")
    assert row["nik_masked"] == "6202********0000"
    assert row["findings"] == [
        {
            "column": "nik", "code": "number_serial_zero", "severity": "error", "value": None,
            "message": "nik: empat angka terakhir 0000 tidak pernah diterbitkan",
        }
    ]  # fmt: skip
    answer = await desk.client.get(
        f"/v1/imports/{found['id']}/rows",
        headers={**desk.operator(key=False), "Accept-Language": "en"},
    )
    assert answer.json()["data"][0]["findings"][0]["message"].endswith("is never issued")
    assert "6202060107900000" not in answer.text


async def test_rows_that_contradict_each_other_are_rejected_naming_the_other_row(desk):
    rows = [
        files.resident(1, 1),
        files.resident(1, 1, kk_level="4"),
        files.resident(2, 2),
        files.resident(2, 3),
        files.resident(3, 4),
        files.resident(4, 4),
        files.resident(5, 5, kk_level="4"),
    ]
    found = await desk.validated(files.opensid_csv(rows))
    said = {
        row["row"]: [(one["code"], one["value"]) for one in row["findings"]]
        for row in await desk.rows(found["id"])
    }
    assert said == {
        2: [],
        3: [("nik_twice_in_family", "2")],
        4: [("nik_in_two_families", "5")],
        5: [("nik_in_two_families", "4")],
        6: [],
        7: [("second_head", "6")],
        8: [("family_without_head", "4")],
    }
    assert (found["counts"]["new"], found["counts"]["rejected"]) == (3, 4)


async def test_a_nik_held_in_another_village_is_queued_as_disputed_not_lost(desk):
    await desk.merged(files.opensid_csv([files.resident(1, 1)]))
    claim = files.resident(1, 900, nama="ORANG LAIN SEKALI", tanggallahir="1990-07-01")
    found = await desk.validated(
        files.opensid_csv([claim]), headers=desk.operator(OTHER_VILLAGE), region_code=OTHER_VILLAGE
    )
    (row,) = await desk.rows(found["id"])
    assert (row["verdict"], row["findings"][0]["code"]) == ("new", "nik_held_elsewhere")
    merged = await desk.approved(found)
    assert merged["result"]["disputed"] == 1
    states = await desk.service.db.pool.fetch(
        "SELECT state FROM identity_claims WHERE kind = 'nik' ORDER BY id"
    )
    assert [row["state"] for row in states] == ["held", "disputed"]


async def test_a_row_that_changed_since_the_review_is_left_out_and_reported(desk):
    rows = files.village(2)
    await desk.merged(files.opensid_csv(rows))
    slow = [dict(row) for row in rows]
    slow[0] |= {"nama": "NAMA DARI BERKAS LAMBAT"}
    slow[3] |= {"nama": "NAMA LAIN"}
    waiting = await desk.validated(files.opensid_csv(slow))
    rows[0] |= {"nama": "NAMA DARI BERKAS CEPAT"}
    await desk.merged(files.opensid_csv(rows))
    merged = await desk.approved(waiting)
    assert merged["counts"]["left_out"] == 1
    (left_out,) = await desk.rows(waiting["id"], "rejected")
    assert [one["code"] for one in left_out["findings"]] == ["changed_since_review"]
    names = {
        row["name"]
        for row in await desk.service.db.pool.fetch(
            "SELECT name FROM persons WHERE name LIKE 'NAMA%'"
        )
    }
    assert names == {"NAMA DARI BERKAS CEPAT", "NAMA LAIN"}


async def test_who_uploads_does_not_approve_and_a_decision_needs_the_present_version(desk):
    admin = desk.service.auth("admin_dinsos")
    found = await desk.validated(files.opensid_csv(files.village(1)), headers=admin)
    own = await desk.decide(found, "approve", desk.service.auth("admin_dinsos"))
    assert (own.status_code, own.json()["code"]) == (403, "uploader_cannot_decide")
    operator = await desk.decide(found, "approve", desk.operator())
    assert (operator.status_code, operator.json()["code"]) == (403, "import_format_not_yours")
    bare = await desk.client.post(f"/v1/imports/{found['id']}/approve", headers=desk.kades())
    assert bare.status_code == 428
    stale = await desk.decide({**found, "version": 1}, "approve", desk.kades())
    assert stale.status_code == 412
    foreign = await desk.decide(found, "approve", desk.kades(OTHER_VILLAGE))
    assert foreign.status_code == 404
    merged = await desk.approved(found)
    late = await desk.decide(merged, "refuse", desk.kades(), reason="terlambat sudah")
    assert (late.status_code, late.json()["code"]) == (409, "import_state_forbids")


async def test_a_refused_list_merges_nothing_and_says_why(desk):
    found = await desk.validated(files.opensid_csv(files.village(2)))
    refused = await desk.decide(found, "refuse", desk.kades(), reason="bukan daftar desa kami")
    assert refused.json()["state"] == "refused"
    assert refused.json()["reason"] == "bukan daftar desa kami"
    assert not await desk.worker.work_once()
    assert await desk.count("SELECT count(*) FROM families") == 0


async def test_an_operator_sees_and_uploads_only_for_their_own_village(desk):
    mine = await desk.start(files.opensid_csv(files.village(1)))
    upload_id = await desk.upload(files.opensid_csv(files.village(1)), desk.operator())
    answer = await desk.client.post(
        "/v1/imports",
        headers=desk.operator(),
        json={"format": "opensid_residents", "upload_id": upload_id, "region_code": OTHER_VILLAGE},
    )
    assert answer.status_code == 403
    listed = await desk.client.get("/v1/imports", headers=desk.operator(OTHER_VILLAGE, key=False))
    assert listed.json()["data"] == []
    listed = await desk.client.get("/v1/imports", headers=desk.operator(key=False))
    assert [one["id"] for one in listed.json()["data"]] == [mine["id"]]
    hidden = await desk.client.get(
        f"/v1/imports/{mine['id']}", headers=desk.operator(OTHER_VILLAGE, key=False)
    )
    assert hidden.status_code == 404


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"region_code": "62.02.06"}, "village_needed"),
        ({"region_code": "62.02.06.9999"}, "village_needed"),
        ({"region_code": VILLAGE, "upload_id": "0198c000-0000-7000-8000-000000000000"},
         "upload_not_usable"),
        ({"region_code": "desa"}, "validation_failed"),
        ({"format": "dtsen_extract", "region_code": None}, "validation_failed"),
        ({"format": "excel"}, "validation_failed"),
    ],
)  # fmt: skip
async def test_an_import_that_cannot_start_is_a_clear_problem(desk, body, code):
    headers = desk.service.auth("admin_dinsos")
    upload_id = await desk.upload(files.opensid_csv(files.village(1)), headers)
    full = {"format": "opensid_residents", "upload_id": upload_id, **body}
    answer = await desk.client.post("/v1/imports", headers=headers, json=full)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (files.opensid_xlsx(files.village(20))[:3000], "not_a_workbook"),
        (b"satu;dua\r\n1;2\r\n", "wrong_file"),
        (files.opensid_csv([]), "no_rows"),
        (files.opensid_csv([files.resident(n, n, nik="6,20206E+15") for n in range(12)]),
         "column_scientific"),
        (files.opensid_csv([files.resident(n, n, nik=files.nik(n)[:15] + "0")
                            for n in range(1, 100, 10)]), "column_ends_in_zero"),
    ],
)  # fmt: skip
async def test_a_file_that_is_no_use_fails_with_its_reason_and_leaves_no_row(desk, content, code):
    found = await desk.validated(content)
    assert (found["state"], found["failure"]["code"]) == ("failed", code)
    assert found["failure"]["message"]
    assert await desk.count("SELECT count(*) FROM import_rows") == 0


async def test_the_template_keeps_identity_columns_as_text_and_is_itself_a_valid_empty_list(desk):
    answer = await desk.client.get(
        "/v1/imports/templates/opensid_residents", headers=desk.operator(key=False)
    )
    assert answer.status_code == 200
    found = await desk.validated(answer.content)
    assert found["failure"]["code"] == "no_rows"


async def test_nothing_personal_is_readable_in_staging_and_it_is_forgotten_in_time(desk):
    found = await desk.validated(files.opensid_csv([files.resident(nama="RAHASIA SEKALI")]))
    stored = str(await desk.service.db.pool.fetch("SELECT r::text FROM import_rows r"))
    for secret in ("RAHASIA", files.nik(1)):
        assert secret not in stored
        # PostgreSQL shows bytes as hexadecimal digits.
        assert secret.encode().hex() not in stored
    await desk.approved(found)
    assert await desk.worker.forget_old_rows() == 0
    await desk.service.db.pool.fetch(
        "UPDATE imports SET finished_at = finished_at - interval '31 days'"
    )
    assert await desk.worker.forget_old_rows() == 1
    assert await desk.count("SELECT count(*) FROM import_rows") == 0
    answer = await desk.client.get(
        f"/v1/imports/{found['id']}/rows", headers=desk.operator(key=False)
    )
    assert (answer.status_code, answer.json()["code"]) == (410, "import_rows_forgotten")
