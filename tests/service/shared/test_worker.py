import asyncio
import os
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.local import process
from deploy.local.environment import service_environment
from deploy.postgres.provision import Urls
from services.shared import cli, commands
from services.shared.db import Transaction
from services.shared.ids import new_id
from services.shared.settings import ServiceSettings
from services.shared.worker import Job, run_job, work
from tests.service.shared.conftest import Side, ThingStateV1, publish, things
from tests.support.service import Broker, environment
from tests.support.stack import Stack
from tests.support.waiting import wait_until


class ProgramsSettings(ServiceSettings):
    model_config = ServiceSettings.model_config | {"env_prefix": "PROGRAMS_"}
    service_name: str = "programs"


async def test_a_worker_handles_events_orders_and_audit_until_told_to_stop(
    shared_stack: Stack, broker: Broker, consumer: Side, monkeypatch: pytest.MonkeyPatch
) -> None:
    urls = Urls(owner=consumer.admin_url, app=consumer.db.url)
    port = process.free_port()
    values = service_environment("programs", urls, shared_stack.around(broker.server))
    with environment({**values, "PROGRAMS_METRICS_PORT": str(port)}):
        settings = ProgramsSettings()
    told: list[str] = []

    async def current(tx: Transaction) -> Any:
        told.append("again")
        return
        yield

    stop = asyncio.Event()
    working = asyncio.create_task(
        work(
            settings, service="programs", subscriptions=[things()], republishers=[current],
            jobs=[], stop=stop,
        )
    )  # fmt: skip
    try:
        poison = new_id()
        await publish(broker, ThingStateV1(thing_id=poison, label="poison"))
        await wait_until(lambda: _count_is(consumer, "parked_events", 1), 15)
        await consumer.as_admin("ALTER TABLE things DROP CONSTRAINT things_label_check")
        monkeypatch.setenv("PROGRAMS_DATABASE_URL", consumer.db.url)
        for arguments, code in (
            (["parked", "replay", "programs", "--all", "--wait", "10"], cli.DONE),
            (["republish", "programs", "--wait", "10"], cli.DONE),
            (["rebuild", "programs", "things", "--wait", "10"], cli.DONE),
            (["rebuild", "programs", "nothing", "--wait", "10"], cli.FAILED),
        ):
            assert await asyncio.to_thread(cli.main, arguments) == code
        assert told == ["again"]
        await wait_until(lambda: _count_is(consumer, "things", 1), 15)
        await wait_until(lambda: _count_is(consumer, "audit_chain", 4), 15)
        async with httpx.AsyncClient(trust_env=False) as http:
            answer = await http.get(f"http://127.0.0.1:{port}/health/ready")
            assert set(answer.json()["checks"].values()) == {"ok"}
            assert (
                "betang_consumer_lag" in (await http.get(f"http://127.0.0.1:{port}/metrics")).text
            )
    finally:
        stop.set()
        await asyncio.wait_for(working, 15)


async def test_a_job_runs_in_one_process_at_a_time(consumer: Side) -> None:
    running = most = 0

    async def slow(_db: Any) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.05)
        running -= 1

    stop = asyncio.Event()
    job = Job("slow", 0.01, slow)
    tasks = [asyncio.create_task(run_job(consumer.db, job, stop)) for _ in range(3)]
    await asyncio.sleep(0.5)
    stop.set()
    await asyncio.gather(*tasks)
    assert most == 1


async def test_an_order_of_an_unknown_name_fails_and_the_next_is_carried_out(
    consumer: Side,
) -> None:
    async def fine(argument: str | None) -> str:
        return f"did {argument}"

    async with consumer.db.transaction() as tx:
        unknown = await commands.order(tx, "nonsense", None, "ani")
        known = await commands.order(tx, "fine", "x", "ani")
    commander = commands.Commander(consumer.db, {"fine": fine})
    assert await commander.run_waiting() == 2
    assert await commands.outcome(consumer.db, unknown) == "failed unknown command"
    assert await commands.outcome(consumer.db, known) == "ok did x"


def test_the_command_line_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for name in list(os.environ):
        if name.startswith("PROGRAMS_"):
            monkeypatch.delenv(name)
    assert cli.main(["parked", "list", "programs"]) == cli.USAGE
    assert "PROGRAMS_DATABASE_URL" in capsys.readouterr().err
    assert cli.main(["audit", "verify", str(tmp_path / "no"), "--key", "no"]) == cli.FAILED
    with pytest.raises(SystemExit) as ended:
        cli.main(["nonsense"])
    assert ended.value.code == cli.USAGE


async def _count_is(side: Side, table: str, number: int) -> bool:
    return await side.count(table) == number
