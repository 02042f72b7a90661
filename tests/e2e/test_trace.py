"""One trace runs from a request through the gateway and its event into whoever hears it."""

import secrets
from typing import Any

from tests.support.callers import Caller, register_agency
from tests.support.system import RunningSystem


async def test_the_event_of_a_write_carries_the_trace_of_its_request(
    running_system: RunningSystem,
) -> None:
    await register_agency(running_system, "UJI-JEJAK", "Organisasi uji")
    officer = Caller(running_system, "petugas_skpd", agency="UJI-JEJAK")
    trace = secrets.token_hex(16)
    made = await officer.post(
        "/v1/programs",
        {"code": f"JEJAK-{trace[:6].upper()}", "name": "Program uji", "owner_code": "UJI-JEJAK",
         "klaster": "I", "strategi": "BEBAN", "bidang": "EKONOMI", "unit": "family",
         "frequency": "sekali", "counts_as_reached": False,
         "benefit": {"kind": "cash", "item": "uang", "unit": "kali", "quantity": 1,
                     "unit_value_idr": 1_000}},
        traceparent=f"00-{trace}-{secrets.token_hex(8)}-01",
    )  # fmt: skip
    integrator = Caller(running_system, "integrator")

    def of_this_program(page: dict[str, Any]) -> list[str]:
        return [
            event["traceparent"].split("-")[1]
            for event in page["data"]
            if event["subject"] == made["program_id"]
        ]

    await integrator.until(
        "/v1/changes/programs",
        [trace],
        of_this_program,
        types="programs.program.state.v1",
        limit=200,
    )
    refused = await officer.send(
        "GET", "/v1/programs/none", headers={"traceparent": f"00-{trace}-{secrets.token_hex(8)}-01"}
    )
    assert refused.json()["trace_id"] == trace
