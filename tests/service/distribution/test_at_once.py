"""Many officers, the treasurer and the registry at once: the books stay right, nobody is stuck."""

import asyncio
import random
from collections import Counter
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.service.distribution.conftest import (
    LEG_IDR,
    OTHER_VILLAGE,
    VILLAGE,
    Program,
    Recipient,
    World,
)

PEOPLE, UNITS = 12, 3
BOOKS = """
SELECT sum(CASE status WHEN 'void' THEN 0 ELSE quantity - delivered_quantity END)::bigint AS open,
       sum(delivered_quantity)::bigint AS held FROM entitlements WHERE program_id = $1
"""
DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"


async def hear_moves(world: World, people: list[Recipient]) -> None:
    """Let registry move families to and fro while aid is handed to them."""
    for version in range(2, 6):
        for one in people:
            village = (VILLAGE, OTHER_VILLAGE)[version % 2]
            await world.tell_family(
                one.family_id, {one.person_id: 1}, region=village, version=version
            )
        await world.hear()


async def hear_ceilings(world: World, program: Program) -> None:
    for ceiling in (95_000_000, 60_000_000, None, 100_000_000):
        program.ceiling_idr = ceiling
        await world.tell_program(program)
        await world.hear()


@pytest.mark.parametrize("seed", [1, 2])
async def test_everybody_at_once_leaves_right_books_and_no_deadlock(world: World, seed: int):
    draw = random.Random(seed)
    program = await world.tell_program(Program(kind="service", quantity=UNITS))
    people = await world.recipients(program, PEOPLE)
    await world.hear()
    cycle = await world.cycle(program)
    path = "/v1/cycles/{}/entitlements/generate"
    assert (await world.post(path.format(cycle["id"]), None)).status_code == 200
    rights = [row["id"] for row in await world.entitlements(cycle["id"])]
    # 12 people, 3 units: 90 million of 100 are reserved; another cycle would pass the ceiling.
    other = await world.cycle(program)
    session = await world.session(cycle["id"])
    before = await world.service.db.pool.fetchval(DEADLOCKS)

    async def batch() -> Any:
        chosen = draw.sample(rights, 3)
        return await world.post(
            "/v1/deliveries/batch",
            {"session_id": session, "rows": [world.handed(one) for one in chosen]},
        )

    async def there_and_back() -> Any:
        answer = await world.deliver(session, draw.choice(rights))
        if answer.status_code != 201:
            return answer
        body = {"id": str(uuid4()), "quantity": 1, "reason": "rusak", "returned_on": "2026-03-11"}
        return await world.post(f"/v1/deliveries/{answer.json()['id']}/return", body)

    async def void() -> Any:
        right = draw.choice(rights)
        return await world.post(f"/v1/entitlements/{right}/void", {"reason": "tidak datang"})

    kinds = [batch] * 6 + [there_and_back] * 8 + [void] * 3
    draw.shuffle(kinds)
    answers = await asyncio.gather(
        *(kind() for kind in kinds),
        *(world.post(path.format(other["id"]), None) for _ in range(2)),
        hear_moves(world, people),
        hear_ceilings(world, program),
    )
    codes = Counter(answer.status_code for answer in answers if answer is not None)
    assert set(codes) <= {200, 201, 204, 409, 422}, codes
    assert await world.service.db.pool.fetchval(DEADLOCKS) == before
    await check_books(world, program)

    closing = await asyncio.gather(
        *(batch() for _ in range(3)), *(there_and_back() for _ in range(3)), close(world, cycle)
    )
    assert {answer.status_code for answer in closing} <= {200, 201, 409, 422}
    await check_books(world, program)


async def close(world: World, cycle: dict[str, Any]) -> Any:
    headers = {**world.service.auth("admin_dinsos"), "If-Match": '"1"'}
    return await world.service.client.post(
        f"/v1/cycles/{cycle['id']}/close", json={"release_rest": True}, headers=headers
    )


async def check_books(world: World, program: Program) -> None:
    """The books say what the entitlements say, and add up to zero."""
    books = await world.accounts(program)
    [row] = await world.service.db.pool.fetch(BOOKS, program.id)
    assert sum(idr for idr, _ in books.values()) == 0
    assert books["committed"] == (row["open"] * LEG_IDR, row["open"])
    delivered, returned = books["delivered"], books.get("returned", (0, 0))
    assert delivered[0] + returned[0] == row["held"] * LEG_IDR
    assert delivered[1] + returned[1] == row["held"]
    handed = await world.service.db.pool.fetchval(
        "SELECT sum(quantity)::bigint FROM deliveries WHERE program_id = $1", UUID(str(program.id))
    )
    assert delivered[1] == (handed or 0)
    assert books["budget"][0] >= 0
