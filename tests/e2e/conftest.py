"""What the chapters of the story share."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from services.shared import clock
from tests.support.callers import Caller
from tests.support.story import PELANGSIAN, TINDUK
from tests.support.system import RunningSystem

NEVER_LOGGED = {
    "a NIK or KK number": re.compile(r"(?<![0-9a-f-])6202\d{12}(?![0-9a-f])"),
    "a person's name": re.compile(r"\bWARGA [A-Z]"),
    "a token": re.compile(
        r"(?<!\"signed\":\")\beyJ[\w-]{20}"
    ),  # a signed daily root is meant to be seen
    "a traceback": re.compile(r"Traceback \(most recent call last\)"),
}
"""The people of the tests have numbers of Kotim and are called WARGA."""


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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tell the story first: its figures are those of a regency where nothing else happened."""
    items.sort(key=lambda item: not item.path.name.startswith("test_story"))


@pytest.fixture(scope="session", autouse=True)
async def logs_are_clean(running_system: RunningSystem) -> AsyncIterator[None]:
    """When every chapter is told, hold all that was logged against what no log may hold."""
    yield
    logs = {path: path.read_text(errors="replace") for path in running_system.logs()}
    assert {path.stem for path in logs} >= {"gateway", "registry", "registry-worker"}
    for path, text in logs.items():
        for what, pattern in NEVER_LOGGED.items():
            found = pattern.search(text)
            assert found is None, f"{path.name} holds {what}: {_line_of(text, found)}"
    for part in ("gateway", "registry", "programs", "distribution", "indicators"):
        requests = [line for line in _entries(logs, part) if line.get("event") == "request"]
        assert requests or part not in {"gateway", "registry"}, part
        assert all(line["request_id"] and len(line["trace_id"]) == 32 for line in requests), part


def _entries(logs: dict[Path, str], part: str) -> list[dict[str, Any]]:
    text = next(text for path, text in logs.items() if path.stem == part)
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def _line_of(text: str, found: re.Match[str]) -> str:
    start = text.rfind("\n", 0, found.start()) + 1
    return text[start : found.end() + 80].splitlines()[0][:300]
