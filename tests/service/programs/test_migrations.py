"""The migrations of programs on a real PostgreSQL."""

import asyncio

import asyncpg
import pytest
from alembic import command

from services.shared import migrations
from tests.service.programs.world import World
from tests.support.stack import Stack


async def test_migrating_an_empty_database_gives_exactly_the_tables_of_the_code(
    stack: Stack,
) -> None:
    target = stack.target("programs", await stack.empty_database("programs"))
    await asyncio.to_thread(migrations.upgrade, "programs", target)
    await asyncio.to_thread(command.check, migrations.alembic_config("programs", target))


@pytest.mark.parametrize("table", ["program_log", "eligibility_rules", "enrolment_log"])
async def test_history_is_only_appended_to(world: World, table: str) -> None:
    for statement in (f"DELETE FROM {table}", f"UPDATE {table} SET version = 0"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await world.service.db.pool.fetch(statement)
