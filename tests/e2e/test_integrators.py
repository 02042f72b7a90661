"""The integrator guide's examples do what the guide says, as programs of somebody else."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from tests.support.callers import Caller, register_agency
from tests.support.system import RunningSystem
from tests.support.waiting import wait_until

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"
AGENCY = "DISHUB"
"""An agency of this module alone."""


async def run(*command: str, **environment: str) -> str:
    """Run an example as its reader would; return what it printed."""
    process = await asyncio.create_subprocess_exec(
        *command,
        env={"PATH": os.environ["PATH"], **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    printed, complained = await asyncio.wait_for(process.communicate(), timeout=30)
    assert process.returncode == 0, complained.decode()
    return printed.decode()


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
