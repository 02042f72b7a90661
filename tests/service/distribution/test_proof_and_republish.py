"""A photo proves a handover of goods; and what was told can be told again."""

import hashlib
from io import BytesIO
from uuid import uuid4

from PIL import Image

from services.contracts.distribution import (
    CycleStateV1,
    DeliveryCompletedV1,
    DeliveryReturnedV1,
    EntitlementStateV1,
)
from services.distribution.main import REPUBLISHERS
from services.shared.outbox import Relay
from tests.service.distribution.conftest import Program, World

UPLOADS = "/v1/uploads/distribution"


def a_photo() -> bytes:
    file = BytesIO()
    Image.new("RGB", (8, 8), (120, 30, 30)).save(file, "JPEG")
    return file.getvalue()


async def announce(world: World, size: int, **token) -> str:
    answer = await world.post(
        UPLOADS,
        {
            "file_name": "serah-terima.jpg",
            "size": size,
            "media_type": "image/jpeg",
            "purpose": "delivery_proof",
        },
        "penyalur",
        **token,
    )
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def send(world: World, upload_id: str, content: bytes, **token) -> None:
    headers = {**world.service.auth("penyalur", key=False, **token), "Upload-Offset": "0"}
    answer = await world.service.client.patch(
        f"{UPLOADS}/{upload_id}", content=content, headers=headers
    )
    assert answer.status_code == 204, answer.text


async def hand(world: World, session: str, entitlement: str, **changes):
    body = {**world.handed(entitlement, **changes), "session_id": session}
    return await world.post("/v1/deliveries", body, "penyalur")


async def test_goods_need_a_photo_that_is_really_there(world: World):
    program = await world.tell_program(Program(kind="goods"))
    cycle, [entitlement] = await world.entitled(program)
    session = await world.session(cycle["id"])
    content = a_photo()
    upload = await announce(world, len(content))

    bare = await hand(world, session, entitlement["id"])
    assert (bare.status_code, bare.json()["code"]) == (422, "proof_required")
    hash_only = await hand(
        world, session, entitlement["id"], proof_sha256=hashlib.sha256(content).hexdigest()
    )
    assert (hash_only.status_code, hash_only.json()["code"]) == (422, "proof_missing")
    incomplete = await hand(world, session, entitlement["id"], proof_upload_id=upload)
    assert (incomplete.status_code, incomplete.json()["code"]) == (422, "proof_missing")

    await send(world, upload, content)
    other = await announce(world, len(content), subject="orang-lain")
    await send(world, other, content, subject="orang-lain")
    for wrong in (
        {"proof_upload_id": str(uuid4())},
        {"proof_upload_id": other},
        {"proof_upload_id": upload, "proof_sha256": "0" * 64},
    ):
        refused = await hand(world, session, entitlement["id"], **wrong)
        assert (refused.status_code, refused.json()["code"]) == (422, "proof_missing"), wrong

    done = await hand(world, session, entitlement["id"], proof_upload_id=upload)
    assert done.status_code == 201, done.text
    shown = (await world.get(f"/v1/deliveries/{done.json()['id']}")).json()
    assert (shown["proof"], shown["proof_upload_id"]) == (True, upload)


async def test_a_representative_needs_name_and_relation(world: World):
    program = await world.tell_program(Program(kind="service"))
    cycle, [entitlement] = await world.entitled(program)
    session = await world.session(cycle["id"])
    refused = await world.deliver(session, entitlement["id"], received_by="representative")
    assert (refused.status_code, refused.json()["code"]) == (422, "receiver_incomplete")
    done = await world.deliver(
        session,
        entitlement["id"],
        received_by="representative",
        receiver_name="Anak Sintetis",
        receiver_relation="anak",
    )
    assert done.status_code == 201


async def test_everything_is_told_again_once_the_outbox_forgot_it(world: World):
    program = await world.tell_program(Program(kind="service"))
    cycle, [entitlement] = await world.entitled(program)
    session = await world.session(cycle["id"])
    done = (await world.deliver(session, entitlement["id"])).json()
    back = await world.post(
        f"/v1/deliveries/{done['id']}/return",
        {"id": str(uuid4()), "quantity": 1, "reason": "salah ukuran", "returned_on": "2026-03-11"},
    )
    facts = (DeliveryCompletedV1.TYPE, DeliveryReturnedV1.TYPE)
    first_told = {type_: await told(world, type_) for type_ in facts}
    client = await world.service.broker.connect("distribution")
    relay = Relay(world.service.db, client, "distribution", REPUBLISHERS)

    await relay.republish()
    assert {type_: await told(world, type_) for type_ in facts} == first_told
    assert len(await world.outbox(CycleStateV1.TYPE)) > 1
    states = [
        row["version"] for row in await world.outbox(EntitlementStateV1.TYPE)
        if row["aggregateid"] == entitlement["id"]
    ]  # fmt: skip
    assert states == [1, 2, 3, 3]

    async with world.service.db.transaction() as tx:
        await (await tx.raw()).execute("DELETE FROM outbox")
    await relay.republish()
    assert {type_: await told(world, type_) for type_ in facts} == first_told
    assert back.json()["id"] in {row[0] for row in first_told[DeliveryReturnedV1.TYPE]}


async def told(world: World, type_: str) -> set[tuple[str, str]]:
    return {(str(row["id"]), row["payload"]) for row in await world.outbox(type_)}
