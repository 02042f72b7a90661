"""Cycle, entitlements, session, handover, return, void: over HTTP, against the real database."""

import json
from uuid import uuid4

from services.contracts.distribution import (
    DeliveryCompletedV1,
    DeliveryReturnedV1,
    EntitlementStateV1,
)
from tests.service.distribution.conftest import LEG_IDR, VILLAGE, YEAR, Program, World


async def test_a_leg_is_promised_handed_over_given_back_and_the_books_follow(world: World):
    program = await world.tell_program(Program(kind="service"))
    cycle, [first, second] = await world.entitled(program, recipients=2)
    assert (first["status"], first["value_idr"], first["remaining"]) == ("reserved", LEG_IDR, 1)
    assert await world.accounts(program) == {
        "appropriation": (-100_000_000, 0),
        "budget": (95_000_000, -2),
        "unbudgeted": (0, 0),
        "committed": (2 * LEG_IDR, 2),
        "delivered": (0, 0),
        "returned": (0, 0),
    }

    session = await world.session(cycle["id"])
    done = await world.deliver(session, first["id"], serial_number="KP-0001")
    assert done.status_code == 201, done.text
    assert done.json()["remaining"] == 0
    assert done.json()["value_idr"] == LEG_IDR

    back = await world.post(
        f"/v1/deliveries/{done.json()['id']}/return",
        {
            "id": str(uuid4()),
            "quantity": 1,
            "reason": "ukuran tidak sesuai",
            "returned_on": "2026-03-12",
        },
    )
    assert back.status_code == 201, back.text
    assert back.json()["remaining"] == 1
    books = await world.accounts(program)
    assert books["delivered"] == (LEG_IDR, 1)
    assert books["returned"] == (-LEG_IDR, -1)
    assert books["committed"] == (2 * LEG_IDR, 2)

    void = await world.post(f"/v1/entitlements/{second['id']}/void", {"reason": "meninggal dunia"})
    assert void.status_code == 200, void.text
    assert void.json()["status"] == "void"
    books = await world.accounts(program)
    assert books["committed"] == (LEG_IDR, 1)
    assert books["budget"] == (97_500_000, -1)

    detail = await world.get(f"/v1/deliveries/{done.json()['id']}")
    assert detail.json()["returns"][0]["reason"] == "ukuran tidak sesuai"
    assert detail.json()["serial_number"] == "KP-0001"

    facts = await world.outbox(DeliveryCompletedV1.TYPE)
    assert [str(row["id"]) for row in facts] == [done.json()["id"]]
    [returned] = await world.outbox(DeliveryReturnedV1.TYPE)
    assert str(returned["id"]) == returned["aggregateid"]
    states = [
        row for row in await world.outbox(EntitlementStateV1.TYPE)
        if row["aggregateid"] == first["id"]
    ]  # fmt: skip
    assert [row["version"] for row in states] == [1, 2, 3]
    assert json.loads(states[1]["payload"])["status"] == "delivered"
    assert json.loads(states[2]["payload"])["delivered_value_idr"] == 0


async def test_generating_again_adds_only_who_is_new(world: World):
    program = await world.tell_program(Program())
    cycle, before = await world.entitled(program, recipients=2)
    again = await world.post(f"/v1/cycles/{cycle['id']}/entitlements/generate", None)
    assert again.json()["created"] == 0
    await world.recipients(program, 1)
    await world.hear()
    third = await world.post(f"/v1/cycles/{cycle['id']}/entitlements/generate", None)
    assert third.json()["created"] == 1
    assert third.json()["reserved_idr"] == LEG_IDR
    assert len(await world.entitlements(cycle["id"])) == len(before) + 1


async def test_more_than_what_is_left_is_refused_with_the_rest(world: World):
    program = await world.tell_program(Program(kind="service"))
    cycle, [entitlement] = await world.entitled(program, quantity=4)
    session = await world.session(cycle["id"])
    assert (await world.deliver(session, entitlement["id"], 3)).status_code == 201
    refused = await world.deliver(session, entitlement["id"], 2)
    assert refused.status_code == 409
    assert refused.json()["code"] == "over_delivery"
    assert refused.json()["detail"] == "Sisa jatah 1, diminta 2."
    assert (await world.deliver(session, entitlement["id"], 1)).json()["remaining"] == 0


async def test_the_same_delivery_sent_twice_is_one(world: World):
    program = await world.tell_program(Program(kind="service"))
    cycle, [entitlement] = await world.entitled(program, quantity=2)
    session = await world.session(cycle["id"])
    body = {**world.handed(entitlement["id"]), "session_id": session}
    headers = world.service.auth("admin_dinsos")
    first = await world.service.client.post("/v1/deliveries", json=body, headers=headers)
    replay = await world.service.client.post("/v1/deliveries", json=body, headers=headers)
    assert (first.status_code, replay.status_code) == (201, 201)
    assert first.json() == replay.json()
    new_key = await world.post("/v1/deliveries", body)
    assert (new_key.status_code, new_key.json()["code"]) == (409, "id_taken")
    [row] = await world.entitlements(cycle["id"])
    assert row["delivered_quantity"] == 1


async def test_a_known_ceiling_refuses_the_whole_generation_with_both_numbers(world: World):
    program = await world.tell_program(Program(ceiling_idr=2 * LEG_IDR))
    await world.recipients(program, 3)
    await world.hear()
    cycle = await world.cycle(program)
    refused = await world.post(f"/v1/cycles/{cycle['id']}/entitlements/generate", None)
    assert (refused.status_code, refused.json()["code"]) == (409, "ceiling_exceeded")
    assert refused.json()["detail"] == "Sisa pagu Rp5000000, dibutuhkan Rp7500000."
    assert await world.entitlements(cycle["id"]) == []


async def test_an_unknown_ceiling_blocks_nothing_and_is_seen_when_it_becomes_known(world: World):
    program = await world.tell_program(Program(ceiling_idr=None))
    await world.entitled(program, recipients=2)
    books = await world.accounts(program)
    assert books["unbudgeted"][0] == -2 * LEG_IDR
    program.ceiling_idr = 3 * LEG_IDR
    await world.tell_program(program)
    await world.hear()
    books = await world.accounts(program)
    assert books["unbudgeted"][0] == 0
    assert books["budget"][0] == LEG_IDR
    program.ceiling_idr = LEG_IDR
    await world.tell_program(program)
    await world.hear()
    books = await world.accounts(program)
    assert (books["unbudgeted"][0], books["budget"][0]) == (-LEG_IDR, 0)


async def test_the_four_figures_stand_beside_each_other(world: World):
    program = await world.tell_program(Program(kind="service"))
    cycle, [entitlement] = await world.entitled(program)
    unknown = await world.get(f"/v1/ledger/accounts?program_id={program.id}&year={YEAR}")
    assert unknown.json()["disbursement_orders_idr"] is None
    order = {
        "program_id": str(program.id),
        "year": YEAR,
        "number": "00123/SP2D/2026",
        "ordered_on": "2026-02-01",
        "amount_idr": 40_000_000,
    }
    assert (await world.post("/v1/ledger/disbursement-orders", order)).status_code == 201
    again = await world.post("/v1/ledger/disbursement-orders", order)
    assert (again.status_code, again.json()["code"]) == (409, "order_number_taken")
    await world.deliver(await world.session(cycle["id"]), entitlement["id"])
    books = (await world.get(f"/v1/ledger/accounts?program_id={program.id}&year={YEAR}")).json()
    assert books["ceiling_idr"] == 100_000_000
    assert books["aid_ceiling_idr"] == 80_000_000
    assert books["disbursement_orders_idr"] == 40_000_000
    assert books["handed_over_idr"] == LEG_IDR
    entries = await world.get(f"/v1/ledger/entries?program_id={program.id}&year={YEAR}&limit=2")
    kinds = [one["kind"] for one in entries.json()["data"]]
    rest = await world.get(
        f"/v1/ledger/entries?program_id={program.id}&year={YEAR}&limit=2"
        f"&cursor={entries.json()['next']}"
    )
    kinds += [one["kind"] for one in rest.json()["data"]]
    assert kinds == ["appropriate", "reserve", "deliver"]
    orders = await world.get(f"/v1/ledger/disbursement-orders?program_id={program.id}&year={YEAR}")
    assert [one["number"] for one in orders.json()["data"]] == ["00123/SP2D/2026"]


async def test_closing_a_cycle_releases_what_nobody_fetched(world: World):
    program = await world.tell_program(Program(kind="service"))
    cycle, [first, second] = await world.entitled(program, recipients=2, quantity=2)
    session = await world.session(cycle["id"])
    await world.deliver(session, first["id"], 1)
    closed = await world.post(f"/v1/cycles/{cycle['id']}/close", {"release_rest": True})
    assert closed.status_code == 200, closed.text
    assert closed.json()["released"] == 2
    rows = {row["id"]: row for row in await world.entitlements(cycle["id"])}
    assert (rows[first["id"]]["status"], rows[first["id"]]["quantity"]) == ("delivered", 1)
    assert (rows[second["id"]]["status"], rows[second["id"]]["void_reason"]) == (
        "void",
        "cycle_closed",
    )
    assert (await world.accounts(program))["committed"] == (0, 0)
    late = await world.deliver(session, first["id"], 1)
    assert (late.status_code, late.json()["code"]) == (409, "cycle_closed")


async def test_a_cycle_changes_only_for_who_knows_its_version(world: World):
    program = await world.tell_program(Program())
    await world.hear()
    cycle = await world.cycle(program, name="Tahap I")
    headers = world.service.auth("admin_dinsos")
    path = f"/v1/cycles/{cycle['id']}"
    client = world.service.client
    assert (await client.patch(path, json={"name": "A"}, headers=headers)).status_code == 428
    stale = {**world.service.auth("admin_dinsos"), "If-Match": '"9"'}
    assert (await client.patch(path, json={"name": "A"}, headers=stale)).status_code == 412
    fresh = {**world.service.auth("admin_dinsos"), "If-Match": '"1"'}
    changed = await client.patch(path, json={"name": "Tahap 1"}, headers=fresh)
    assert (changed.status_code, changed.headers["ETag"]) == (200, '"2"')
    assert (await world.get(path)).json()["name"] == "Tahap 1"
    twin = await world.post(
        "/v1/cycles",
        {
            "program_id": str(program.id),
            "name": "Tahap 1",
            "year": YEAR,
            "opens_on": "2026-01-01",
            "closes_on": "2026-02-01",
        },
    )
    assert (twin.status_code, twin.json()["code"]) == (409, "name_taken")


async def test_a_batch_is_all_or_nothing_and_names_each_wrong_row(world: World):
    program = await world.tell_program(Program())
    cycle, rows = await world.entitled(program, recipients=3)
    session = await world.session(cycle["id"])
    wrong = {
        "session_id": session,
        "rows": [
            world.handed(rows[0]["id"]),
            world.handed(rows[1]["id"], 5),
            world.handed(str(uuid4())),
            world.handed(rows[0]["id"]),
        ],
    }
    refused = await world.post("/v1/deliveries/batch", wrong)
    assert (refused.status_code, refused.json()["code"]) == (422, "batch_refused")
    assert [(one["pointer"], one["code"]) for one in refused.json()["errors"]] == [
        ("#/rows/1", "over_delivery"),
        ("#/rows/2", "not_found"),
        ("#/rows/3", "over_delivery"),
    ]
    assert all(row["delivered_quantity"] == 0 for row in await world.entitlements(cycle["id"]))
    right = {"session_id": session, "rows": [world.handed(row["id"]) for row in rows]}
    done = await world.post("/v1/deliveries/batch", right)
    assert done.status_code == 201, done.text
    assert [one["remaining"] for one in done.json()["data"]] == [0, 0, 0]
    listed = await world.get(f"/v1/deliveries?cycle_id={cycle['id']}&proof=false")
    assert len(listed.json()["data"]) == 3
    lanes = {row["lane"] for row in await world.outbox(DeliveryCompletedV1.TYPE)
             if row["aggregateid"] in {one["id"] for one in right["rows"]}}  # fmt: skip
    assert lanes == {"bulk"}


async def test_recipients_of_a_session_are_those_of_its_region(world: World):
    program = await world.tell_program(Program())
    await world.recipients(program, 1, region="62.02.07.2001")
    cycle, entitlements = await world.entitled(program, recipients=1)
    assert len(entitlements) == 2
    answer = await world.post(
        "/v1/sessions",
        {
            "cycle_id": cycle["id"],
            "place": "Balai desa",
            "held_on": "2026-03-10",
            "officer": "Petugas",
            "region_code": VILLAGE,
        },
    )
    listed = await world.get(f"/v1/sessions/{answer.json()['id']}/recipients")
    assert [one["region_code"] for one in listed.json()["data"]] == [VILLAGE]
