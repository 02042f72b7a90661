import pytest

from tests.conftest import MakeService
from tests.service.programs.world import World


@pytest.fixture(scope="module")
async def world(make_service: MakeService) -> World:
    """Programs with a fresh database, and Dinas Sosial registered."""
    world = World(await make_service("programs"))
    await world.organisation()
    return world
