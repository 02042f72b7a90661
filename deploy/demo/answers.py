"""The six questions of the design, asked of the running system and shown as one table."""

from typing import Any

from rich.console import Console
from rich.table import Table

from deploy.demo.catalog import PROSTHETIC_LEG
from deploy.demo.client import Client
from deploy.demo.people import ADMIN, LEADER, VERIFIER
from deploy.demo.population import draw
from deploy.demo.programs_stage import YEARS, catalog_ids
from deploy.local.issuer import REGENCY

TRIED_MAX = 400


async def print_answers(client: Client, console: Console, told: dict[str, Any]) -> None:
    """Print each question with the answer that the system gives now."""
    table = Table(title="DATA SINTETIS: pertanyaan dan jawabannya", title_justify="left")
    table.add_column("pertanyaan", max_width=44)
    table.add_column("jawaban")
    table.add_row("1 Keluarga ini menerima apa saja?", await _family(client, told["families"]))
    table.add_row("2 Siapa belum tersentuh program?", await _unreached(client))
    table.add_row("3 Siapa menerima dua program yang bertentangan?", await _overlaps(client))
    table.add_row("4 Sampai di mana daftar desa saya?", await _village_list(client, told["import"]))
    table.add_row("5 Pagu, realisasi dan ketepatan program ini?", await _program(client))
    table.add_row("6 Apakah kabupaten menuju target RPJMD?", await _progress(client))
    console.print(table)


async def _family(client: Client, families: int) -> str:
    best: list[dict[str, Any]] = []
    number = "-"
    tried = 0
    for _, people in draw(families):
        for family in people:
            if family.desil not in {"1", "2"}:
                continue
            tried += 1
            answer = await client.post(
                VERIFIER,
                "/v1/enrolments/search",
                {"kk_number": family.kk_number, "purpose": "contoh untuk demonstrasi"},
            )
            granted = [row for row in answer["data"] if row["status"] == "granted"]
            if len(granted) > len(best):
                best, number = granted, answer["families"][0]["kk_masked"]
            if len({row["program_id"] for row in best}) > 2 or tried > TRIED_MAX:
                return _received(number, best)
    return _received(number, best)


def _received(number: str, rows: list[dict[str, Any]]) -> str:
    lines = [
        f"{row['program_name']} {row['year']} ({row['owner_code']}):"
        f" {_rupiah(row['delivered']['delivered_value_idr'])}"
        for row in sorted(rows, key=lambda row: (row["year"], row["program_name"]))
    ]
    return f"KK {number}\n" + "\n".join(lines)


async def _unreached(client: Client) -> str:
    found = await client.get(LEADER, "/v1/unreached/summary", region=REGENCY)
    total, worst = found["total"], found["data"][0]
    return (
        f"{total['belum_tersentuh']} dari {total['target_families']} keluarga sasaran,"
        f" belum diketahui {total['belum_diketahui']};"
        f"\nterbanyak: {worst['region_name']} ({worst['unreached_families']})"
    )


async def _overlaps(client: Client) -> str:
    count = 0
    async for page in client.pages(ADMIN, "/v1/enrolments/overlaps"):
        count += len(page)
    return f"{count} keluarga (BLT Dana Desa bersama PKH atau Sembako)"


async def _village_list(client: Client, import_id: str) -> str:
    found = await client.get(ADMIN, f"/v1/imports/{import_id}")
    rejected = await client.get(ADMIN, f"/v1/imports/{import_id}/rows", verdict="rejected", limit=1)
    counts = found["counts"]
    text = (
        f"Desa {found['region_code']}: sudah digabung, {counts['new']} baris baru,"
        f" {counts['rejected']} ditolak"
    )
    for row in rejected["data"]:
        reasons = "; ".join(finding["message"] for finding in row["findings"])
        text += f"\nbaris {row['row']}: {reasons}"
    return text


async def _program(client: Client) -> str:
    ids = await catalog_ids(client)
    path = f"/v1/indicators/programs/{ids[PROSTHETIC_LEG.code]}/summary"
    found = await client.get(LEADER, path, year=YEARS[-1])
    aid = found["aid"]
    return (
        f"{found['name']} {found['year']}: pagu {_rupiah(found['ceiling_idr'])},"
        f" diserahkan {_rupiah(aid['delivered_idr'])} kepada {aid['families_reached']} keluarga"
        f" di {len(found['by_kecamatan'])} kecamatan;"
        f" tepat sasaran {_percent(found['share_to_target'])}"
    )


async def _progress(client: Client) -> str:
    found = await client.get(LEADER, "/v1/indicators/P0/progress", region=REGENCY)
    agencies = await client.get(LEADER, "/v1/contributions", year=YEARS[-1])
    top = sorted(agencies["data"], key=lambda row: -(row["delivered_idr"] or 0))[:3]
    lines = [
        f"{row['owner_name'] or row['owner_code']}: {row['families_reached']} keluarga,"
        f" {_rupiah(row['delivered_idr'])}"
        for row in top
    ]
    return f"{found['wording']['id']}\n" + "\n".join(lines)


def _rupiah(amount: int | None) -> str:
    return "tidak diketahui" if amount is None else f"Rp{amount:,}".replace(",", ".")


def _percent(share: str | None) -> str:
    return "tidak diketahui" if share is None else f"{float(share):.1%}".replace(".", ",")
