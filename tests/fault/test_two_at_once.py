"""F13: two workers of every service at once, and the one that leads is killed."""

from tests.fault.conftest import Run
from tests.support.faults.checker import Databases, check_at_the_end, check_now
from tests.support.faults.journey import Journey
from tests.support.faults.load import at_work
from tests.support.faults.longhouse import Longhouse
from tests.support.faults.truths import SERVICES

FULL_ROUNDS = 50
UNCHAINED = """
SELECT (SELECT count(*) FROM audit_entries)
     - (SELECT count(*) FROM audit_chain) - (SELECT count(*) FROM audit_queue)
"""
GAPS = "SELECT coalesce(max(index), 0) - count(*) FROM audit_chain"
ROOTS = "SELECT count(*) - count(DISTINCT day) FROM audit_roots"


async def test_f13_two_workers_of_each_service_do_everything_once(
    longhouse: Longhouse, journey: Journey, databases: Databases, run: Run
) -> None:
    for number in run.rounds(FULL_ROUNDS):
        await journey.prepare()
        for service in SERVICES:
            longhouse.run_beside(service)
        async with at_work(journey):
            if number == 0:
                # The import job, too, has two workers to choose from.
                await journey.import_families(3)
            await journey.deliver()
            longhouse.succeed_workers()
            await journey.deliver()
            await journey.correct_address()
        await check_now(journey.history, databases)
        await one_unbroken_audit_chain(databases)
    await check_at_the_end(journey.history, databases)
    longhouse.all_live()


async def one_unbroken_audit_chain(databases: Databases) -> None:
    for service in SERVICES:
        for sql in (UNCHAINED, GAPS, ROOTS):
            assert await databases[service].fetchval(sql) == 0, f"{service}: {sql}"
