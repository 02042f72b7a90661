"""Between two real services: told again, rebuilt, stream lost, and a producer from a backup.

After each of it the consumer holds what the producer holds, nothing more and nothing less.
"""

import argparse
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest

from services.shared import cli
from services.shared.commands import Commander
from services.shared.worker import command_handlers
from tests.conftest import MakeService
from tests.service.distribution.conftest import Program, World
from tests.support import files
from tests.support.imports import ImportDesk
from tests.support.service import Broker, ServiceUnderTest
from tests.support.stack import Stack

FAMILIES = "SELECT id, region_code FROM families ORDER BY id"
HEARD_FAMILIES = "SELECT family_id AS id, region_code FROM family_facts ORDER BY 1"
PERSONS = "SELECT id FROM persons ORDER BY id"
HEARD_PERSONS = "SELECT person_id AS id FROM person_identities ORDER BY 1"
RIGHTS = """
SELECT id, status, delivered_quantity * unit_value_idr AS idr FROM entitlements ORDER BY id
"""
HEARD_RIGHTS = """
SELECT entitlement_id AS id, status, delivered_value_idr AS idr FROM entitlements ORDER BY 1
"""
HANDED = "SELECT id, quantity, value_idr FROM deliveries ORDER BY id"
HEARD_HANDED = "SELECT delivery_id AS id, quantity, value_idr FROM deliveries ORDER BY 1"
BACK = "SELECT id, quantity FROM delivery_returns ORDER BY id"
HEARD_BACK = "SELECT return_id AS id, quantity FROM returns ORDER BY 1"


@pytest.fixture
async def restored(stack: Stack, broker: Broker) -> AsyncIterator[Any]:
    """``await restored(service)``: a copy of its database now; call the result to go on with it."""
    running: list[ServiceUnderTest] = []

    async def run(name: str, urls: Any) -> ServiceUnderTest:
        service = ServiceUnderTest(name, stack, broker, urls)
        await service.start()
        running.append(service)
        return service

    class Backup:
        """A copy of a service's database; the service goes on as ``live`` meanwhile."""

        def __init__(self, service: ServiceUnderTest) -> None:
            self.service = service

        async def take(self) -> ServiceUnderTest:
            await self.service.stop()
            self.urls = await stack.backup(self.service.name, self.service.urls)
            return await run(self.service.name, self.service.urls)

        async def restore(self) -> ServiceUnderTest:
            service = await run(self.service.name, self.urls)
            await operate(service, "raise-epoch")
            return service

    yield Backup
    for service in running:
        await service.stop()


async def operate(service: ServiceUnderTest, command: str, *arguments: str) -> None:
    """Do what the shell command ``betang <command> <service>`` does, and its worker after it."""
    options = cli.parser().parse_args([command, service.name, *arguments])
    assert isinstance(options, argparse.Namespace)
    assert await options.action(options, service.db) == cli.DONE
    handlers = command_handlers(await service.relay(), await service.inbox())
    assert await Commander(service.db, handlers).run_waiting() == 1
    outcome = await service.db.pool.fetchval(
        "SELECT outcome FROM commands ORDER BY requested_at DESC LIMIT 1"
    )
    assert outcome.startswith("ok"), outcome


async def rows(service: ServiceUnderTest, sql: str) -> list[dict[str, Any]]:
    return [dict(row) for row in await service.db.pool.fetch(sql)]


async def agree(
    producer: ServiceUnderTest, consumer: ServiceUnderTest, *pairs: tuple[str, str]
) -> None:
    """Compare the producer's truth with the consumer's projection."""
    for truth, heard in pairs:
        expected = await rows(producer, truth)
        assert expected
        assert await rows(consumer, heard) == expected


async def test_programs_holds_the_families_of_registry_whatever_happens(
    make_service: MakeService, broker: Broker, restored: Any
) -> None:
    registry, programs = await make_service("registry"), await make_service("programs")
    both = ((FAMILIES, HEARD_FAMILIES), (PERSONS, HEARD_PERSONS))

    async def settle(producer: ServiceUnderTest) -> None:
        await producer.drain()
        await programs.drain()

    await (await ImportDesk(registry).open()).merged(files.opensid_csv(files.village(4)))
    await settle(registry)
    await agree(registry, programs, *both)

    await (await broker.admin()).delete_stream("REGISTRY_STATE")
    await settle(registry)
    for subscription in ("families", "identities"):
        await operate(programs, "rebuild", subscription)
    await settle(registry)
    await agree(registry, programs, *both)

    backup = restored(registry)
    live = await backup.take()
    later = files.opensid_csv(files.village(3, first=40))
    await (await ImportDesk(live).open()).merged(later)
    await settle(live)
    await agree(live, programs, *both)

    registry = await backup.restore()
    for subscription in ("families", "identities"):
        await operate(programs, "rebuild", subscription)
    await settle(registry)
    await agree(registry, programs, *both)
    assert len(await rows(programs, HEARD_FAMILIES)) == 4

    await (await ImportDesk(registry).open()).merged(later)
    await settle(registry)
    await agree(registry, programs, *both)


async def test_indicators_count_what_distribution_handed_over_whatever_happens(
    make_service: MakeService, broker: Broker, restored: Any
) -> None:
    world, indicators = World(await make_service("distribution")), await make_service("indicators")
    all_three = ((RIGHTS, HEARD_RIGHTS), (HANDED, HEARD_HANDED), (BACK, HEARD_BACK))
    (check,) = indicators.main.JOBS

    async def settle() -> None:
        await world.service.drain()
        await indicators.drain()
        await agree(world.service, indicators, *all_three)
        assert await check.run(indicators.db) == 0

    async def hand_over(right: dict[str, Any]) -> str:
        answer = await world.deliver(session, right["id"])
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    program = await world.tell_program(Program(kind="service"))
    cycle, rights = await world.entitled(program, recipients=4)
    session = await world.session(cycle["id"])
    await give_back(world, await hand_over(rights[0]))
    await hand_over(rights[1])
    await settle()

    for stream in ("DISTRIBUTION_STATE", "DISTRIBUTION_FACT"):
        await (await broker.admin()).delete_stream(stream)
    await operate(indicators, "rebuild", "distribution_facts")
    await settle()

    backup = restored(world.service)
    world.service = await backup.take()
    await hand_over(rights[2])
    await give_back(world, await hand_over(rights[3]))
    await settle()

    world.service = await backup.restore()
    for subscription in ("distribution_states", "distribution_facts"):
        await operate(indicators, "rebuild", subscription)
    await settle()
    assert len(await rows(indicators, HEARD_HANDED)) == 2
    await hand_over(rights[3])
    await settle()


async def give_back(world: World, delivery: str) -> None:
    answer = await world.post(
        f"/v1/deliveries/{delivery}/return",
        {"id": str(uuid4()), "quantity": 1, "reason": "tidak pas", "returned_on": "2026-03-11"},
    )
    assert answer.status_code in (200, 201), answer.text
