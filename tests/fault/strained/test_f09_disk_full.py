"""F9: no space left: JetStream's disk, then that of a database. Refused, not lost; no repair.

Of JetStream a restart is needed, see below; nothing is done by hand to data.
"""

import uuid

import httpx

from services.shared import clock
from tests.fault.conftest import Run
from tests.support.faults.checker import check_at_the_end, check_now
from tests.support.faults.journey import Journey
from tests.support.faults.load import at_work, calls_answered
from tests.support.faults.strained import StrainedHouse
from tests.support.waiting import wait_until

FULL_ROUNDS = 20
WITHIN_S = 90
WAITING = "SELECT count(*) FROM outbox WHERE published_at IS NULL AND attempts > 0"


async def test_f9_the_disk_of_jetstream_is_full(
    longhouse: StrainedHouse, journey: Journey, run: Run
) -> None:
    longhouse.jetstream_disk.needed()
    databases = await longhouse.databases()

    async def refused() -> bool:
        return any([await databases[name].fetchval(WAITING) for name in databases])

    for _ in run.rounds(FULL_ROUNDS):
        async with at_work(journey):
            longhouse.jetstream_disk.fill()
            try:
                await wait_until(refused, WITHIN_S, what="the relay met the full disk")
                await check_now(journey.history, databases)
            finally:
                longhouse.jetstream_disk.free()
            # nats-server 2.15 refuses for ever what it could not write once, until it is started
            # again: the one step of the runbook, and of whoever restarts what is not healthy.
            await longhouse.kill_nats()
            await longhouse.start_nats()
        await check_at_the_end(journey.history, databases)
    longhouse.all_live()


async def test_f9_the_disk_of_a_database_is_full(
    longhouse: StrainedHouse, journey: Journey, run: Run
) -> None:
    longhouse.database_disk.needed()
    databases = await longhouse.databases()

    async def refuses() -> bool:
        answer = await write_once(journey)
        return answer.status_code == 503

    async def takes() -> bool:
        return (await write_once(journey)).is_success

    for _ in run.rounds(FULL_ROUNDS):
        longhouse.database_disk.fill()
        try:
            await wait_until(refuses, WITHIN_S, what="a table cannot grow")
        finally:
            longhouse.database_disk.free()
        await wait_until(takes, WITHIN_S, what="writes go on by themselves")
        async with at_work(journey):
            await calls_answered(journey, 5)
        await check_now(journey.history, databases)
    await check_at_the_end(journey.history, databases)
    longhouse.all_live()


async def write_once(journey: Journey) -> httpx.Response:
    """Write once, without a second try."""
    place = f"Balai {uuid.uuid4()}"
    body = {"cycle_id": journey.stages[-1].cycle, "place": place, "officer": "Siti"}
    body["held_on"] = clock.today().isoformat()
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    answer = await journey._call(
        "petugas_skpd", "session", place, "POST", "/v1/sessions", json=body, headers=headers
    )
    assert answer is not None
    return answer
