"""Guards that no other test would miss if they were gone; ``tests/mutants`` takes them out."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text

from services.shared import audit, audit_files, clock, parking, publishing
from services.shared.db import Transaction
from services.shared.events import CloudEvent, EventData, Received
from services.shared.ids import new_id
from services.shared.inbox import Inbox
from services.shared.outbox import Relay
from services.shared.parking import Delivery, Item
from services.shared.settling import OldGeneration, Settler
from tests.service.shared.conftest import Side, ThingSoldV1, ThingStateV1, publish, sales, things
from tests.support.service import Broker

KEY = Ed25519PrivateKey.generate()


async def test_what_cannot_be_told_or_audited_takes_its_rows_with_it(producer: Side) -> None:
    await producer.as_admin("ALTER TABLE audit_queue ADD CHECK (false)")
    with pytest.raises(Exception, match="audit_queue"):  # noqa: PT012 - the transaction is the point
        async with producer.db.transaction() as tx:
            await tx.execute(text("INSERT INTO things VALUES (gen_random_uuid(), 'a', 1, 1)"))
            tx.audit("thing.created", "thing/1", {}, actor="someone")
    await producer.as_admin("ALTER TABLE outbox ADD CHECK (false)")
    with pytest.raises(Exception, match="outbox"):  # noqa: PT012 - as above
        async with producer.db.transaction() as tx:
            await tx.execute(text("INSERT INTO things VALUES (gen_random_uuid(), 'a', 1, 1)"))
            tx.emit(ThingStateV1(thing_id=new_id()))
    assert await producer.count("things") == 0


async def test_what_nats_did_not_take_stays_unpublished(
    producer: Side, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server refuses one message of two: too large for its stream."""
    async with producer.db.transaction() as tx:
        tx.emit(ThingStateV1(thing_id=new_id(), label="x" * 1_000))
        tx.emit(ThingStateV1(thing_id=new_id(), label="a"))
    await relay.check_streams()
    original = publishing.message

    def widened(row: Any) -> publishing.Message:
        made = original(row)
        if len(made.body) < 1_000:
            return made
        # As sent by a producer with a wrong limit: NATS answers with an error, or cuts it off.
        headers = {**made.headers, "Nats-Expected-Stream": "ANOTHER"}
        return publishing.Message(made.place, made.stream, made.subject, headers, made.body)

    monkeypatch.setattr("services.shared.outbox.message", widened)
    with pytest.raises(publishing.PublishRefused):
        await relay.drain_once()
    rows = await producer.rows("SELECT published_at, payload::text FROM outbox")
    waiting = [row for row in rows if row["published_at"] is None]
    assert len(waiting) == 1
    assert "xxx" in waiting[0]["payload"]


async def test_a_consumer_killed_before_its_commit_has_acknowledged_nothing(
    broker: Broker, consumer: Side
) -> None:
    at_work = asyncio.Event()

    async def never_ready(_tx: Transaction, _events: Sequence[Received[Any]]) -> None:
        at_work.set()
        await asyncio.Event().wait()

    await publish(broker, ThingStateV1(thing_id=new_id(), label="a"))
    inbox = Inbox(consumer.db, consumer.client, "programs", [things(handle=never_ready)])
    working = asyncio.create_task(inbox.drain())
    await at_work.wait()
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    await consumer.client.flush()
    info = await (await broker.admin()).consumer_info("DISTRIBUTION_STATE", "programs-things-g1")
    assert info.ack_floor.stream_seq == 0
    assert (info.num_pending or 0) + (info.num_ack_pending or 0) == 1


def delivered(event: EventData, sequence: int, *, epoch: int = 1, version: int = 1) -> Item:
    """Return what the inbox makes of an event's message."""
    envelope = CloudEvent(
        id=str(new_id()),
        source="distribution",
        type=event.TYPE,
        time=clock.now().isoformat(),
        epoch=epoch,
        version=version,
        data=event.model_dump(mode="json"),
    )
    subject = f"{event.TYPE}.{event.key}"
    delivery = Delivery(envelope.to_bytes(), subject, event.STREAM, sequence, 1)
    return parking.read(delivery, {event.TYPE: type(event)})


async def test_a_batch_read_before_a_rebuild_is_not_applied_after_it(
    broker: Broker, consumer: Side
) -> None:
    """Its effects would stand beside those of the same events read again."""
    subscription = sales()
    settler = Settler(consumer.db)
    generation = await settler.generation(subscription)
    await broker.ensure_streams("distribution")
    await Inbox(consumer.db, consumer.client, "programs", [subscription]).rebuild("sales")
    with pytest.raises(OldGeneration):
        await settler.settle(
            subscription, generation, [delivered(ThingSoldV1(sale_id=new_id()), 1)]
        )
    assert await consumer.count("sales") == 0


async def test_of_one_things_states_in_a_batch_the_highest_reaches_the_handler(
    consumer: Side,
) -> None:
    seen: list[tuple[int, int]] = []

    async def note(_tx: Transaction, events: Sequence[Received[Any]]) -> None:
        seen.extend((event.epoch, event.version) for event in events)

    subscription = things(handle=note)
    settler = Settler(consumer.db)
    thing = ThingStateV1(thing_id=new_id())
    told = [(1, 9), (2, 2), (2, 1), (1, 10)]
    items = [
        delivered(thing, place, epoch=epoch, version=version)
        for place, (epoch, version) in enumerate(told, 1)
    ]
    await settler.settle(subscription, await settler.generation(subscription), items)
    assert seen == [(2, 2)]


async def test_an_entry_rewritten_together_with_its_own_hash_is_found_out(
    producer: Side, tmp_path: Path
) -> None:
    """One entry can be made to fit its hash again; the next one then does not."""
    for subject in ("a", "b", "c"):
        async with producer.db.transaction() as tx:
            tx.audit("pii.revealed", subject, {"why": "verifikasi"}, actor="ani")
    await audit.sign_root(producer.db, KEY)
    await producer.as_admin("UPDATE audit_entries SET actor = 'budi' WHERE subject = 'b'")
    [first, second] = await producer.rows(
        "SELECT c.index, c.hash, e.* FROM audit_chain c JOIN audit_entries e ON e.id = c.entry_id"
        " WHERE c.index <= 2 ORDER BY c.index"
    )
    forged = audit.entry_hash(2, first["hash"], second)
    await producer.as_admin("UPDATE audit_chain SET hash = $1 WHERE index = 2", forged)
    out = tmp_path / "audit.jsonl"
    await audit_files.export(producer.db, out)
    report = audit_files.verify(out, KEY.public_key())
    assert "entry 3 does not fit its hash" in report.faults
