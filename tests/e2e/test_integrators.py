"""The integrator guide's examples do what the guide says, as programs of somebody else."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.callers import FOLLOWS_S, Caller, register_agency
from tests.support.faults.proxy import CHUNK, Proxy
from tests.support.system import RunningSystem
from tests.support.waiting import wait_until

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"
AGENCY = "DISHUB"
"""An agency of this module alone."""


async def run(*command: str, **environment: str) -> str:
    """Run an example as its reader would; return what it printed."""
    code, printed, complained = await ended(await started(*command, **environment))
    assert code == 0, complained
    return printed


async def started(*command: str, **environment: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *command,
        env={"PATH": os.environ["PATH"], **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def ended(process: asyncio.subprocess.Process) -> tuple[int | None, str, str]:
    """Wait for its end; return its exit code, what it printed and what it complained of."""
    printed, complained = await asyncio.wait_for(process.communicate(), timeout=60)
    return process.returncode, printed.decode(), complained.decode()


@pytest.fixture(scope="module")
async def stored(running_system: RunningSystem) -> str:
    """What the agency's example printed after it published a program."""
    await register_agency(running_system, AGENCY, "Dinas Perhubungan")
    door = await running_system.issue(AGENCY)
    return await run(
        sys.executable, str(EXAMPLES / "agency.py"), "ANGKUTAN", "Angkutan sekolah gratis",
        NATS_URL=running_system.nats_url, CREDS=str(door.creds), AGENCY=AGENCY,
    )  # fmt: skip


async def test_an_agency_publishes_a_program_and_it_stands_in_the_catalog(
    running_system: RunningSystem, stored: str
) -> None:
    assert stored.startswith("stored as number ")
    admin = Caller(running_system, "admin")

    async def listed() -> bool:
        programs = await admin.get("/v1/programs", owner_code=AGENCY)
        return [program["code"] for program in programs["data"]] == ["ANGKUTAN"]

    await wait_until(listed, within_s=20)


async def test_a_government_system_reads_the_feed_and_goes_on_where_it_stopped(
    running_system: RunningSystem, stored: str
) -> None:
    environment = {
        "GATEWAY": running_system.gateway_url,
        "TOKEN": running_system.token("integrator"),
    }
    example = str(EXAMPLES / "change_feed.py")

    async def told() -> str:
        printed = await run(sys.executable, example, **environment)
        return printed if "programs.program.state.v1" in printed else ""

    printed = await wait_until(told, within_s=20)
    *events, last = printed.splitlines()
    assert any(line.startswith("programs.organisation.state.v1") for line in events)
    position = last.removeprefix("next ")
    again = await run(sys.executable, example, position, **environment)
    assert not set(again.splitlines()) & set(events)


async def test_a_frontend_makes_its_first_calls(running_system: RunningSystem) -> None:
    printed = await run(
        "sh", str(EXAMPLES / "frontend.sh"),
        GATEWAY=running_system.gateway_url, TOKEN=running_system.token("admin"),
    )  # fmt: skip
    me, regions, code_lists, families = (line for line in printed.splitlines() if line)
    assert '"roles":["admin_dinsos"]' in me
    assert '"parent_code":"62.02"' in regions
    assert '"scheme":"regsosek"' in code_lists
    assert families.startswith('{"data":')


class Forgetful(Proxy):
    """Loses the first answer to every write, and the connection with it: the write is done."""

    lost = 0

    async def _pass(self, reader, writer, first=None) -> None:
        if first is not None:
            return await super()._pass(reader, writer, first)
        while chunk := await reader.read(CHUNK):
            head = chunk.partition(b"\r\n\r\n")[0].lower()
            if b"\nbetang-position:" in head and b"\nidempotency-replayed:" not in head:
                self.lost += 1
                return None
            writer.write(chunk)
            await writer.drain()
        return None


@pytest.fixture
async def forgetful(running_system: RunningSystem) -> AsyncIterator[Forgetful]:
    gateway = httpx.URL(running_system.gateway_url)
    proxy = Forgetful([(gateway.host, gateway.port)])
    await proxy.start()
    yield proxy
    await proxy.stop()


def rest_client(*wanted: str) -> tuple[str, ...]:
    return (sys.executable, str(EXAMPLES / "rest_client.py"), *wanted)


def officer(system: RunningSystem, gateway: str | None = None) -> dict[str, str]:
    """Return the environment of the agency's own system; two rows make a page."""
    token = system.token("petugas_skpd", agency=AGENCY)
    return {"GATEWAY": gateway or system.gateway_url, "TOKEN": token, "PAGE": "2"}


async def in_the_catalog(system: RunningSystem, code: str) -> list[dict[str, Any]]:
    listed = await Caller(system, "admin").get("/v1/programs", owner_code=AGENCY, limit=200)
    return [program for program in listed["data"] if program["code"] == code]


async def test_what_an_agency_writes_is_done_once_though_every_first_answer_is_lost(
    running_system: RunningSystem, stored: str, forgetful: Forgetful
) -> None:
    environment = officer(running_system, f"http://{forgetful.host}:{forgetful.port}")
    named = ("ANTAR-JEMPUT", "Antar jemput sekolah")
    for version, ceiling_idr in enumerate((150_000_000, 175_000_000), start=1):
        printed = await run(*rest_client(*named, str(ceiling_idr)), **environment)
        assert f"ANTAR-JEMPUT is draft, version {version}, done by an earlier try" in printed
        assert forgetful.lost == version
        (program,) = await in_the_catalog(running_system, "ANTAR-JEMPUT")
        assert program["version"] == version
        assert [line["ceiling_idr"] for line in program["years"]] == [ceiling_idr]
        # On a busy machine indicators may take longer than the two seconds of min_position.
        told = printed.splitlines()[-1].removeprefix("indicators: ")
        assert told in {f"{ceiling_idr} IDR", "has not heard of it yet"}
        path = f"/v1/indicators/programs/{program['program_id']}/summary"
        await wait_until(lambda a=path, b=ceiling_idr: shown(running_system, a, b), FOLLOWS_S)
    again = await run(*rest_client(*named, "175000000"), **environment)
    assert again.splitlines()[1:] == ["ANTAR-JEMPUT is draft, version 2"]


async def shown(system: RunningSystem, path: str, ceiling_idr: int) -> bool:
    answer = await Caller(system, "admin").send("GET", path)
    return answer.is_success and answer.json()["ceiling_idr"] == ceiling_idr


async def test_an_agency_reads_its_whole_catalog_page_by_page(
    running_system: RunningSystem, stored: str
) -> None:
    await wait_until(lambda: in_the_catalog(running_system, "ANGKUTAN"), FOLLOWS_S)
    for number in (1, 2, 3):
        await run(
            *rest_client(f"HALTE-{number}", f"Halte sekolah {number}", "1"),
            **officer(running_system),
        )
    listed = await Caller(running_system, "admin").get("/v1/programs", owner_code=AGENCY, limit=200)
    printed = await run(*rest_client("HALTE-3", "Halte sekolah 3", "1"), **officer(running_system))
    assert len(listed["data"]) >= 3, "more than a page"
    # Found on a later page: nothing is written.
    assert printed.splitlines() == [
        f"{AGENCY} has {len(listed['data'])} programs",
        "HALTE-3 is draft, version 1",
    ]


async def test_a_refusal_is_told_with_its_code_its_sentence_and_the_field(
    running_system: RunningSystem, stored: str
) -> None:
    process = await started(*rest_client("BUS-AIR", "B", "1"), **officer(running_system))
    code, _, complained = await ended(process)
    assert code == 1
    first, *fields = complained.splitlines()
    assert first == "validation_failed: Ada isian yang keliru"
    assert [line.partition(": ")[0] for line in fields] == ["#/name"]
    assert await in_the_catalog(running_system, "BUS-AIR") == []


async def test_an_agency_waits_as_long_as_it_is_told_while_programs_is_away(
    running_system: RunningSystem, stored: str
) -> None:
    await running_system.hold("programs")
    try:
        process = await started(
            *rest_client("BUS-SUNGAI", "Bus sungai sekolah", "1"), **officer(running_system)
        )
        assert process.stderr is not None
        told = await asyncio.wait_for(process.stderr.readuntil(b"again in 2 s\n"), timeout=30)
    finally:
        await running_system.resume("programs")
    assert told.decode().startswith("upstream_unreachable: ")
    code, printed, complained = await ended(process)
    assert code == 0, complained
    assert "BUS-SUNGAI is draft, version 1" in printed
