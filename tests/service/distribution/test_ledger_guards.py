"""What the database itself refuses, whatever the code above it forgets; and twenty at once."""

import asyncio
from collections import Counter
from datetime import date
from uuid import UUID, uuid4

import asyncpg
import pytest

from tests.service.distribution.conftest import LEG_IDR, YEAR, Program, World


async def test_twenty_officers_at_once_hand_over_exactly_what_is_entitled(world: World):
    program = await world.tell_program(Program(kind="service"))
    cycle, [entitlement] = await world.entitled(program, quantity=7)
    session = await world.session(cycle["id"])
    answers = await asyncio.gather(*(world.deliver(session, entitlement["id"]) for _ in range(20)))
    codes = Counter(answer.status_code for answer in answers)
    assert codes == {201: 7, 409: 13}
    [row] = await world.entitlements(cycle["id"])
    assert (row["delivered_quantity"], row["status"]) == (7, "delivered")
    books = await world.accounts(program)
    assert books["delivered"] == (7 * LEG_IDR, 7)
    assert books["committed"] == (0, 0)


async def test_two_generations_at_once_reserve_once(world: World):
    program = await world.tell_program(Program())
    await world.recipients(program, 5)
    await world.hear()
    cycle = await world.cycle(program)
    path = f"/v1/cycles/{cycle['id']}/entitlements/generate"
    answers = await asyncio.gather(*(world.post(path, None) for _ in range(3)))
    assert sorted(answer.json()["created"] for answer in answers) == [0, 0, 5]
    assert (await world.accounts(program))["committed"] == (5 * LEG_IDR, 5)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_entries SET amount_idr = 0",
        "DELETE FROM ledger_entries",
        "UPDATE ledger_accounts SET balance_idr = 0",
        "INSERT INTO ledger_accounts VALUES (gen_random_uuid(), 2026, 'budget', 1, 0, now())",
        "UPDATE deliveries SET quantity = 1",
        "DELETE FROM deliveries",
        "DELETE FROM delivery_returns",
        "UPDATE disbursement_orders SET amount_idr = 1",
    ],
)
async def test_the_app_role_cannot_rewrite_history(world: World, statement: str):
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await world.service.db.pool.fetch(statement)


async def test_the_owner_cannot_rewrite_the_ledger_either(world: World):
    connection = await asyncpg.connect(
        world.service.urls.owner, server_settings={"search_path": "distribution"}
    )
    try:
        for statement in (
            "UPDATE ledger_entries SET amount_idr = 0",
            "TRUNCATE ledger_entries",
            "UPDATE ledger_accounts SET balance_idr = 0",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    finally:
        await connection.close()


def an_entry(program_id: UUID, **changes):
    entry = {
        "id": uuid4(),
        "program_id": program_id,
        "year": YEAR,
        "kind": "appropriate",
        "debited": "appropriation",
        "credited": "budget",
        "amount_idr": 100,
        "units": 0,
        "entitlement_id": None,
        "delivery_id": None,
        "return_id": None,
        "occurred_on": date(YEAR, 1, 1),
        "reason": None,
        "recorded_by": "test",
        **changes,
    }
    columns = ", ".join(entry)
    places = ", ".join(f"${n}" for n in range(1, len(entry) + 1))
    sql = f"INSERT INTO ledger_entries ({columns}, recorded_at) VALUES ({places}, now())"
    return sql, tuple(entry.values())


@pytest.mark.parametrize(
    "changes",
    [
        {"credited": "delivered"},
        {"amount_idr": -5},
        {"amount_idr": 0},
        {"kind": "cut", "debited": "budget", "credited": "appropriation"},
        {"kind": "reserve", "debited": "budget", "credited": "committed"},
    ],
)
async def test_an_entry_that_is_no_lawful_move_is_refused(world: World, changes):
    sql, values = an_entry(uuid4(), **changes)
    with pytest.raises(asyncpg.CheckViolationError):
        await world.service.db.pool.fetch(sql, *values)


async def test_ledger_and_entitlement_cannot_part(world: World):
    program = await world.tell_program(Program())
    _, [entitlement] = await world.entitled(program)
    sql, values = an_entry(
        program.id,
        kind="release",
        debited="committed",
        credited="budget",
        amount_idr=LEG_IDR,
        units=1,
        entitlement_id=UUID(entitlement["id"]),
    )
    with pytest.raises(asyncpg.CheckViolationError, match="disagree"):
        await world.service.db.pool.fetch(sql, *values)


async def test_an_entitlement_cannot_hold_more_than_its_quantity(world: World):
    program = await world.tell_program(Program())
    _, [entitlement] = await world.entitled(program)
    with pytest.raises(asyncpg.CheckViolationError):
        await world.service.db.pool.fetch(
            "UPDATE entitlements SET delivered_quantity = 2 WHERE id = $1",
            UUID(entitlement["id"]),
        )
