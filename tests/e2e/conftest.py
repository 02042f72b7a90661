"""What the chapters of the story share."""

from types import SimpleNamespace
from typing import Any

import pytest

from services.shared import clock
from tests.support.callers import Caller
from tests.support.story import PELANGSIAN, TINDUK
from tests.support.system import RunningSystem


@pytest.fixture(scope="session")
async def told(running_system):
    """What earlier chapters of the story left: callers, ids of families, programs, enrolments."""

    def caller(*roles: str, **who: Any) -> Caller:
        return Caller(running_system, *roles, **who)

    return SimpleNamespace(
        system=running_system,
        year=clock.today().year,
        operator=caller("operator_desa", regions=[PELANGSIAN]),
        kades=caller("kades", regions=[PELANGSIAN]),
        operator_tinduk=caller("operator_desa", regions=[TINDUK]),
        kades_tinduk=caller("kades", regions=[TINDUK]),
        admin=caller("admin"),
        verifier=caller("verifikator"),
        dinsos=caller("petugas-dinsos"),
        diskop=caller("petugas_skpd", agency="DISKOP"),
        penyalur=caller("penyalur"),
        analyst=caller("analis"),
        leader=caller("pimpinan"),
        dpo=caller("dpo"),
    )


@pytest.fixture(scope="session", autouse=True)
async def accounts(running_system: RunningSystem) -> None:
    """Issue all accounts at once: services look for new agencies every 15 seconds only."""
    for agency in ("DINSOS", "DISHUB", "DISNAKER", "DLH"):
        await running_system.issue(agency)
