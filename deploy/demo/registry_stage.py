"""Stage 1: the people enter, village by village, as OpenSID files; then DTSEN for the regency."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import date
from random import Random
from typing import Any

from deploy.demo.client import Client
from deploy.demo.files import (
    DTSEN_COLUMNS,
    OPENSID_COLUMNS,
    as_csv,
    as_opensid_xlsx,
    dtsen_rows,
    opensid_rows,
    spoiled,
)
from deploy.demo.people import ADMIN, VERIFIER, village_head, village_operator
from deploy.demo.population import Family, Village, draw
from deploy.local.issuer import REGENCY

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
XLSX_EVERY = 20
"""Every twentieth village sends a workbook, as some do; the others send CSV."""

SPOILED_FROM = 5
"""Where there are fewer families, a spoiled row might be a village's only one."""

AT_ONCE = 8
POLL_S = 0.25
ENDED = frozenset({"merged", "refused", "cancelled", "failed"})
DTSEN_CUT_OFF = date(2026, 9, 30)
DTSEN_PERIOD = "2026-Q3"

Step = Callable[[int], None]


class ImportFailed(RuntimeError):
    """An import of the demonstration did not merge."""


async def load_people(client: Client, families: int, step: Step) -> dict[str, Any]:
    """Import everybody. ``step`` hears how many families have come. Return one village's import.

    The returned import is one with rejected rows, to show what its operator sees.
    """
    shown: dict[str, Any] = {}
    waiting: set[asyncio.Task[dict[str, Any]]] = set()
    everyone: list[Family] = []
    for number, (village, people) in enumerate(draw(families)):
        everyone += people
        waiting.add(asyncio.create_task(_village(client, number, village, people, step)))
        if len(waiting) == AT_ONCE:
            shown, waiting = await _collect(waiting, shown)
    while waiting:
        shown, waiting = await _collect(waiting, shown)
    await _dtsen(client, everyone)
    return shown


async def _collect(
    waiting: set[asyncio.Task[dict[str, Any]]], shown: dict[str, Any]
) -> tuple[dict[str, Any], set[asyncio.Task[dict[str, Any]]]]:
    done, left = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        merged = task.result()
        if not shown or merged["counts"]["rejected"] > shown["counts"]["rejected"]:
            shown = merged
    return shown, left


async def _village(
    client: Client, number: int, village: Village, people: Sequence[Family], step: Step
) -> dict[str, Any]:
    operator = village_operator(village.code)
    rows = opensid_rows(people)
    if len(people) >= SPOILED_FROM:
        rows = spoiled(rows, Random(village.code))
    if number % XLSX_EVERY == 0:
        content, kind, name = as_opensid_xlsx(rows), XLSX, "penduduk.xlsx"
    else:
        content, kind, name = as_csv(OPENSID_COLUMNS, rows), "text/csv", "penduduk.csv"
    upload = await client.upload(
        operator, "registry", content,
        file_name=name, media_type=kind, purpose="import", region_code=village.code,
    )  # fmt: skip
    started = await client.post(
        operator,
        "/v1/imports",
        {"format": "opensid_residents", "upload_id": upload, "region_code": village.code,
         "synthetic": True},
    )  # fmt: skip
    path = f"/v1/imports/{started['id']}"
    await _until(client, path, {"validated"})
    await client.decide(village_head(village.code), path, "approve")
    merged = await _until(client, path, {"merged"})
    step(len(people))
    return merged


async def _dtsen(client: Client, families: Sequence[Family]) -> None:
    content = as_csv(DTSEN_COLUMNS, dtsen_rows(families, DTSEN_CUT_OFF.isoformat()))
    upload = await client.upload(
        ADMIN, "registry", content,
        file_name="dtsen.csv", media_type="text/csv", purpose="import", region_code=REGENCY,
    )  # fmt: skip
    started = await client.post(
        ADMIN,
        "/v1/imports",
        {"format": "dtsen_extract", "upload_id": upload, "period": DTSEN_PERIOD,
         "bast_number": "BAST/001/DTSEN/X/2026", "cut_off": DTSEN_CUT_OFF.isoformat(),
         "synthetic": True},
    )  # fmt: skip
    path = f"/v1/imports/{started['id']}"
    await _until(client, path, {"validated"})
    await client.decide(VERIFIER, path, "approve")
    await _until(client, path, {"merged"})


async def _until(client: Client, path: str, states: set[str]) -> dict[str, Any]:
    while True:
        found: dict[str, Any] = await client.get(ADMIN, path)
        if found["state"] in states:
            return found
        if found["state"] in ENDED:
            raise ImportFailed(f"{path}: {found['state']} {found['failure'] or found['reason']}")
        await asyncio.sleep(POLL_S)
