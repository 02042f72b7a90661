"""Stage 2: organisations, the catalog, rules, and who was enrolled in which year."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date
from itertools import islice
from typing import Any
from zlib import crc32

import nats
import orjson

from deploy.demo.catalog import EXCLUSIONS, ORGANISATIONS, PROGRAMS, PROSTHETIC_LEG, Program
from deploy.demo.client import Client, Refused
from deploy.demo.people import ADMIN, VERIFIER, officer
from deploy.local.issuer import REGENCY
from deploy.local.system import System
from deploy.nats.permissions import inbox_prefix
from services.shared import clock
from services.shared.ids import new_id

YEARS = (2025, 2026)
BATCH = 1_000
POLL_S = 0.5
SETTLED_POLLS = 4
LEGAL = "Demonstrasi: aturan contoh, bukan juknis"
EVERYBODY = {"wilayah": {"awalan": [REGENCY]}}


async def load_organisations(client: Client) -> None:
    """Register every organisation, once."""
    known = {row["code"] async for page in client.pages(ADMIN, "/v1/organisations") for row in page}
    for code, name, kind in ORGANISATIONS:
        if code not in known:
            await client.post(
                ADMIN, "/v1/organisations", {"code": code, "name": name, "kind": kind}
            )


async def load_catalog(client: Client, system: System, families: int) -> dict[str, str]:
    """Fill the catalog; return the id of each program by its code.

    Dinas Sosial's prosthetic legs come as an event from its own NATS account, the others are
    entered by an officer and approved by another.
    """
    known = await catalog_ids(client)
    if PROSTHETIC_LEG.code not in known:
        await publish_program(system, PROSTHETIC_LEG, families)
    for program in PROGRAMS:
        if program.code not in known:
            await _enter(client, program, families)
    while len(known) < len(PROGRAMS) + 1:
        await asyncio.sleep(POLL_S)  # the agency's event is on its way
        known = await catalog_ids(client)
    for program in (PROSTHETIC_LEG, *PROGRAMS):
        await _save_rule(client, program, known[program.code])
    return known


async def catalog_ids(client: Client) -> dict[str, str]:
    """Return the ids of the catalog's programs by code."""
    return {
        row["code"]: row["program_id"]
        async for page in client.pages(ADMIN, "/v1/programs")
        for row in page
    }


async def publish_program(system: System, program: Program, families: int) -> None:
    """Publish a program as its agency's own system would: through its own NATS account."""
    door = await asyncio.to_thread(system.issue_agency, program.owner)
    connection = await nats.connect(
        system.nats_url,
        user_credentials=str(door.creds),
        inbox_prefix=inbox_prefix(program.owner.lower()).encode(),
    )
    try:
        event = {
            "specversion": "1.0",
            "id": str(new_id()),
            "source": f"skpd/{program.owner.lower()}",
            "type": "skpd.program.reported.v1",
            "time": clock.now().isoformat(),
            "datacontenttype": "application/json",
            "data": program.described(YEARS, families),
        }
        await connection.jetstream().publish(
            "events.skpd.program.reported.v1",
            orjson.dumps(event),
            headers={"Nats-Msg-Id": str(event["id"])},
        )
    finally:
        await connection.close()


async def _enter(client: Client, program: Program, families: int) -> None:
    described = program.described(YEARS, families)
    body = described | {"owner_code": program.owner, "reporter_code": program.reporter}
    author = ADMIN if program.owner != program.reporter else officer(program.owner)
    made = await client.post(author, "/v1/programs", body)
    path = f"/v1/programs/{made['program_id']}"
    await client.post(author, f"{path}/submit", {})
    await client.post(VERIFIER, f"{path}/approve", {"note": "contoh"})
    await client.post(author, f"{path}/activate", {})


async def _save_rule(client: Client, program: Program, program_id: str) -> None:
    path = f"/v1/programs/{program_id}/rules"
    if (await client.get(ADMIN, path))["data"]:
        return
    conditions = [{"desil": {"min": 1, "maks": program.desil_max}}, *program.rule]
    await client.post(
        ADMIN,
        path,
        {
            "tree": {"semua": conditions},
            "legal_reference": LEGAL,
            "valid_from": f"{YEARS[0]}-01-01",
        },
    )


async def save_exclusions(client: Client, ids: dict[str, str]) -> None:
    """Save which programs exclude each other, after the enrolments: so overlaps come to light."""
    for first, second in EXCLUSIONS:
        body = {"program_a": ids[first], "program_b": ids[second], "legal_reference": LEGAL,
                "valid_from": f"{YEARS[-1]}-01-01"}  # fmt: skip
        try:
            await client.post(ADMIN, "/v1/rules/stacking", body)
        except Refused as refused:
            if refused.code != "invalid_stacking_rule":
                raise


async def until_settled(client: Client, tree: dict[str, Any], at_least: int) -> int:
    """Wait until programs has heard of ``at_least`` families and hears of no more; how many."""
    count, same = -1, 0
    while count < at_least or same < SETTLED_POLLS:
        answer = await client.post(ADMIN, "/v1/rules/preview", {"tree": tree, "unit": "family"})
        same = same + 1 if answer["count"] == count else 0
        count = int(answer["count"])
        await asyncio.sleep(POLL_S)
    return count


def chosen(recipient: str, salt: str, share: float) -> bool:
    """Say whether a recipient falls under a share; the same answer at every run."""
    return crc32(f"{salt}/{recipient}".encode()) % 10_000 < share * 10_000


async def enrol(client: Client, program: Program, program_id: str, year: int) -> int:
    """Enrol a share of the eligible, and a few who are not (leakage); return how many."""
    reporter = officer(program.reporter)
    granted = 0
    rows = [row async for row in _chosen_candidates(client, program, program_id, year)]
    while batch := list(islice(iter(rows), BATCH)):
        rows = rows[BATCH:]
        answer = await client.post(
            reporter,
            "/v1/enrolments/batch",
            {"program_id": program_id, "year": year, "rows": batch},
        )
        ids = [row["enrolment_id"] for row in answer["rows"] if row["status"] == "proposed"]
        if ids:
            verdicts = await client.post(
                VERIFIER, "/v1/enrolments/approve-batch", {"enrolment_ids": ids}
            )
            granted += verdicts["counts"].get("granted", 0)
    return granted + await _leak(client, program, program_id, year)


async def _chosen_candidates(
    client: Client, program: Program, program_id: str, year: int
) -> AsyncIterator[dict[str, Any]]:
    path = f"/v1/programs/{program_id}/candidates"
    async for page in client.pages(ADMIN, path, year=year):
        for row in page:
            recipient = row["person_id"] or row["family_id"]
            if chosen(recipient, program.code, program.share):
                yield {
                    "family_id": row["family_id"],
                    "person_id": row["person_id"],
                    "valid_from": f"{year}-01-01",
                }


async def _leak(client: Client, program: Program, program_id: str, year: int) -> int:
    """Enrol a few families of high desil by override: the error that every list has."""
    if not program.leak:
        return 0
    granted = 0
    async for page in client.pages(ADMIN, "/v1/families"):
        for family in page:
            high = family["desil_low"] is not None and family["desil_low"] > program.desil_max
            if not (high and chosen(family["id"], f"bocor/{program.code}", program.leak)):
                continue
            granted += await _override(client, program, program_id, year, family["id"])
    return granted


async def _override(
    client: Client, program: Program, program_id: str, year: int, family_id: str
) -> int:
    body = {"program_id": program_id, "year": year, "family_id": family_id,
            "valid_from": f"{year}-01-01"}  # fmt: skip
    try:
        made = await client.post(officer(program.reporter), "/v1/enrolments", body)
        await client.post(
            VERIFIER,
            f"/v1/enrolments/{made['enrolment_id']}/approve",
            {"override_reason": "Demonstrasi: daftar lama belum dimutakhirkan"},
        )
    except Refused as refused:
        if refused.status != 409:
            raise
        return 0
    return 1


def cycle_days(year: int, month: int) -> tuple[date, date]:
    """Return the first and last day of the demonstration's cycle in a month."""
    return date(year, month, 5), date(year, month, 26)
