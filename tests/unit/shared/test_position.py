import asyncio

import pytest

from services.shared.position import Position, wait_for
from services.shared.problems import Problem


async def test_a_position_already_reached_is_not_stale() -> None:
    async def reader(key: str) -> tuple[int, int] | None:
        return (1, 5) if key == "k" else None

    readers = {"a.b.state.v1": reader}
    assert await wait_for("a.b.state.v1/k/1/5", readers) is False
    assert await wait_for("a.b.state.v1/k/1/4", readers) is False
    assert await wait_for(None, readers) is False


async def test_a_position_not_reached_in_time_is_stale() -> None:
    async def reader(_key: str) -> tuple[int, int] | None:
        return (1, 5)

    assert await wait_for("a.b.state.v1/k/2/1", {"a.b.state.v1": reader}, timeout_s=0.2) is True
    assert await wait_for("other.b.state.v1/k/2/1", {"a.b.state.v1": reader}) is True


async def test_waiting_ends_as_soon_as_the_position_is_reached() -> None:
    version = 1

    async def reader(_key: str) -> tuple[int, int] | None:
        return (1, version)

    waiting = asyncio.create_task(wait_for("a.b.state.v1/k/1/2", {"a.b.state.v1": reader}))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    version = 2
    assert await asyncio.wait_for(waiting, 1) is False


def test_a_fact_has_no_version() -> None:
    assert Position.parse("a.b.sold.v1/k").reached is None


@pytest.mark.parametrize(
    "text", ["", "a", "/", "a/b/c", "a/b/1/x", "a/b/1/²", "a/b/1/2/3", "x" * 500]
)
def test_what_betang_never_gave_is_refused(text: str) -> None:
    with pytest.raises(Problem):
        Position.parse(text)
