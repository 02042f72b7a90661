"""Random sequences against the real database: the smaller sister of the pure property test."""

from uuid import uuid4

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.service.distribution.conftest import LEG_IDR, Program, World

OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("deliver"), st.integers(0, 1), st.integers(1, 3)),
        st.tuples(st.just("return"), st.integers(0, 5), st.integers(1, 3)),
        st.tuples(st.just("void"), st.integers(0, 1), st.just(0)),
        st.tuples(st.just("ceiling"), st.integers(0, 8), st.just(0)),
    ),
    min_size=4,
    max_size=14,
)


class Naive:
    """What must be true, counted the simple way."""

    def __init__(self, entitlements):
        self.ids = [row["id"] for row in entitlements]
        self.quantity = [row["quantity"] for row in entitlements]
        self.held = [0 for _ in entitlements]
        self.void = [False for _ in entitlements]
        self.deliveries: list[list] = []

    def rest(self, which):
        return 0 if self.void[which] else self.quantity[which] - self.held[which]


@settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
)
@given(operations=OPERATIONS)
async def test_whatever_happens_the_books_say_what_people_hold(world: World, operations):
    program = await world.tell_program(Program(kind="service", ceiling_idr=20 * LEG_IDR))
    cycle, rows = await world.entitled(program, recipients=2, quantity=4)
    session = await world.session(cycle["id"])
    naive = Naive(rows)
    for kind, which, quantity in operations:
        await {"deliver": deliver, "return": give_back, "void": void, "ceiling": ceiling}[kind](
            world, naive, which, quantity, session=session, program=program
        )
    seen = {row["id"]: row for row in await world.entitlements(cycle["id"])}
    for place, id_ in enumerate(naive.ids):
        assert seen[id_]["delivered_quantity"] == naive.held[place]
        assert seen[id_]["remaining"] == naive.rest(place)
    books = await world.accounts(program)
    assert sum(idr for idr, _ in books.values()) == 0
    assert sum(units for _, units in books.values()) == 0
    assert books["committed"] == (
        LEG_IDR * sum(naive.rest(n) for n in (0, 1)),
        sum(naive.rest(n) for n in (0, 1)),
    )
    assert books["delivered"][1] + books["returned"][1] == sum(naive.held)
    lines = await world.service.db.pool.fetch(
        "SELECT account, sum(idr)::bigint AS idr FROM ("
        " SELECT credited AS account, amount_idr AS idr FROM ledger_entries WHERE program_id = $1"
        " UNION ALL"
        " SELECT debited, -amount_idr FROM ledger_entries WHERE program_id = $1) AS l GROUP BY 1",
        program.id,
    )
    added = {row["account"]: row["idr"] for row in lines}
    assert {name: added.get(name, 0) for name in books} == {
        name: idr for name, (idr, _) in books.items()
    }


async def deliver(world, naive, which, quantity, *, session, **_):
    answer = await world.deliver(session, naive.ids[which], quantity)
    if quantity <= naive.rest(which):
        assert answer.status_code == 201, answer.text
        naive.held[which] += quantity
        naive.deliveries.append([answer.json()["id"], which, quantity])
    else:
        assert answer.status_code == 409


async def give_back(world, naive, which, quantity, **_):
    if not naive.deliveries:
        return
    one = naive.deliveries[which % len(naive.deliveries)]
    answer = await world.post(
        f"/v1/deliveries/{one[0]}/return",
        {
            "id": str(uuid4()),
            "quantity": quantity,
            "reason": "rusak di jalan",
            "returned_on": "2026-04-01",
        },
    )
    if quantity <= one[2]:
        assert answer.status_code == 201, answer.text
        one[2] -= quantity
        naive.held[one[1]] -= quantity
    else:
        assert answer.status_code == 409


async def void(world, naive, which, _quantity, **_):
    answer = await world.post(f"/v1/entitlements/{naive.ids[which]}/void", {"reason": "pindah"})
    if naive.rest(which) == 0:
        assert answer.status_code == 409
        return
    assert answer.status_code == 200, answer.text
    if naive.held[which] == 0:
        naive.void[which] = True
    else:
        naive.quantity[which] = naive.held[which]


async def ceiling(world, _naive, which, _quantity, *, program, **_):
    program.ceiling_idr = None if which == 0 else which * LEG_IDR
    await world.tell_program(program)
    await world.hear()
