"""The checker that judges all faults: it finds nothing wrong after honest work, and each sabotage.

Every sabotage is done to the real databases after a real journey, in a transaction that is rolled
back, with triggers and constraints switched off: this is what a bug of ours could have left.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import asyncpg
import httpx
import pytest

from tests.support.faults.checker import (
    Databases,
    check_at_the_end,
    check_now,
    flows,
    violations_now,
    violations_of_hearing,
)
from tests.support.faults.history import History, Outcome, outcome_of
from tests.support.faults.journey import Journey
from tests.support.faults.longhouse import Longhouse

ONE_DELIVERY = "(SELECT id FROM deliveries WHERE agency IS NULL ORDER BY id LIMIT 1)"
ONE_FAMILY = "(SELECT family_id FROM families ORDER BY 1 LIMIT 1)"
LIVE = "status IN ('proposed','granted','suspended')"

SABOTAGE = {
    "a delivery that was acknowledged is lost": (
        "distribution",
        f"DELETE FROM deliveries WHERE id = {ONE_DELIVERY}",
        "acknowledged, but not there",
    ),
    "an enrolment that was acknowledged is lost": (
        "programs",
        "DELETE FROM enrolments",
        "acknowledged, but not there",
    ),
    "an agency's event that was acknowledged is lost": (
        "programs",
        "DELETE FROM inbox",
        "acknowledged, but not there",
    ),
    "a session is planned twice": (
        "distribution",
        (
            "INSERT INTO sessions SELECT gen_random_uuid(), cycle_id, place, region_code, held_on,"
            " officer, status, version, created_by, created_at FROM sessions LIMIT 1"
        ),
        "one call, several effects",
    ),
    "a correction that nobody made": (
        "registry",
        (
            'UPDATE audit_payloads SET payload = \'{"reason": "koreksi sendiri"}\''
            " WHERE entry_id IN (SELECT id FROM audit_entries WHERE action = 'correct_domicile')"
        ),
        "nobody asked for it",
    ),
    "a family is enrolled twice": (
        "programs",
        (
            "INSERT INTO enrolments SELECT (json_populate_record(e, json_build_object("
            "'enrolment_id', gen_random_uuid()))).* FROM enrolments AS e LIMIT 1"
        ),
        "an enrolment is live twice",
    ),
    "an enrolment is entitled twice": (
        "distribution",
        (
            "INSERT INTO entitlements SELECT (json_populate_record(e, json_build_object('id',"
            " gen_random_uuid()))).* FROM entitlements AS e LIMIT 1"
        ),
        "an enrolment is entitled twice in a cycle",
    ),
    "a delivery counts twice in its entitlement": (
        "distribution",
        (
            "UPDATE entitlements SET delivered_quantity = delivered_quantity + 1"
            " WHERE delivered_quantity > 0"
        ),
        "more or less was handed over than the entitlement says",
    ),
    "a delivery is posted twice": (
        "distribution",
        (
            "INSERT INTO ledger_entries SELECT (json_populate_record(l, json_build_object('id',"
            " gen_random_uuid()))).* FROM ledger_entries AS l WHERE kind = 'deliver' LIMIT 1"
        ),
        "a delivery was not posted exactly once",
    ),
    "a return is not posted": (
        "distribution",
        "DELETE FROM ledger_entries WHERE kind = 'return'",
        "a return was not posted exactly once",
    ),
    "an entitlement is not reserved": (
        "distribution",
        "DELETE FROM ledger_entries WHERE kind = 'reserve'",
        "an entitlement was not reserved exactly once",
    ),
    "one side of the books is wrong by a rupiah": (
        "distribution",
        "UPDATE ledger_accounts SET balance_idr = balance_idr + 1 WHERE account = 'delivered'",
        "debits and credits differ",
    ),
    "an entry is missing under the balances": (
        "distribution",
        "DELETE FROM ledger_entries WHERE kind = 'appropriate'",
        "a balance is not the sum of its entries",
    ),
    "an entitlement is void and still committed": (
        "distribution",
        "UPDATE entitlements SET status = 'void'",
        "what is committed is not what is still due",
    ),
}
"""What was done to which database, and the rule that must find it, at any moment."""

UNHEARD = {
    "a consumer lacks a family": (
        "indicators",
        f"DELETE FROM families WHERE family_id = {ONE_FAMILY}",
        "events in are not effects + parked",
    ),
    "a consumer keeps a family that nobody told": (
        "programs",
        (
            "INSERT INTO family_facts (family_id, household_id, region_code, current, ranks,"
            " dwelling, synthetic, epoch, version) SELECT gen_random_uuid(), household_id,"
            " region_code, current, ranks, dwelling, synthetic, epoch, version FROM family_facts"
            " LIMIT 1"
        ),
        "events in are not effects + parked",
    ),
    "a consumer stays at an older state": (
        "distribution",
        "UPDATE enrolments SET version = version - 1",
        "events in are not effects + parked",
    ),
    "a consumer keeps another content of the same version": (
        "distribution",
        "UPDATE enrolments SET status = 'ended'",
        "enrolments in distribution: missing",
    ),
    "a fact is noted and has no effect": (
        "indicators",
        "DELETE FROM deliveries",
        "events in are not effects + parked",
    ),
    "a fact has an effect and is not noted": (
        "indicators",
        "DELETE FROM inbox WHERE consumer = 'distribution_facts'",
        "events in are not effects + parked",
    ),
    "a delivery counts twice in the tallies": (
        "indicators",
        "UPDATE aid_tallies SET delivered_idr = 2 * delivered_idr",
        "rupiah handed over, counted by indicators: missing",
    ),
    "a family's name for its members' numbers is another one": (
        "distribution",
        "UPDATE persons SET nik_masked = 'x'",
        "persons in distribution: missing",
    ),
}
"""The same for what consumers keep."""


@pytest.fixture(scope="module", autouse=True)
async def honest_work(journey: Journey, databases: Databases) -> None:
    """Everything has happened once, and nothing is on its way."""
    await journey.deliver()
    await journey.deliver()
    await journey.give_back()
    await journey.correct_address()
    await journey.report_delivery()
    await check_at_the_end(journey.history, databases)


@asynccontextmanager
async def sabotaged(
    longhouse: Longhouse, databases: Databases, service: str, statement: str
) -> AsyncIterator[Databases]:
    """Do ``statement`` to a database, past its guards, and take it back."""
    name = longhouse.urls[service].owner.rsplit("/", 1)[1]
    server = longhouse.stack.postgres.url().rsplit("/", 1)[0]
    connection = await asyncpg.connect(f"{server}/{name}", server_settings={"search_path": service})
    try:
        # Constraints that cannot be switched off are dropped, with the rest rolled back.
        await connection.execute("BEGIN; SET LOCAL session_replication_role = replica")
        for row in await connection.fetch(
            "SELECT conrelid::regclass AS place, conname FROM pg_constraint"
            " WHERE connamespace = current_schema::regnamespace AND contype IN ('u', 'c', 'x')"
        ):
            drop = 'ALTER TABLE {} DROP CONSTRAINT "{}" CASCADE'
            await connection.execute(drop.format(row["place"], row["conname"]))
        for row in await connection.fetch(
            "SELECT indexrelid::regclass AS name FROM pg_index JOIN pg_class ON oid = indexrelid"
            " WHERE relnamespace = current_schema::regnamespace AND indisunique"
            " AND NOT indisprimary"
        ):
            await connection.execute(f"DROP INDEX {row['name']}")
        assert (await connection.execute(statement)).split()[-1] != "0", "nothing was sabotaged"
        yield {**databases, service: connection}
    finally:
        await connection.execute("ROLLBACK")
        await connection.close()


async def test_after_honest_work_nothing_is_wrong(journey: Journey, databases: Databases) -> None:
    await check_now(journey.history, databases)
    balance = await flows(databases)
    assert all(flow.adds_up and flow.told for flow in balance), balance
    assert any(flow.superseded for flow in balance)


@pytest.mark.parametrize("what", SABOTAGE)
async def test_it_finds_what_breaks_a_promise(
    longhouse: Longhouse, journey: Journey, databases: Databases, what: str
) -> None:
    service, statement, rule = SABOTAGE[what]
    async with sabotaged(longhouse, databases, service, statement) as broken:
        found = [
            *await violations_now(journey.history, broken),
            *await violations_of_hearing(journey.history, broken),
        ]
    assert rule in {each.rule for each in found}, found


@pytest.mark.parametrize("what", UNHEARD)
async def test_it_finds_what_a_consumer_did_not_hear(
    longhouse: Longhouse, journey: Journey, databases: Databases, what: str
) -> None:
    service, statement, rule = UNHEARD[what]
    async with sabotaged(longhouse, databases, service, statement) as broken:
        found = await violations_of_hearing(journey.history, broken)
        with pytest.raises(AssertionError, match=rule.replace("+", r"\+")):
            await check_at_the_end(journey.history, broken, within_s=0)
    assert rule in {each.rule for each in found}, found


async def test_it_finds_a_refused_call_that_was_done(databases: Databases) -> None:
    (done,) = await databases["distribution"].fetch("SELECT id FROM deliveries LIMIT 1")
    history = History("refused")
    history.end(history.invoke("penyalur", "delivery", done["id"]), Outcome.FAIL, "409")
    found = await violations_now(history, databases, alone=False)
    assert [each.rule for each in found] == ["refused, but done"]


@pytest.mark.parametrize("was_done", [True, False])
async def test_an_unknown_call_may_have_been_done_or_not(
    databases: Databases, *, was_done: bool
) -> None:
    (done,) = await databases["distribution"].fetch("SELECT id FROM deliveries LIMIT 1")
    history = History("unknown")
    history.invoke("penyalur", "delivery", done["id"] if was_done else uuid4())
    assert await violations_now(history, databases, alone=False) == []


async def test_it_refuses_a_kind_of_call_that_it_cannot_judge(databases: Databases) -> None:
    history = History("typo")
    history.end(history.invoke("penyalur", "delivry", uuid4()), Outcome.OK)
    with pytest.raises(LookupError, match="delivry"):
        await violations_now(history, databases)


@pytest.mark.parametrize(
    ("status", "code", "outcome"),
    [
        (201, "", Outcome.OK),
        (409, "over_delivery", Outcome.FAIL),
        (409, "idempotency_in_progress", Outcome.UNKNOWN),
        (408, "", Outcome.UNKNOWN),
        (429, "too_many_requests", Outcome.FAIL),
        (500, "internal_error", Outcome.UNKNOWN),
        (503, "unavailable", Outcome.UNKNOWN),
    ],
)
def test_an_answer_means_what_the_client_may_conclude(
    status: int, code: str, outcome: Outcome
) -> None:
    assert outcome_of(httpx.Response(status, json={"code": code})) is outcome


async def test_no_answer_is_unknown_and_the_file_tells_the_story(tmp_path) -> None:
    async def cut() -> httpx.Response:
        raise httpx.ReadError("cut")

    async def good() -> httpx.Response:
        return httpx.Response(201, json={})

    history = History("cut", seed=7)
    assert await history.http("penyalur", "delivery", "one", cut) is None
    assert history.outcomes() == {("delivery", "one"): Outcome.UNKNOWN}
    await history.http("penyalur", "delivery", "one", good)
    assert history.outcomes() == {("delivery", "one"): Outcome.OK}
    first, second = history.keep(tmp_path), history.keep(tmp_path)
    assert first != second
    phases = [line.split('"phase":"')[1].split('"')[0] for line in first.read_text().splitlines()]
    assert phases == ["begin", "invoke", "unknown", "invoke", "ok"]
