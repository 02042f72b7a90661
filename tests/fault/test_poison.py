"""F10 and F11: repeated, shuffled, stale and poisonous messages; the right ones count, once."""

import hashlib
import random
from typing import Any

import orjson
import pytest

from services.shared.publishing import message
from tests.fault.conftest import Run
from tests.support.callers import reported
from tests.support.faults.checker import Databases, check_at_the_end, check_now
from tests.support.faults.history import History, Outcome
from tests.support.faults.journey import Journey
from tests.support.faults.longhouse import Longhouse
from tests.support.faults.poison import TOO_BIG, Poison, confusions, poisons
from tests.support.system import AgencyClient
from tests.support.waiting import wait_until

FULL_ROUNDS = 50
TOLD_S = 120
PRODUCERS = ("registry", "programs", "distribution")
NEWEST = """
SELECT * FROM (SELECT DISTINCT ON (type, aggregateid) id, sequence, type, kind, stream, source,
    aggregateid, epoch, version, traceparent, occurred_at, payload::text AS payload
    FROM outbox WHERE published_at IS NOT NULL
    ORDER BY type, aggregateid, epoch DESC, version DESC) AS newest
ORDER BY md5(aggregateid || $1) LIMIT 12
"""


async def test_f10_repeated_shuffled_and_stale_events_change_nothing(
    longhouse: Longhouse, journey: Journey, databases: Databases, run: Run
) -> None:
    draw = random.Random(journey.history.seed)
    for number in run.rounds(FULL_ROUNDS):
        await journey.prepare()
        await journey.deliver()
        await check_at_the_end(journey.history, databases)
        for producer in PRODUCERS:
            rows = await databases[producer].fetch(NEWEST, str(number))
            stream = (await longhouse.broker.connect(producer)).jetstream()
            mixed = [confusions(each.subject, each.body, draw) for each in map(message, rows)]
            # Each list keeps its order; they are dealt out by chance among each other.
            while mixed:
                chosen = draw.choice(mixed)
                each = chosen.pop(0)
                await stream.publish(each.subject, each.body)
                if each.parked:
                    note_poison(journey.history, "poison of fact", each.body)
                mixed = [rest for rest in mixed if rest]
        await tell_twice_and_otherwise(journey)
        await check_now(journey.history, databases)
    await check_at_the_end(journey.history, databases)


async def tell_twice_and_otherwise(journey: Journey) -> None:
    """Let the agency repeat an event without its message id, then use its id for another."""
    right = journey.draw.choice(journey.entitlements)
    for kind, data, other in (
        ("report", *_programs(journey)),
        ("report of delivery", *_deliveries(journey, right)),
    ):
        event = reported(journey.agency, data, type=_type_of(kind))
        await journey.publish(kind, event)
        for _ in range(2):
            await send(journey.agency, event["type"], orjson.dumps(event), {})
        body = orjson.dumps(event | {"data": other})
        await send(journey.agency, event["type"], body, {})
        note_poison(journey.history, kind.replace("report", "poison"), body)


def _type_of(kind: str) -> str:
    return "skpd.delivery.reported.v1" if "delivery" in kind else "skpd.program.reported.v1"


def _programs(journey: Journey) -> tuple[dict[str, Any], dict[str, Any]]:
    described = journey.program(f"DUA-{journey.draw.getrandbits(48):X}")
    return described, described | {"name": "Nama yang lain"}


def _deliveries(journey: Journey, right: str) -> tuple[dict[str, Any], dict[str, Any]]:
    handed = journey.handover(right)
    return handed, handed | {"quantity": 2}


async def test_f11_poison_is_parked_with_a_sentence_told_back_and_blocks_nobody(
    longhouse: Longhouse, journey: Journey, databases: Databases, run: Run
) -> None:
    draw = random.Random(journey.history.seed)
    notices = await journey.agency.hear()
    for _ in run.rounds(FULL_ROUNDS):
        await journey.prepare()
        sent: dict[int, Poison] = {}
        for poison in poisons(journey.agency, draw):
            place = await send(journey.agency, poison.subject, poison.body, poison.headers)
            note_poison(journey.history, "poison", poison.body)
            sent[place] = poison
            if draw.random() < 0.3:
                await journey.report_delivery()
        await refused_by_the_server(longhouse, journey.history)
        code = await journey.report_program(f"SEHAT-{draw.getrandbits(40):X}")
        told = await heard_back(longhouse, notices, sent)
        for place, poison in sent.items():
            notice = told[place]
            assert notice["code"] in poison.reasons, f"{poison.name}: {notice}"
            assert notice["detail"].strip(), poison.name
        await check_at_the_end(journey.history, databases)
        assert journey.history.outcomes()["report", code] is Outcome.OK
        await every_reason_is_kept(databases, sent)
    await notices.unsubscribe()
    longhouse.all_live()


async def send(agency: AgencyClient, subject: str, body: bytes, headers: dict[str, str]) -> int:
    """Publish any bytes as the agency; return their place in its stream."""
    stream = agency.client.jetstream()
    acknowledged = await stream.publish(f"events.{subject}", body, headers=headers or None)
    return int(acknowledged.seq)


def note_poison(history: History, kind: str, body: bytes) -> None:
    """Note what JetStream took and consumers must park: the same bytes once, and for ever."""
    call = history.invoke("DINSOS", kind, hashlib.sha256(body).hexdigest())
    history.end(call, Outcome.OK, "acknowledged")


async def refused_by_the_server(longhouse: Longhouse, history: History) -> None:
    """Try 1 MiB, more than an agency's message may be: the server ends the line, not the agency."""
    other = AgencyClient("DINSOS", await longhouse.broker.connect("skpd-dinsos"))
    event = reported(other, {"code": "x" * TOO_BIG})

    async def tell() -> Any:
        return await other.tell(event["type"], orjson.dumps(event), event["id"])

    assert not await history.publish("DINSOS", "report", event["id"], tell)


async def heard_back(
    longhouse: Longhouse, notices: Any, sent: dict[int, Poison]
) -> dict[int, dict[str, Any]]:
    """Wait for the agency's notice of each; return them by place in its stream."""
    told: dict[int, dict[str, Any]] = {}

    async def untold() -> list[str]:
        while notices.pending_msgs:
            data = orjson.loads((await notices.next_msg(1)).data)["data"]
            told[data["stream_sequence"]] = data
        return [poison.name for place, poison in sent.items() if place not in told]

    async def all_told() -> bool:
        longhouse.all_live()
        return not await untold()

    try:
        await wait_until(all_told, TOLD_S)
    except AssertionError as error:
        pytest.fail(f"not told of: {await untold()}\n{error}")
    return told


async def every_reason_is_kept(databases: Databases, sent: dict[int, Poison]) -> None:
    rows = await databases["programs"].fetch(
        "SELECT stream_sequence, reason_code, reason_detail FROM parked_events"
        " WHERE stream = 'IN_DINSOS' AND stream_sequence = ANY($1)",
        list(sent),
    )
    assert all(row["reason_code"] and row["reason_detail"].strip() for row in rows)
