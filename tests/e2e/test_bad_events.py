"""Bad events over an agency's own NATS account: parked with a reason, the next ones are read."""

from typing import Any

import nats
import orjson
import pytest

from tests.support import files, story
from tests.support.callers import FOLLOWS_S, Caller, register_agency, reported, tell
from tests.support.system import AgencyClient, RunningSystem
from tests.support.waiting import wait_until

AGENCY, PROGRAM = "DISNAKER", "skpd.program.reported.v1"
NIK = files.nik(62_001)


@pytest.fixture(scope="module")
async def agency(running_system: RunningSystem):
    await register_agency(running_system, AGENCY, "Dinas Tenaga Kerja")
    client = await running_system.connect_agency(AGENCY)
    yield client
    await client.close()


def program(code: str, **changes: Any) -> dict[str, Any]:
    return story.leg_program(2026) | {"code": code} | changes


def bad_events(agency: AgencyClient) -> dict[str, tuple[str, bytes, str]]:
    """Return, by the reason why each is parked: its subject, its bytes, its id."""
    shape = reported(agency, program("KURSUS-1", klaster=NIK))
    version = reported(agency, program("KURSUS-2"), type="skpd.program.reported.v9")
    kind = reported(agency, program("KURSUS-3"), type="skpd.wish.reported.v1")
    foreign = reported(agency, program("KURSUS-4"), source="skpd/dinsos")
    future = reported(agency, program("KURSUS-5"), time="2999-01-01T00:00:00Z")
    return {
        "not_json": (PROGRAM, b'{"id": "' + NIK.encode(), "broken"),
        "not_json nested": (PROGRAM, b"[" * 100_000, "deep"),
        "not_cloudevent": (PROGRAM, b'{"nik": "' + NIK.encode() + b'"}', "bare"),
        "wrong_shape": (PROGRAM, orjson.dumps(shape), shape["id"]),
        "unknown_type version": (version["type"], orjson.dumps(version), version["id"]),
        "unknown_type": (kind["type"], orjson.dumps(kind), kind["id"]),
        "source_mismatch": (PROGRAM, orjson.dumps(foreign), foreign["id"]),
        "future_time": (PROGRAM, orjson.dumps(future), future["id"]),
    }


async def test_what_cannot_be_read_is_parked_with_its_reason_and_told_to_its_agency(
    running_system: RunningSystem, agency: AgencyClient
) -> None:
    notices = await agency.hear()
    bad = bad_events(agency)
    for subject, body, identifier in bad.values():
        await agency.tell(subject, body, identifier)
    await tell(agency, reported(agency, program("KURSUS-BAIK")))
    admin, integrator = Caller(running_system, "admin"), Caller(running_system, "integrator")
    await admin.until(
        "/v1/programs",
        ["KURSUS-BAIK"],
        lambda found: [each["code"] for each in found["data"]],
        owner_code=AGENCY,
    )
    parked = await _parked(integrator, count=len(bad))
    assert sorted(row["reason_code"] for row in parked) == sorted(
        reason.split()[0] for reason in bad
    )
    listed = await integrator.send("GET", "/v1/parked-events/programs", params={"limit": 200})
    assert NIK not in listed.text
    told = [await notices.next_msg(timeout=FOLLOWS_S) for _ in bad]
    assert all(NIK.encode() not in notice.data for notice in told)
    verifier = Caller(running_system, "verifikator")
    refused = await verifier.send("GET", "/v1/parked-events/programs")
    assert refused.status_code == 403


async def _parked(caller: Caller, count: int) -> list[dict[str, Any]]:
    async def enough() -> Any:
        page = await caller.get("/v1/parked-events/programs", limit=200)
        ours = [row for row in page["data"] if row["stream"] == f"IN_{AGENCY}"]
        return ours if len(ours) >= count else None

    return list(await wait_until(enough, FOLLOWS_S, what=f"{count} parked events"))


async def test_an_event_of_an_unknown_agency_waits_and_is_replayed(
    running_system: RunningSystem,
) -> None:
    late = await running_system.connect_agency("DLH")
    await tell(late, reported(late, program("BANK-SAMPAH")))
    await late.close()
    admin = Caller(running_system, "admin")

    async def parked() -> Any:
        page = await admin.get("/v1/parked-events/programs", limit=200)
        return [row for row in page["data"] if row["stream"] == "IN_DLH"]

    (event,) = await wait_until(parked, FOLLOWS_S)
    assert event["reason_code"] == "organisation_unknown"
    await register_agency(running_system, "DLH", "Dinas Lingkungan Hidup")
    await admin.post(f"/v1/parked-events/programs/{event['id']}/replay")
    await admin.until(
        "/v1/programs",
        ["BANK-SAMPAH"],
        lambda found: [each["code"] for each in found["data"]],
        owner_code="DLH",
    )


async def test_an_agency_speaks_and_hears_for_itself_alone(
    running_system: RunningSystem,
) -> None:
    denied: list[str] = []

    async def note(error: Exception) -> None:
        denied.append(str(error))

    door = await running_system.issue(AGENCY)
    intruder = await nats.connect(
        running_system.nats_url,
        user_credentials=str(door.creds),
        inbox_prefix=door.inbox_prefix.encode(),
        error_cb=note,
    )
    try:
        for subject in ("registry.family.state.v1.x", "programs.program.state.v1.x", "events"):
            await intruder.publish(subject, b"{}")
        await intruder.subscribe("registry.>")
        await intruder.subscribe("notify.dinsos.>")
        await intruder.flush()
        await wait_until(lambda: len(denied) >= 5, FOLLOWS_S, what="five refusals")
        assert all("permissions violation" in text.lower() for text in denied), denied
    finally:
        await intruder.close()
