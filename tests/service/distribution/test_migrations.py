"""Distribution's migrations on a real PostgreSQL."""

import asyncio

from alembic import command

from services.shared import migrations
from tests.support.stack import Stack


async def test_migrating_an_empty_database_gives_exactly_the_tables_of_the_code(stack: Stack):
    target = stack.target("distribution", await stack.empty_database("distribution"))
    await asyncio.to_thread(migrations.upgrade, "distribution", target)
    await asyncio.to_thread(command.check, migrations.alembic_config("distribution", target))
