"""Load the synthetic regency through the public doors, and answer the six questions for it.

Every step may be repeated: what exists is found again, what is chosen is chosen by id. So a load
that was cut off goes on at the next start.
"""

import asyncio
import json
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from deploy.demo.answers import print_answers
from deploy.demo.catalog import RPJMD_P0, RPJMD_SOURCE
from deploy.demo.client import Client
from deploy.demo.distribution_stage import by_code, hand_over
from deploy.demo.people import ADMIN, LEADER
from deploy.demo.programs_stage import (
    EVERYBODY,
    YEARS,
    enrol,
    load_catalog,
    load_organisations,
    save_exclusions,
    until_settled,
)
from deploy.demo.registry_stage import load_people
from deploy.local.issuer import REGENCY
from deploy.local.system import System

OFFICIAL = Path(__file__).parent / "data" / "kotim_indicators.csv"
KNOWN_SHARE = 0.97
"""Some single-person families have a spoiled row and stay outside until it is mended."""

SOURCES = (
    ("PKH", "Penyaluran PKH", "DINSOS", None),
    ("SEMBAKO", "Penyaluran Sembako", "DINSOS", None),
    ("BLT-DD", "Penyaluran BLT Dana Desa", "DPMD", None),
    ("PERMAKANAN", "Permakanan lansia Antang Kalang", "DINSOS", "62.02.10"),
)
"""Who should report. The last never does: in its kecamatan the answer is belum_diketahui."""

SOURCE_AGE_DAYS = 400


class _Bars:
    """The progress that people see while the regency fills."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def step(self, name: str, total: int, done: int = 1) -> None:
        """Move the bar ``name`` by ``done`` of ``total``."""
        if name not in self._tasks:
            self._tasks[name] = self._progress.add_task(name, total=total)
        self._progress.advance(self._tasks[name], done)


def main(system: System, families: int, console: Console) -> None:
    """Load ``families`` families if this system has never been filled; then print the answers."""
    asyncio.run(_main(system, families, console))


async def _main(system: System, families: int, console: Console) -> None:
    note = system.state / "demo.json"
    told: dict[str, Any] = json.loads(note.read_text()) if note.exists() else {}
    async with Client(system.gateway_url, system.token) as client:
        if not told.get("done"):
            if not told and (await client.get(ADMIN, "/v1/families", limit=1))["data"]:
                console.print("The registry has families already; the demonstration stays out.")
                return
            note.write_text(json.dumps({"families": families}))
            columns = TextColumn("{task.description:<34}"), BarColumn(), TimeElapsedColumn()
            with Progress(*columns, console=console) as progress:
                shown = await _load(client, system, told.get("families", families), progress)
            note.write_text(json.dumps({"families": families, "done": True, "import": shown["id"]}))
        await print_answers(client, console, json.loads(note.read_text()))


async def _load(
    client: Client, system: System, families: int, progress: Progress
) -> dict[str, Any]:
    bars = _Bars(progress)
    await load_organisations(client)
    await _official(client)
    shown = await load_people(
        client, families, lambda done: bars.step("Penduduk (OpenSID, DTSEN)", families, done)
    )
    ids = await load_catalog(client, system, families)
    ranked = {"desil": {"min": 1, "maks": 10}}
    await until_settled(client, EVERYBODY, int(families * KNOWN_SHARE))
    await until_settled(client, ranked, 1)
    programs = by_code()
    for code, program in programs.items():
        for year in YEARS:
            await enrol(client, program, ids[code], year)
            bars.step("Penetapan penerima", len(programs) * len(YEARS))
    await client.until_heard(ADMIN, "/v1/entitlements", client.position)
    await save_exclusions(client, ids)
    for code, program in programs.items():
        await hand_over(client, program, ids[code])
        bars.step("Penyaluran", len(programs))
    await client.until_heard(LEADER, "/v1/unreached/summary", client.position)
    return shown


async def _official(client: Client) -> None:
    await client.post_csv(
        ADMIN, "/v1/official-statistics/import", OFFICIAL.read_text(), key="demo-official"
    )
    await client.post(
        ADMIN,
        "/v1/targets",
        {"indicator": "P0", "region": REGENCY, "document": "RPJMD 2025-2029",
         "document_source": RPJMD_SOURCE, "unit": "persen",
         "years": [{"year": year, "value": value} for year, value in RPJMD_P0]},
        key="demo-targets",
    )  # fmt: skip
    for year in YEARS:
        for code, name, reporter, region in SOURCES:
            await client.post(
                ADMIN,
                "/v1/indicators/expected-sources",
                {"year": year, "code": code, "name": name, "reporter_code": reporter,
                 "program_code": code, "region_code": region, "max_age_days": SOURCE_AGE_DAYS},
                key=f"demo-source-{year}-{code}",
            )  # fmt: skip
