"""Indicators' migrations on a real PostgreSQL."""

import asyncio

import asyncpg
import pytest
from alembic import command

from services.shared import migrations
from tests.service.indicators.world import World
from tests.support.stack import Stack


async def test_migrating_an_empty_database_gives_exactly_the_tables_of_the_code(stack: Stack):
    target = stack.target("indicators", await stack.empty_database("indicators"))
    await asyncio.to_thread(migrations.upgrade, "indicators", target)
    await asyncio.to_thread(command.check, migrations.alembic_config("indicators", target))


@pytest.mark.parametrize(
    "table", ["official_statistics", "targets", "publications", "expected_sources"]
)
async def test_recorded_figures_can_be_neither_changed_nor_deleted(world: World, table: str):
    for statement in (f"DELETE FROM {table}", f"UPDATE {table} SET recorded_by = ''"):
        with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.UndefinedColumnError)):
            await world.service.db.pool.fetch(statement)
