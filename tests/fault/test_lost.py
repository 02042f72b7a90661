"""F5: streams, consumers, the whole store of NATS, or a producer's newest days are lost.

PostgreSQL is the truth: afterwards all services hold exactly the right state.
"""

import asyncio
import shutil
import signal

from deploy.local import nats
from deploy.local import process as local
from services.shared import commands
from tests.fault.conftest import Run
from tests.support.faults.checker import Databases, check_at_the_end, check_now
from tests.support.faults.journey import Journey
from tests.support.faults.load import at_work
from tests.support.faults.longhouse import Longhouse
from tests.support.faults.truths import EFFECTS, SERVICES

STREAMS = (
    "DISTRIBUTION_FACT",
    "PROGRAMS_STATE",
    "REGISTRY_STATE",
    "DISTRIBUTION_STATE",
    "REGISTRY_IDENTITY",
)
RESTORED = ("distribution", "programs", "registry")
FULL_ROUNDS, RESTORES = 20, 6


async def rebuild_everything(longhouse: Longhouse) -> None:
    """Let every service read all streams anew: what a stream lost for good would show."""
    await asyncio.gather(
        *(longhouse.order(each, commands.REBUILD, commands.EVERY) for each in SERVICES)
    )


async def work_of_all(journey: Journey) -> None:
    """Let each service tell something."""
    await journey.correct_address()
    await journey.enrol()
    await journey.deliver()
    await journey.give_back()


async def test_f5_a_stream_is_deleted_under_load(
    longhouse: Longhouse, journey: Journey, databases: Databases, run: Run
) -> None:
    for number in run.rounds(FULL_ROUNDS):
        stream = STREAMS[number % len(STREAMS)]
        await journey.prepare()
        async with at_work(journey):
            await (await longhouse.broker.admin()).delete_stream(stream)
            await work_of_all(journey)
        await check_now(journey.history, databases)
    await check_at_the_end(journey.history, databases)
    await rebuild_everything(longhouse)
    await check_at_the_end(journey.history, databases)


async def test_f5_all_consumers_of_a_stream_are_lost(
    longhouse: Longhouse, journey: Journey, databases: Databases, run: Run
) -> None:
    admin = await longhouse.broker.admin()
    for number in run.rounds(FULL_ROUNDS):
        await journey.prepare()
        stream = (*STREAMS, "IN_DINSOS")[number % (len(STREAMS) + 1)]
        async with at_work(journey):
            for consumer in await admin.consumers_info(stream):
                await admin.delete_consumer(stream, consumer.name)
            await work_of_all(journey)
        await check_now(journey.history, databases)
    await check_at_the_end(journey.history, databases)


async def test_f5_the_store_of_nats_is_lost(
    longhouse: Longhouse, journey: Journey, databases: Databases, run: Run
) -> None:
    for _ in run.rounds(full=5, short=1):
        await journey.prepare()
        await work_of_all(journey)
        # What agencies said is in no database before it is heard: a lost store loses it.
        await check_at_the_end(journey.history, databases)
        steps = (journey.deliver, journey.correct_address, journey.enrol)
        working = asyncio.gather(*(step() for step in steps * 2))
        await lose_the_store(longhouse)
        await working
        await longhouse.broker.issue_agency("DINSOS")
        await check_now(journey.history, databases)
    await rebuild_everything(longhouse)
    await check_at_the_end(journey.history, databases)


async def lose_the_store(longhouse: Longhouse) -> None:
    """Kill NATS, remove its streams, and start it again where it was."""
    old = longhouse.broker.server
    state = old.authority.folder.parent
    await asyncio.to_thread(local.stop, old.process, with_signal=signal.SIGKILL)
    shutil.rmtree(state / "jetstream")
    longhouse.broker.server = await asyncio.to_thread(
        nats.start, state, port=old.port, monitor_port=old.monitor_port
    )


async def test_f5_a_producer_goes_on_from_an_old_backup(
    longhouse: Longhouse, journey: Journey, databases: Databases, run: Run
) -> None:
    for number in run.rounds(RESTORES, short=len(RESTORED)):
        service = RESTORED[number % len(RESTORED)]
        await journey.prepare()
        backup, since = await longhouse.backup(service), len(journey.history.calls)
        for _ in range(2):
            await work_of_all(journey)
        await longhouse.restore(service, backup)
        own = {kind for kind, (owner, _) in EFFECTS.items() if owner == service}
        # Agencies' events are in their streams still, and are heard again.
        journey.history.forget(own - {"report", "report of delivery"}, since)
        await check_at_the_end(journey.history, databases)
        await journey.look_again()
        await journey.entitle()
        await work_of_all(journey)
        await check_at_the_end(journey.history, databases)
