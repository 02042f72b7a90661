"""The catalog: organisations, a program's life with four eyes, what agencies report."""

from datetime import timedelta

from services.contracts.programs import ProgramYearV1
from services.shared import clock
from services.shared.events import CloudEvent
from tests.service.programs.builders import a_program, a_report
from tests.service.programs.world import ADMIN, OFFICER, VERIFIER, World

COLLEAGUE = OFFICER | {"subject": "rekan"}


async def test_an_organisation_is_registered_once_and_told(world: World) -> None:
    body = {"code": "DINKES", "name": "Dinas Kesehatan", "kind": "SKPD"}
    made = await world.ok("POST", "/v1/organisations", ADMIN, body)
    assert made == body | {"version": 1}
    assert await world.refused("POST", "/v1/organisations", ADMIN, body) == (
        409,
        "organisation_exists",
    )
    listed = await world.ok("GET", "/v1/organisations?kind=SKPD", OFFICER)
    assert [each["code"] for each in listed["data"]] == ["DINKES", "DINSOS"]
    told = await world.told("programs.organisation.state.v1")
    assert [row["aggregateid"] for row in told] == ["DINSOS", "DINKES"]


async def test_only_dinsos_admins_register_organisations(world: World) -> None:
    body = {"code": "LAIN", "name": "Lain-lain", "kind": "SKPD"}
    assert await world.refused("POST", "/v1/organisations", OFFICER, body) == (403, "role_missing")


async def test_a_program_goes_through_its_life_with_four_eyes(world: World) -> None:
    made = await world.ok("POST", "/v1/programs", OFFICER, a_program("HIDUP"))
    path = f"/v1/programs/{made['program_id']}"
    assert (made["status"], made["allowed_actions"]) == ("draft", ["edit", "submit"])
    proposed = await world.ok("POST", f"{path}/submit", OFFICER, {})
    assert proposed["allowed_actions"] == []
    assert await world.refused("POST", f"{path}/approve", OFFICER, {}) == (403, "same_hand")
    approved = await world.ok("POST", f"{path}/approve", VERIFIER, {})
    assert approved["status"] == "approved"
    assert (await world.ok("POST", f"{path}/activate", OFFICER, {}))["status"] == "active"
    assert await world.refused("POST", f"{path}/submit", OFFICER, {}) == (409, "wrong_status")
    assert (await world.ok("POST", f"{path}/close", OFFICER, {}))["status"] == "closed"
    told = [
        row["version"]
        for row in await world.told("programs.program.state.v1")
        if row["aggregateid"] == made["program_id"]
    ]
    assert told == [1, 2, 3, 4, 5]


async def test_a_colleague_of_the_agency_may_approve_or_give_back(world: World) -> None:
    made = await world.ok("POST", "/v1/programs", OFFICER, a_program("REKAN"))
    path = f"/v1/programs/{made['program_id']}"
    await world.ok("POST", f"{path}/submit", OFFICER, {})
    returned = await world.ok("POST", f"{path}/return", COLLEAGUE, {"note": "pagu belum ada"})
    assert returned["status"] == "draft"
    await world.ok("POST", f"{path}/submit", OFFICER, {})
    assert (await world.ok("POST", f"{path}/approve", COLLEAGUE, {}))["status"] == "approved"


async def test_an_officer_of_another_agency_may_not_touch_it(world: World) -> None:
    await world.organisation("DISDIK")
    other = {"roles": ("petugas_skpd",), "agency": "DISDIK"}
    made = await world.ok("POST", "/v1/programs", OFFICER, a_program("MILIK"))
    path = f"/v1/programs/{made['program_id']}"
    assert await world.refused("POST", f"{path}/submit", other, {}) == (403, "not_your_agency")
    assert await world.refused("POST", "/v1/programs", other, a_program("CURI")) == (
        403,
        "not_your_agency",
    )


async def test_a_draft_is_changed_with_the_etag_that_was_read(world: World) -> None:
    made = await world.ok("POST", "/v1/programs", OFFICER, a_program("UBAH"))
    path = f"/v1/programs/{made['program_id']}"
    read = await world.call("GET", path, OFFICER)
    change = {"name": "Nama baru", "sub_kegiatan": "1.06.05.02.02.0001"}
    assert await world.refused("PATCH", path, OFFICER, change) == (428, "precondition_required")
    tag = read.headers["etag"]
    edited = await world.ok("PATCH", path, OFFICER, change, **{"If-Match": tag})
    assert edited["name"] == "Nama baru"
    assert edited["sub_kegiatan"] == "1.06.05.2.02.0001"
    assert edited["sub_kegiatan_raw"] == "1.06.05.02.02.0001"
    stale = await world.refused("PATCH", path, OFFICER, change, **{"If-Match": tag})
    assert stale == (412, "precondition_failed")
    again = await world.call("GET", path, OFFICER, None, **{"If-None-Match": '"2"'})
    assert again.status_code == 304


async def test_bad_programs_are_refused_with_their_reason(world: World) -> None:
    async def code(**changes: object) -> tuple[int, str]:
        return await world.refused("POST", "/v1/programs", OFFICER, a_program("BURUK", **changes))

    line = {"year": 2026, "fund_source": "APBD_KAB", "ceiling_idr": 1, "aid_ceiling_idr": 2}
    assert await code(sub_kegiatan="1.6.5") == (422, "invalid_sub_kegiatan")
    assert await code(years=[line]) == (422, "invalid_years")
    assert await code(klaster="V") == (422, "validation_failed")
    await world.ok("POST", "/v1/programs", OFFICER, a_program("BURUK"))
    assert await code() == (409, "program_exists")
    unknown = a_program("X-1", "TAK-ADA")
    assert await world.refused("POST", "/v1/programs", ADMIN, unknown) == (
        409,
        "organisation_unknown",
    )


async def test_what_an_agency_reports_is_in_the_catalog_at_once(world: World) -> None:
    await world.hear(a_report(), agency_code="DINSOS")
    listed = await world.ok("GET", "/v1/programs?owner_code=DINSOS&status=active", OFFICER)
    (program,) = [each for each in listed["data"] if each["code"] == "KAKI-PALSU"]
    assert program["sub_kegiatan"] == "1.06.04.2.01.0003"
    assert program["sub_kegiatan_raw"] == "1.06.04.02.01.0003"
    assert program["steps"] == ["ukur", "pesan", "coba", "serah", "kontrol"]
    assert program["years"][0]["quota"] == 3


async def test_a_second_report_revises_and_an_older_one_changes_nothing(world: World) -> None:
    now = clock.now()

    async def report(name: str, minutes: int) -> None:
        event = a_report("REVISI", name=name)
        envelope = CloudEvent(
            id=f"revisi-{minutes}",
            source="skpd/dinsos",
            type=event.TYPE,
            time=(now + timedelta(minutes=minutes)).isoformat(),
            data=event.model_dump(mode="json"),
        )
        await world.service.broker.publish_bytes(
            f"events.{event.TYPE}", envelope.to_bytes(), agency_code="DINSOS"
        )
        await world.drain()

    await report("Nama pertama", -20)
    await report("Nama kedua", -10)
    await report("Nama lama", -30)
    listed = await world.ok("GET", "/v1/programs?owner_code=DINSOS", OFFICER)
    (program,) = [each for each in listed["data"] if each["code"] == "REVISI"]
    assert (program["name"], program["version"]) == ("Nama kedua", 2)


async def test_a_report_that_cannot_be_taken_is_parked_with_its_reason(world: World) -> None:
    before = len(await world.parked())
    await world.hear(a_report("ASING"), agency_code="TAK-TERDAFTAR")
    await world.hear(a_report("KODE", sub_kegiatan="salah"), agency_code="DINSOS")
    await world.hear(a_report("ORANG-LAIN"), agency_code="DINSOS", source="skpd/disdik")
    line = ProgramYearV1(year=2026, fund_source="APBN", ceiling_idr=-1)
    await world.hear(a_report("MINUS", years=(line,)), agency_code="DINSOS")
    assert (await world.parked())[before:] == [
        ("skpd-programs", "organisation_unknown"),
        ("skpd-programs", "invalid_sub_kegiatan"),
        ("skpd-programs", "source_mismatch"),
        ("skpd-programs", "invalid_years"),
    ]
    await world.hear(a_report("SESUDAH"), agency_code="DINSOS")
    listed = await world.ok("GET", "/v1/programs?owner_code=DINSOS&status=active", OFFICER)
    codes = {each["code"] for each in listed["data"]}
    assert "SESUDAH" in codes
    assert not codes & {"ASING", "KODE", "ORANG-LAIN", "MINUS"}
