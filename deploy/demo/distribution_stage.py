"""Stage 3: two years of cycles, entitlements, handovers, and a few returns."""

from datetime import date, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5
from zlib import crc32

from deploy.demo.catalog import PROGRAMS, PROSTHETIC_LEG, Program
from deploy.demo.client import Client
from deploy.demo.people import ADMIN
from deploy.demo.programs_stage import YEARS, chosen, cycle_days
from services.shared import clock

BATCH = 1_000
RETURNED_SHARE = 0.004


async def hand_over(client: Client, program: Program, program_id: str) -> int:
    """Run every past cycle of a program; return how many handovers there are."""
    count = 0
    known = {
        (row["year"], row["name"]): row
        async for page in client.pages(ADMIN, "/v1/cycles", program_id=program_id)
        for row in page
    }
    for year in YEARS:
        for number, month in enumerate(program.cycles, start=1):
            opens_on, closes_on = cycle_days(year, month)
            if opens_on > clock.today():
                continue
            name = f"Tahap {number}"
            cycle = known.get((year, name)) or await client.post(
                ADMIN,
                "/v1/cycles",
                {"program_id": program_id, "name": name, "year": year,
                 "opens_on": opens_on.isoformat(), "closes_on": closes_on.isoformat()},
            )  # fmt: skip
            count += await _run_cycle(client, program, cycle, opens_on)
    return count


async def _run_cycle(
    client: Client, program: Program, cycle: dict[str, Any], opens_on: date
) -> int:
    await client.post(ADMIN, f"/v1/cycles/{cycle['id']}/entitlements/generate", {})
    handed_before = {
        row["id"]
        async for page in client.pages(ADMIN, "/v1/deliveries", cycle_id=cycle["id"])
        for row in page
    }
    open_ones = [
        row
        async for page in client.pages(
            ADMIN, "/v1/entitlements", cycle_id=cycle["id"], status="open"
        )
        for row in page
        if not row["blocked_by"]
        and chosen(row["id"], "serah", program.delivered)
        and _delivery_id(row["id"]) not in handed_before
    ]
    if not open_ones:
        return 0
    session = await client.post(
        ADMIN,
        "/v1/sessions",
        {"cycle_id": cycle["id"], "place": "Aula kantor (contoh)",
         "held_on": opens_on.isoformat(), "officer": "Petugas contoh"},
    )  # fmt: skip
    for start in range(0, len(open_ones), BATCH):
        rows = [_handed(row, opens_on) for row in open_ones[start : start + BATCH]]
        await client.post(
            ADMIN, "/v1/deliveries/batch", {"session_id": session["id"], "rows": rows}
        )
    for row in open_ones:
        if chosen(row["id"], "kembali", RETURNED_SHARE):
            await _give_back(client, row, opens_on)
    return len(open_ones)


def _delivery_id(entitlement_id: str) -> str:
    return str(uuid5(NAMESPACE_URL, f"betang:demo:delivery:{entitlement_id}"))


def _day(entitlement_id: str, opens_on: date) -> date:
    day = opens_on + timedelta(days=crc32(entitlement_id.encode()) % 20)
    return min(day, clock.today())


def _handed(row: dict[str, Any], opens_on: date) -> dict[str, Any]:
    return {
        "id": _delivery_id(row["id"]),
        "entitlement_id": row["id"],
        "quantity": row["remaining"],
        "delivered_on": _day(row["id"], opens_on).isoformat(),
        "received_by": "self",
    }


async def _give_back(client: Client, row: dict[str, Any], opens_on: date) -> None:
    delivery = _delivery_id(row["id"])
    await client.post(
        ADMIN,
        f"/v1/deliveries/{delivery}/return",
        {"id": str(uuid5(NAMESPACE_URL, f"{delivery}:return")), "quantity": row["remaining"],
         "reason": "Penerima pindah, barang atau uang dikembalikan",
         "returned_on": _day(row["id"], opens_on).isoformat()},
    )  # fmt: skip


def by_code() -> dict[str, Program]:
    """Return the demonstration's programs by code."""
    return {program.code: program for program in (PROSTHETIC_LEG, *PROGRAMS)}
