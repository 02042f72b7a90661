"""The tables of all four services: history that only grows, the way back, any schema's name."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from alembic import command
from alembic.script import ScriptDirectory

from services.shared import migrations
from tests.conftest import MakeService
from tests.property.test_any_order import entitle, hear
from tests.support.history import Year
from tests.support.service import Broker, ServiceUnderTest
from tests.support.stack import Stack

SERVICES = ("registry", "programs", "distribution", "indicators")
EVERYWHERE = {"audit_entries", "audit_chain", "audit_roots"}
ONLY_GROWS = {
    "registry": {"family_conditions", "person_conditions", "pii_access_log"},
    "programs": {"program_log", "eligibility_rules", "enrolment_log"},
    "distribution": {
        "deliveries", "delivery_returns", "disbursement_orders", "ledger_accounts",
        "ledger_entries",
    },
    "indicators": {"official_statistics", "targets", "publications", "expected_sources"},
}  # fmt: skip
"""Tables whose rows the service itself can neither change nor delete, by hand."""
SCHEMA = "kotim_x"


@pytest.mark.parametrize("name", SERVICES)
async def test_the_service_can_add_to_its_history_and_change_nothing(
    make_service: MakeService, name: str
) -> None:
    service = await make_service(name)
    rows = await service.db.pool.fetch(
        "SELECT tablename, has_table_privilege(quote_ident(tablename), 'INSERT') AS adds,"
        " has_table_privilege(quote_ident(tablename), 'UPDATE, DELETE, TRUNCATE') AS changes,"
        " has_any_column_privilege(quote_ident(tablename), 'UPDATE') AS changes_columns"
        " FROM pg_tables WHERE schemaname = current_schema()"
    )
    kept = {row["tablename"] for row in rows if not (row["changes"] or row["changes_columns"])}
    assert kept == ONLY_GROWS[name] | EVERYWHERE | {"alembic_version"}
    assert {row["tablename"] for row in rows if not row["adds"]} == {"alembic_version"}
    for table in sorted(kept):
        for statement in (f"DELETE FROM {table}", f"TRUNCATE {table}"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await service.db.pool.fetch(statement)


@pytest.mark.parametrize("name", SERVICES)
async def test_every_later_migration_has_a_way_back(stack: Stack, name: str) -> None:
    target = stack.target(name, await stack.empty_database(name))
    config = migrations.alembic_config(name, target)
    await asyncio.to_thread(migrations.upgrade, name, target)
    for revision in ScriptDirectory.from_config(config).walk_revisions():
        if revision.down_revision is None:
            break
        await asyncio.to_thread(command.downgrade, config, "-1")
    await asyncio.to_thread(migrations.upgrade, name, target)
    await asyncio.to_thread(command.check, config)


@pytest.fixture(scope="module", params=SERVICES)
async def elsewhere(
    request: pytest.FixtureRequest, stack: Stack, broker: Broker
) -> AsyncIterator[ServiceUnderTest]:
    """A service whose tables lie in a schema of another name, as on a shared cluster."""
    name = request.param
    urls = await stack.empty_database(name)
    target = migrations.Target(urls.owner, SCHEMA, f"{name}_app")
    await asyncio.to_thread(migrations.upgrade, name, target)
    service = ServiceUnderTest(name, stack, broker, urls, SCHEMA)
    await service.start()
    yield service
    await service.stop()


async def test_a_service_works_in_a_schema_of_any_name(elsewhere: ServiceUnderTest) -> None:
    year = Year(3).until_granted()
    await hear(elsewhere, year.history.told, "in order")
    if elsewhere.name == "distribution":
        await entitle(elsewhere, year)
    for subscription in elsewhere.subscriptions():
        if subscription.reset is not None:
            await (await elsewhere.inbox()).rebuild(subscription.name)
    await (await elsewhere.relay()).republish()
    await elsewhere.drain()
    for path in sorted(elsewhere.app.openapi()["paths"]):
        if "{" not in path and path.startswith("/v1/") and not path.endswith("/stream"):
            answer = await elsewhere.client.get(path, headers=elsewhere.auth(agency="DINSOS"))
            assert answer.status_code < 500, (path, answer.text)
    found = await elsewhere.db.pool.fetch(
        "SELECT DISTINCT schemaname FROM pg_tables"
        " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
    )
    assert [row["schemaname"] for row in found] == [SCHEMA]
