import pytest

from tests.conftest import MakeService
from tests.service.indicators.world import World


@pytest.fixture(scope="module")
async def world(make_service: MakeService) -> World:
    """Indicators with a fresh database that nobody has told anything yet."""
    return World(await make_service("indicators"))
