"""The story of the founding report, told in its order, by public doors only.

Each test is a chapter and goes on where the one before ended; ``tests/support/story.py`` shows the
ten families, and every number below is counted from there by hand.
"""

import asyncio
import io
import json
import uuid
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from services.shared import clock
from tests.support import files, story
from tests.support.callers import (
    FOLLOWS_S,
    XLSX,
    Caller,
    csv_rows,
    register_agency,
    reported,
    tell,
)
from tests.support.story import BAAMANG, BY_NAME, HEAD, KETAPANG, PELANGSIAN, PURPOSE, TINDUK
from tests.support.waiting import wait_until

SIXTEEN = "harus tepat 16 angka; mungkin nol di depan hilang atau ada angka yang terlewat"


async def test_01_the_operator_of_pelangsian_uploads_her_workbook(told):
    rows = [*story.residents(PELANGSIAN), story.spoiled_row()]
    told.path = await told.operator.import_list(
        files.opensid_xlsx(rows), village=PELANGSIAN, kind=XLSX
    )
    counts = (await told.operator.get(told.path))["counts"]
    assert counts["read"] == story.ROWS_OF_PELANGSIAN + 1
    assert (counts["new"], counts["rejected"]) == (story.ROWS_OF_PELANGSIAN, 1)
    refused = await told.operator.get(f"{told.path}/rows", verdict="rejected")
    (row,) = refused["data"]
    errors = [each for each in row["findings"] if each["severity"] == "error"]
    assert [(each["column"], each["message"]) for each in errors] == [
        ("nik", f"nik: {SIXTEEN}"),
    ]
    answer = await told.operator.send("GET", f"{told.path}/rejected.csv")
    assert SIXTEEN in str(csv_rows(answer.text)[0])
    assert len(csv_rows(answer.text)) == 1


async def test_02_she_may_not_approve_her_own_list_the_kades_may(told):
    own = await told.operator.decide(told.path, "approve")
    assert (own.status_code, own.json()["code"]) == (403, "uploader_cannot_decide")
    assert (await told.kades.decide(told.path, "approve")).status_code == 200
    merged = await told.operator.until_state(told.path, "merged")
    assert merged["counts"]["rejected"] == 1
    found = await told.operator.get("/v1/families", limit=200)
    told.ids = {}
    for name in ("A1", "A2", "A3", "A4", "A5", "A6"):
        told.ids[name] = await _found(told.operator, name)
    assert {family["id"] for family in found["data"]} == set(told.ids.values())


async def test_03_tinduk_sends_csv_and_its_households_are_assumed(told):
    path = await told.operator_tinduk.import_list(
        files.opensid_csv(story.residents(TINDUK)), village=TINDUK
    )
    foreign = {"If-Match": '"1"'}
    refused = await told.kades.send("POST", f"{path}/approve", headers=foreign)
    assert refused.status_code == 404, "the kades of another village"
    assert (await told.kades_tinduk.decide(path, "approve")).status_code == 200
    merged = await told.operator_tinduk.until_state(path, "merged")
    assert merged["counts"]["new"] == story.ROWS_OF_TINDUK
    for name in ("B1", "B2", "B3", "B4"):
        told.ids[name] = await _found(told.operator_tinduk, name)
        family = await told.operator_tinduk.get(f"/v1/families/{told.ids[name]}")
        assert family["household_assumed"] is True
        assert family["member_count"] == BY_NAME[name].members


async def _found(operator: Caller, name: str) -> str:
    body = {"kk_number": BY_NAME[name].kk, "purpose": PURPOSE}
    (family,) = (await operator.post("/v1/families/search", body))["data"]
    return str(family["id"])


async def test_04_dinsos_imports_dtsen_of_both_villages(told):
    path = await told.admin.import_welfare(files.dtsen_csv(story.welfare()))
    assert (await told.admin.decide(path, "approve")).json()["code"] == "uploader_cannot_decide"
    assert (await told.verifier.decide(path, "approve")).status_code == 200
    await told.admin.until_state(path, "merged")
    for name, family in BY_NAME.items():
        seen = await told.admin.get(f"/v1/families/{told.ids[name]}")
        assert seen["desil_low"] == family.desil
        if family.desil is not None:
            assert seen["dwelling"]["answers"]["303"] == 8, "an earth floor"
            answers = [member["condition"]["answers"]["428c"] for member in seen["members"]]
            limping = [] if family.walks_badly is None else [1 + family.walks_badly % 2]
            assert sorted(answers) == sorted(limping + [4] * (family.members - len(limping)))


async def test_05_a_nik_is_masked_found_by_post_and_revealed_with_a_purpose(told):
    nik = BY_NAME["A1"].nik(HEAD)
    family = await told.operator.send("GET", f"/v1/families/{told.ids['A1']}")
    assert nik not in family.text
    body = {"nik": nik, "purpose": PURPOSE}
    (person,) = (await told.operator.post("/v1/persons/search", body))["data"]
    assert person["nik_masked"] != nik
    assert person["family_id"] == told.ids["A1"]
    path = f"/v1/persons/{person['id']}"
    shown = await told.operator.post(f"{path}/reveal", {"purpose": PURPOSE})
    assert shown == {"person_id": person["id"], "nik": nik}
    accesses = (await told.dpo.get(f"{path}/accesses"))["data"]
    assert [(each["action"], each["purpose"]) for each in accesses][:2] == [
        ("reveal_nik", PURPOSE),
        ("search_nik", PURPOSE),
    ]
    assert (await told.operator.send("GET", f"{path}/accesses")).status_code == 403


async def test_06_dinas_sosial_tells_of_its_program_from_its_own_system(told):
    await register_agency(told.system, "DINSOS", "Dinas Sosial")
    await register_agency(told.system, "DISKOP", "Dinas Koperasi")
    agency = await told.system.connect_agency("DINSOS")
    await tell(agency, reported(agency, story.leg_program(told.year)))
    await agency.close()
    catalog = await told.dinsos.until(
        "/v1/programs",
        [("KAKI-PALSU", "active")],
        lambda found: [
            (each["code"], each["status"]) for each in found["data"] if each["code"] == "KAKI-PALSU"
        ],
        owner_code="DINSOS",
        limit=200,
    )
    (leg,) = [each for each in catalog["data"] if each["code"] == "KAKI-PALSU"]
    told.leg = leg["program_id"]
    assert leg["steps"] == ["ukur", "pesan", "coba", "serah", "kontrol"]
    assert leg["years"][0]["ceiling_idr"] == story.CEILING_IDR


async def test_07_dinas_koperasi_enters_its_program_by_hand_with_four_eyes(told):
    made = await told.diskop.post("/v1/programs", story.tools_program(told.year))
    told.tools = made["program_id"]
    path = f"/v1/programs/{told.tools}"
    await told.diskop.post(f"{path}/submit", {})
    own = await told.diskop.send("POST", f"{path}/approve", json={})
    assert (own.status_code, own.json()["code"]) == (403, "same_hand")
    await told.verifier.post(f"{path}/approve", {"note": "sesuai RKPD"})
    assert (await told.diskop.post(f"{path}/activate", {}))["status"] == "active"


async def test_08_the_rule_finds_exactly_who_walks_badly_in_desil_one_to_four(told):
    desil = {"desil": {"min": 1, "maks": 4}}
    walking = {"kondisi_anggota": {"pertanyaan": "428c", "kode": [1, 2]}}
    dated = {"legal_reference": "Juknis alat bantu", "valid_from": f"{told.year}-01-01"}
    for caller, program, tree in (
        (told.dinsos, told.leg, {"semua": [desil, walking]}),
        (told.diskop, told.tools, {"semua": [desil]}),
    ):
        await caller.post(f"/v1/programs/{program}/rules", {"tree": tree, **dated})
    told.persons = {}
    for name, member in (*story.CANDIDATES, ("A4", HEAD)):
        body = {"nik": BY_NAME[name].nik(member), "purpose": PURPOSE}
        (person,) = (await told.admin.post("/v1/persons/search", body))["data"]
        told.persons[name] = person["id"]
    expected = {told.persons[name] for name, _ in story.CANDIDATES}
    for village in (KETAPANG, BAAMANG):
        names = {n for n, _ in story.CANDIDATES if BY_NAME[n].village.startswith(village)}
        await told.dinsos.until(
            f"/v1/programs/{told.leg}/candidates",
            {told.persons[name] for name in names},
            lambda found: {each["person_id"] for each in found["data"]},
            region=village,
            year=told.year,
        )
    found = await told.dinsos.get(f"/v1/programs/{told.leg}/candidates", year=told.year)
    ours = [each for each in found["data"] if each["family_id"] in told.ids.values()]
    assert {each["person_id"] for each in ours} == expected
    assert all(each["eligible"] for each in ours)


async def test_09_one_is_enrolled_singly_and_another_person_grants_it(told):
    body = {"program_id": told.leg, "year": told.year, **_recipient(told, "A1")}
    made = await told.dinsos.post("/v1/enrolments", body)
    assert (made["status"], made["eligible"]) == ("proposed", True)
    assert all(reason["met"] and reason["text_id"] for reason in made["reasons"])
    path = f"/v1/enrolments/{made['enrolment_id']}/approve"
    own = await told.dinsos.send("POST", path, json={})
    assert (own.status_code, own.json()["code"]) == (403, "same_hand")
    assert (await told.verifier.post(path, {}))["status"] == "granted"


def _recipient(told: SimpleNamespace, name: str) -> dict[str, str]:
    return {"family_id": told.ids[name], "person_id": told.persons[name]}


async def test_10_a_batch_takes_the_eligible_and_says_why_one_is_not(told):
    rows = [_recipient(told, name) for name in ("A2", "A3", "B1", "A4")]
    body = {"program_id": told.leg, "year": told.year, "rows": rows}
    done = await told.dinsos.post("/v1/enrolments/batch", body)
    assert done["counts"] == {"proposed": 3, "refused": 1}
    unmet = [reason for reason in done["rows"][3]["reasons"] if not reason["met"]]
    assert [reason["text_id"] for reason in unmet] == ["✗ Desil 5 (syarat 1\N{EN DASH}4)"]
    ids = [row["enrolment_id"] for row in done["rows"][:3]]
    verdicts = await told.verifier.post("/v1/enrolments/approve-batch", {"enrolment_ids": ids})
    assert verdicts["counts"] == {"granted": 3}
    (year,) = (await told.dinsos.get(f"/v1/programs/{told.leg}/usage"))["data"]
    assert (year["quota"], year["granted"]) == (10, 4)
    assert year["committed_idr"] == 4 * 12_500_000


async def test_11_who_is_not_eligible_is_granted_only_with_a_reason(told):
    for name in ("A1", "A5", "B4"):
        body = {"program_id": told.tools, "year": told.year, "family_id": told.ids[name]}
        made = await told.diskop.post("/v1/enrolments", body)
        path = f"/v1/enrolments/{made['enrolment_id']}/approve"
        if name == "B4":
            plain = await told.verifier.send("POST", path, json={})
            assert (plain.status_code, plain.json()["code"]) == (409, "not_eligible")
            granted = await told.verifier.post(path, {"override_reason": "Daftar lama desa"})
            assert granted["override_reason"] == "Daftar lama desa"
        else:
            assert (await told.verifier.post(path, {}))["status"] == "granted"


async def test_12_a_cycle_opens_and_entitles_who_was_granted(told):
    dated = {"year": told.year, "opens_on": f"{told.year}-01-01", "closes_on": f"{told.year}-12-31"}
    names = {identifier: name for name, identifier in told.ids.items()}
    told.entitled, told.sessions = {}, {}
    for caller, program, granted, value in (
        (told.dinsos, told.leg, ["A1", "A2", "A3", "B1"], 4 * 12_500_000),
        (told.diskop, told.tools, ["A1", "A5", "B4"], 3 * 2_400_000),
    ):
        body = dated | {"program_id": program, "name": "Tahap I"}
        cycle = await wait_until(lambda b=body, c=caller: _opened(c, b), FOLLOWS_S, what="a cycle")
        rows = await wait_until(
            lambda c=caller, y=cycle, g=granted: _entitled(c, y, len(g)), FOLLOWS_S, what="jatah"
        )
        assert sorted(names[row["family_id"]] for row in rows) == granted
        assert sum(row["value_idr"] for row in rows) == value
        told.entitled[program] = {names[row["family_id"]]: row["id"] for row in rows}
        session = {"cycle_id": cycle, "place": "Aula Dinas Sosial", "officer": "Siti"}
        planned = await caller.post(
            "/v1/sessions", session | {"held_on": clock.today().isoformat()}
        )
        told.sessions[program] = planned["id"]


async def _opened(caller: Caller, body: dict[str, Any]) -> str | None:
    """Open the cycle as soon as distribution has heard of the program."""
    answer = await caller.send("POST", "/v1/cycles", json=body)
    assert answer.status_code in {201, 404}, answer.text
    return answer.json().get("id")


async def _entitled(caller: Caller, cycle: str, count: int) -> list[Any] | None:
    """Entitle whoever distribution has heard of, until there are ``count``."""
    await caller.post(f"/v1/cycles/{cycle}/entitlements/generate", {})
    rows = (await caller.get("/v1/entitlements", cycle_id=cycle))["data"]
    return rows if len(rows) >= count else None


async def test_13_a_leg_is_handed_over_with_a_photo_and_the_stream_tells_it(told):
    recipients = await told.penyalur.get(f"/v1/sessions/{told.sessions[told.leg]}/recipients")
    assert len(recipients["data"]) == 4
    assert all("*" in row["nik_masked"] for row in recipients["data"])
    unproven = await told.penyalur.send("POST", "/v1/deliveries", json=_handover(told, "A1"))
    assert (unproven.status_code, unproven.json()["code"]) == (422, "proof_required")
    proof = {"proof_upload_id": await _photo(told), "serial_number": "KP-2026-001"}
    stream = {"Authorization": f"Bearer {told.admin.token}"}
    client = told.system.client
    async with client.stream("GET", "/v1/indicators/stream", headers=stream) as events:
        lines = events.aiter_lines()
        async with asyncio.timeout(FOLLOWS_S):
            assert "hello" in await _next_event(lines)
            body = _handover(told, "A1") | proof
            done = await told.penyalur.post("/v1/deliveries", body)
            changed: set[str] = set()
            while "deliveries" not in changed:
                changed |= set(
                    (await _next_event(lines)).get("figures", {"changed": []})["changed"]
                )
    assert (done["value_idr"], done["remaining"]) == (12_500_000, 0)
    told.first = done["id"]
    seen = await told.dinsos.get(f"/v1/deliveries/{told.first}")
    assert (seen["serial_number"], seen["proof"]) == ("KP-2026-001", True)


def _handover(told: SimpleNamespace, name: str) -> dict[str, Any]:
    return {
        "id": str(uuid.uuid4()),
        "session_id": told.sessions[told.leg],
        "entitlement_id": told.entitled[told.leg][name],
        "quantity": 1,
        "delivered_on": clock.today().isoformat(),
    }


async def _photo(told: SimpleNamespace) -> str:
    """Upload a photo of the handover; where it was taken is kept, but not in the file."""
    about = {"file_name": "serah.jpg", "media_type": "image/jpeg", "purpose": "delivery_proof"}
    upload = await told.penyalur.upload(
        "distribution", story.photo_with_place(), region_code=PELANGSIAN, **about
    )
    path = f"/v1/uploads/distribution/{upload}"
    seen = await told.penyalur.get(path)
    assert seen["latitude"] == pytest.approx(-(2 + 32 / 60))
    assert seen["longitude"] == pytest.approx(112 + 57 / 60)
    kept = await told.penyalur.send("GET", f"{path}/content")
    with Image.open(io.BytesIO(kept.content)) as picture:
        assert not picture.getexif().get_ifd(0x8825)
    return upload


async def _next_event(lines: Any) -> dict[str, Any]:
    """Return {name: data} of the next server-sent event."""
    name = ""
    async for line in lines:
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            return {name: json.loads(line.removeprefix("data: "))}
    raise AssertionError("the stream ended")


async def test_14_nothing_is_handed_over_twice(told):
    again = await told.penyalur.send(
        "POST",
        "/v1/deliveries",
        json=_handover(told, "A1") | {"proof_upload_id": await _photo(told)},
    )
    assert (again.status_code, again.json()["code"]) == (409, "over_delivery")
    second = _handover(told, "A2") | {
        "proof_upload_id": await _photo(told),
        "received_by": "representative",
        "receiver_name": "Budi",
        "receiver_relation": "suami",
    }
    assert (await told.penyalur.post("/v1/deliveries", second))["remaining"] == 0


async def test_15_the_paper_list_of_dinas_koperasi_comes_by_the_batch_door(told):
    rows = [
        {
            "id": str(uuid.uuid4()),
            "entitlement_id": told.entitled[told.tools][name],
            "quantity": 1,
            "delivered_on": clock.today().isoformat(),
        }
        for name in ("A1", "A5", "B4")
    ]
    body = {"session_id": told.sessions[told.tools], "rows": rows}
    greedy = body | {"rows": [*rows[:2], rows[2] | {"quantity": 2}]}
    refused = await told.diskop.send("POST", "/v1/deliveries/batch", json=greedy)
    assert refused.status_code == 422
    assert [each["pointer"] for each in refused.json()["errors"]] == ["#/rows/2"]
    done = await told.diskop.post("/v1/deliveries/batch", body)
    assert [each["value_idr"] for each in done["data"]] == [2_400_000] * 3


async def test_16_the_ledger_balances(told):
    books = await told.dinsos.get("/v1/ledger/accounts", program_id=told.leg, year=told.year)
    balances = {each["account"]: each["balance_idr"] for each in books["accounts"]}
    assert balances == {
        "appropriation": -1_000_000_000,
        "budget": 950_000_000,
        "unbudgeted": 0,
        "committed": 25_000_000,
        "delivered": 25_000_000,
        "returned": 0,
    }
    assert sum(balances.values()) == 0
    assert books["handed_over_idr"] == 25_000_000
    entries = await told.dinsos.get("/v1/ledger/entries", program_id=told.leg, year=told.year)
    moves = [(e["debited"], e["credited"], e["amount_idr"]) for e in entries["data"]]
    assert sorted(moves) == sorted(
        [("appropriation", "budget", 1_000_000_000)]
        + [("budget", "committed", 12_500_000)] * 4
        + [("committed", "delivered", 12_500_000)] * 2
    )
