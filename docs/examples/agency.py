"""An agency's own system publishes one of its programs, through its NATS account.

Run it with NATS_URL, CREDS (the file that Dinas Kominfo handed over) and AGENCY (e.g. DINSOS) set.
The acknowledgement means: stored. Sending the same event id again is harmless. What could not be
read is told on ``notify.<agency>.>``, which the account hears.
"""

import asyncio
import json
import os
import sys
import uuid
from datetime import UTC, datetime

import nats

AGENCY = os.environ["AGENCY"].lower()


def program_reported(code: str, name: str) -> dict:
    """Return the CloudEvent; its fields are in services/contracts/asyncapi.yaml."""
    return {
        "specversion": "1.0",
        "id": str(uuid.uuid4()),
        "source": f"skpd/{AGENCY}",
        "type": "skpd.program.reported.v1",
        "time": datetime.now(UTC).isoformat(),
        "datacontenttype": "application/json",
        "data": {
            "code": code,
            "name": name,
            "klaster": "I",
            "strategi": "BEBAN",
            "bidang": "KESEHATAN",
            "sub_kegiatan": "1.06.04.2.01.0003",
            "nomenclature_version": "900.1.15.5-1317/2023",
            "unit": "person",
            "benefit": {
                "kind": "goods",
                "item": "kursi roda",
                "unit": "buah",
                "quantity": 1,
                "unit_value_idr": 2_500_000,
            },
            "frequency": "sekali",
            "steps": ["ukur", "serah", "kontrol"],
            "years": [
                {"year": 2026, "fund_source": "APBD_KAB", "ceiling_idr": None, "quota": None}
            ],
            "counts_as_reached": True,
            "sensitive": False,
        },
    }


async def main() -> None:
    client = await nats.connect(
        os.environ["NATS_URL"],
        user_credentials=os.environ["CREDS"],
        inbox_prefix=f"_INBOX_{AGENCY}".encode(),
    )
    event = program_reported(*sys.argv[1:3])
    stored = await client.jetstream().publish(
        f"events.{event['type']}",
        json.dumps(event).encode(),
        headers={"Nats-Msg-Id": event["id"]},
    )
    print(f"stored as number {stored.seq} of {stored.stream}")
    await client.close()


asyncio.run(main())
