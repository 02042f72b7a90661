"""Whatever the order in which a year arrives, the projections end as if it came in order.

Each service is given one history: in order, backwards, and shuffled with repetitions, in batches
of any size, by one worker and by several at once. PostgreSQL is real; the stream's part is played
by the test, because no stream can be asked to reorder.
"""

import asyncio
import random
from collections.abc import Sequence
from typing import Any

import pytest

from services.contracts.distribution import EntitlementStateV1
from services.contracts.programs import ProgramStateV1, ProgramYearV1
from services.indicators.actions.tallies import check_tallies
from services.shared import parking
from services.shared.inbox import Subscription
from services.shared.settling import Settler
from services.shared.tables import TABLES
from tests.conftest import MakeService
from tests.support.history import Told, Year, parts, shuffled
from tests.support.history_events import YEAR
from tests.support.service import ServiceUnderTest

ORDERS = ("backwards", "shuffled", "shuffled again", "shuffled by four workers")
MECHANISM = {*(table.name for table in TABLES.all()), "alembic_version"}
PATH_DEPENDENT = {"ledger_entries"}
"""How a ceiling came to be what it is; the accounts, which must agree, are its sum."""
COMMIT_COLUMNS = {"updated_at", "changed_at", "created_at", "recorded_at", "counter"}
"""When a row was written, and by how many commits."""
OWN_IDS = {"cycles": {"id"}, "entitlements": {"id", "cycle_id", "version"}}
"""Ids that distribution makes itself, and how often an entitlement followed its family."""

Tables = dict[str, list[str]]


def ordered(told: Sequence[Told], order: str) -> list[Told]:
    """Return ``told`` in this order."""
    if order == "in order":
        return list(told)
    if order == "backwards":
        return list(reversed(told))
    return shuffled(list(told), random.Random(order))


async def hear(service: ServiceUnderTest, told: Sequence[Told], order: str) -> None:
    """Let the service's subscriptions settle ``told``; nothing may be parked."""
    settler = Settler(service.db)
    batches: list[tuple[Subscription, list[Told]]] = []
    for part in parts(ordered(told, order), random.Random(order)):
        for subscription in service.subscriptions():
            names = {known.TYPE for known in subscription.types}
            if mine := [each for each in part if each.event.TYPE in names]:
                batches.append((subscription, mine))
    waiting = iter(list(enumerate(batches)))

    async def work() -> None:
        for number, (subscription, batch) in waiting:
            types = {known.TYPE: known for known in subscription.types}
            items = [
                parking.read(each.delivery(1_000 * number + place), types)
                for place, each in enumerate(batch)
            ]
            generation = await settler.generation(subscription)
            assert await settler.settle(subscription, generation, items) == []

    await asyncio.gather(*(work() for _ in range(4 if "workers" in order else 1)))


async def hear_at_once(service: ServiceUnderTest, told: Sequence[Told]) -> list[str]:
    """Give each subscription one batch of all that is its own; return the codes of the parked."""
    settler = Settler(service.db)
    codes: list[str] = []
    for subscription in service.subscriptions():
        types = {known.TYPE: known for known in subscription.types}
        mine = [each for each in told if each.event.TYPE in types]
        items = [parking.read(each.delivery(place), types) for place, each in enumerate(mine)]
        generation = await settler.generation(subscription)
        parked = await settler.settle(subscription, generation, items)
        codes += [fault.code for _, fault in parked]
    return codes


async def tables(service: ServiceUnderTest, own_ids: dict[str, set[str]] | None = None) -> Tables:
    """Return every row that the service keeps, except what its mechanism keeps."""
    names = await service.db.pool.fetch(
        "SELECT tablename FROM pg_tables WHERE schemaname = $1 ORDER BY 1", service.name
    )
    found: Tables = {}
    for name in (row["tablename"] for row in names):
        if name in MECHANISM | PATH_DEPENDENT:
            continue
        hidden = COMMIT_COLUMNS | (own_ids or {}).get(name, set())
        rows = await service.db.pool.fetch(f'SELECT * FROM "{name}"')
        found[name] = sorted(
            str({key: value for key, value in row.items() if key not in hidden}) for row in rows
        )
    return found


def rows_of(found: Tables, *names: str) -> int:
    return min(len(found[name]) for name in names)


@pytest.mark.parametrize("name", ["registry", "programs", "indicators"])
async def test_a_year_in_any_order_gives_the_same_projections(
    make_service: MakeService, name: str
) -> None:
    year = Year(7).until_granted().and_its_changes().and_its_handovers()
    truth = await make_service(name)
    await hear(truth, year.history.told, "in order")
    expected = await tables(truth)
    main = {
        "registry": ("family_aid",),
        "programs": ("family_facts", "member_facts", "person_identities", "entitlement_facts"),
        "indicators": ("families", "programs", "enrolments", "aid_tallies", "returns"),
    }
    assert rows_of(expected, *main[name]) > 0
    for order in ORDERS:
        service = await make_service(name)
        await hear(service, year.history.told, order)
        assert await tables(service) == expected, order
        if name == "indicators":
            assert await check_tallies(service.db) == 0


@pytest.mark.parametrize("name", ["registry", "programs", "distribution", "indicators"])
async def test_poison_amid_a_thousand_events_is_parked_alone(
    make_service: MakeService, name: str
) -> None:
    """A number that no column holds passes the contract and fails in the handler."""
    year = Year(9, families=40).until_granted().and_its_changes().and_its_handovers()
    told = year.history.told
    assert len(told) > 1_000
    truth, service = await make_service(name), await make_service(name)
    await hear(truth, told, "in order")
    poisoned = list(told)
    for kind, wrong in ((EntitlementStateV1, "delivered_value_idr"), (ProgramStateV1, "years")):
        places = [place for place, each in enumerate(told) if isinstance(each.event, kind)]
        victim = told[places[len(places) // 2]]
        fields = {kind.KEY: year.history.new_id(), wrong: 2**63}
        if wrong == "years":
            fields[wrong] = (ProgramYearV1(year=YEAR, fund_source="DAK", ceiling_idr=2**63),)
        event = victim.event.model_copy(update=fields)
        poisoned.insert(places[len(places) // 2], Told(event, victim.epoch, victim.version))
    heard = {"registry": 1, "programs": 1, "distribution": 1, "indicators": 2}
    assert await hear_at_once(service, poisoned) == ["handler_failed"] * heard[name]
    expected, found = await tables(truth), await tables(service)
    assert found == expected
    parked = await service.db.pool.fetch("SELECT reason_code FROM parked_events")
    assert [row["reason_code"] for row in parked] == ["handler_failed"] * heard[name]


@pytest.mark.parametrize("seed", [4, 6])
async def test_entitlements_follow_families_and_enrolments_in_any_order(
    make_service: MakeService, seed: int
) -> None:
    """Distribution makes entitlements of what it has heard; then the rest comes in any order."""
    year = Year(seed).until_granted()
    before = list(year.history.told)
    after = year.and_its_changes().history.told[len(before) :]
    expected: Tables = {}
    for order in ("in order", *ORDERS):
        service = await make_service("distribution")
        await hear(service, before, order)
        await entitle(service, year)
        await hear(service, [*after, *before] if order.startswith("shuffled") else after, order)
        found = await tables(service, OWN_IDS)
        expected = expected or found
        assert rows_of(expected, "entitlements", "family_members", "ledger_accounts") > 0
        assert found == expected, order


async def entitle(service: ServiceUnderTest, year: Year) -> None:
    """Open a cycle of each program and make its entitlements, as the officers do."""
    for program in year.programs:
        opened = await service.client.post(
            "/v1/cycles",
            json={
                "program_id": str(program),
                "name": "Tahap I",
                "year": YEAR,
                "opens_on": f"{YEAR}-01-01",
                "closes_on": f"{YEAR}-12-31",
            },
            headers=service.auth(),
        )
        assert opened.status_code == 201, opened.text
        made = await service.client.post(
            f"/v1/cycles/{opened.json()['id']}/entitlements/generate", headers=service.auth()
        )
        assert made.status_code == 200, made.text
        answer: dict[str, Any] = made.json()
        assert answer["created"] == len(year.members)
