"""F4: kill -9 of NATS under load. Nothing acknowledged is lost; writes are answered meanwhile."""

import uuid

from services.shared import clock
from tests.fault.conftest import Run
from tests.support.faults.checker import check_at_the_end, check_now
from tests.support.faults.journey import Journey
from tests.support.faults.load import at_work, calls_answered
from tests.support.faults.strained import StrainedHouse

FULL_ROUNDS = 20


async def test_f4_nats_is_killed_under_load(
    longhouse: StrainedHouse, journey: Journey, run: Run
) -> None:
    databases = await longhouse.databases()
    for _ in run.rounds(FULL_ROUNDS):
        async with at_work(journey):
            await calls_answered(journey, 10)
            await longhouse.kill_nats()
            await still_written(longhouse, journey)
            await longhouse.start_nats()
            await calls_answered(journey, 10)
        await check_now(journey.history, databases)
    await check_at_the_end(journey.history, databases)
    longhouse.all_live()


async def still_written(longhouse: StrainedHouse, journey: Journey) -> None:
    """Write at each producer, once and without a second try: the outbox takes it."""
    code = f"ORG-{uuid.uuid4().hex[:8].upper()}"
    organisation = {"code": code, "name": "Organisasi contoh", "kind": "BAZNAS"}
    asked = [("admin_dinsos", "organisation", code, "/v1/organisations", organisation)]
    session = {"cycle_id": journey.stages[-1].cycle, "place": f"Balai {code}", "officer": "Siti"}
    session["held_on"] = clock.today().isoformat()
    asked.append(("petugas_skpd", "session", session["place"], "/v1/sessions", session))
    for role, what, key, path, body in asked:
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        answer = await journey._call(role, what, key, "POST", path, json=body, headers=headers)
        assert answer is not None
        assert answer.status_code == 201, answer.text
