import asyncio
import json
from typing import Any

import pytest
from sqlalchemy import text

from services.shared import epochs, republishing
from services.shared.db import Lane, Transaction
from services.shared.events import CloudEvent
from services.shared.ids import new_id
from services.shared.locks import LockLost, try_lock
from services.shared.outbox import Relay
from tests.service.shared.conftest import Side, ThingSoldV1, ThingStateV1
from tests.support.service import Broker
from tests.support.waiting import wait_until


async def emit(side: Side, *events: Any, version: int = 1, lane: Lane = Lane.INTERACTIVE) -> None:
    async with side.db.transaction() as tx:
        for event in events:
            tx.emit(event, version=version, lane=lane)


async def messages(broker: Broker, stream: str) -> list[tuple[str, dict[str, Any]]]:
    """Every message of a stream, oldest first, as (subject, envelope)."""
    admin = await broker.admin()
    state = (await admin.stream_info(stream)).state
    found = []
    for sequence in range(state.first_seq, state.last_seq + 1):
        try:
            message = await admin.get_msg(stream, sequence)
        except Exception:  # noqa: BLE001 - replaced by a later one of the same subject
            continue
        found.append((message.subject, json.loads(message.data)))
    return found


async def test_an_event_is_published_as_a_strict_cloudevent(
    producer: Side, relay: Relay, broker: Broker
) -> None:
    thing = new_id()
    await emit(producer, ThingStateV1(thing_id=thing, label="Tiang"), version=5)
    assert await relay.drain_once() == 1
    [(subject, envelope)] = await messages(broker, "DISTRIBUTION_STATE")
    assert subject == f"distribution.thing.state.v1.{thing}"
    event = CloudEvent.model_validate_json(json.dumps(envelope))
    assert (event.source, event.epoch, event.version) == ("distribution", 1, 5)
    assert event.data["label"] == "Tiang"
    [row] = await producer.rows("SELECT * FROM outbox")
    assert row["published_at"] is not None
    assert row["published_seq"] == 1
    assert str(row["id"]) == event.id
    assert await relay.drain_once() == 0


async def test_only_the_highest_version_of_a_state_is_published(
    producer: Side, relay: Relay, broker: Broker
) -> None:
    thing = new_id()
    for version in (1, 2, 3):
        await emit(producer, ThingStateV1(thing_id=thing, label=str(version)), version=version)
    await relay.drain_once()
    [(_, envelope)] = await messages(broker, "DISTRIBUTION_STATE")
    assert envelope["version"] == 3
    rows = await producer.rows("SELECT version, superseded FROM outbox ORDER BY version")
    assert [row["superseded"] for row in rows] == [True, True, False]


async def test_an_older_version_that_commits_late_is_never_published(
    producer: Side, relay: Relay, broker: Broker
) -> None:
    thing = new_id()
    await emit(producer, ThingStateV1(thing_id=thing), version=8)
    await relay.drain_once()
    await emit(producer, ThingStateV1(thing_id=thing), version=7)
    await relay.drain_once()
    [(_, envelope)] = await messages(broker, "DISTRIBUTION_STATE")
    assert envelope["version"] == 8


async def test_a_row_with_a_lower_sequence_that_commits_later_is_not_lost(
    producer: Side, relay: Relay, broker: Broker
) -> None:
    async with producer.db.transaction() as early:
        early.emit(ThingStateV1(thing_id=new_id(), label="early"))
        await early.flush()
        await emit(producer, ThingStateV1(thing_id=new_id(), label="late"))
        await relay.drain_once()
    await relay.drain_once()
    labels = [
        envelope["data"]["label"] for _, envelope in await messages(broker, "DISTRIBUTION_STATE")
    ]
    assert labels == ["late", "early"]


async def test_facts_are_all_published_each_under_its_own_subject(
    producer: Side, relay: Relay, broker: Broker
) -> None:
    sales = [new_id(), new_id()]
    await emit(producer, *(ThingSoldV1(sale_id=sale) for sale in sales))
    await relay.drain_once()
    found = await messages(broker, "DISTRIBUTION_FACT")
    assert {subject for subject, _ in found} == {f"distribution.thing.sold.v1.{i}" for i in sales}


async def test_a_fact_told_again_keeps_its_id(producer: Side, broker: Broker) -> None:
    sale = new_id()

    async def current(tx: Transaction) -> Any:
        yield ThingSoldV1(sale_id=sale, amount_idr=5), 1

    relay = Relay(producer.db, producer.client, "distribution", [current])
    await emit(producer, ThingSoldV1(sale_id=sale, amount_idr=5))
    await relay.drain_once()
    assert await relay.republish() == 1
    assert await relay.drain_once() == 1
    assert {envelope["id"] for _, envelope in await messages(broker, "DISTRIBUTION_FACT")} == {
        str(sale)
    }


async def test_what_a_person_waits_for_goes_before_an_import(
    producer: Side, relay: Relay, broker: Broker
) -> None:
    async with producer.db.transaction() as tx:
        await tx.emit_many((ThingStateV1(thing_id=new_id(), label="bulk"), 1) for _ in range(1_200))
    await emit(producer, ThingStateV1(thing_id=new_id(), label="now"))
    await relay.drain_once()
    found = await messages(broker, "DISTRIBUTION_STATE")
    assert len(found) == 1_201
    assert found[0][1]["data"]["label"] == "now"
    rows = await producer.rows("SELECT DISTINCT published_seq FROM outbox")
    assert len(rows) == 1_201


async def test_a_refused_batch_is_published_singly(
    producer: Side, relay: Relay, broker: Broker
) -> None:
    async with producer.db.transaction() as tx:
        await tx.emit_many((ThingStateV1(thing_id=new_id()), 1) for _ in range(20))
    await relay.drain_once()
    # As after a crash between publishing and marking: the server refuses the duplicates.
    await producer.db.pool.fetch(
        "UPDATE outbox SET published_at = NULL, published_seq = NULL WHERE sequence % 2 = 0"
    )
    assert await relay.drain_once() == 10
    assert len(await messages(broker, "DISTRIBUTION_STATE")) == 20
    assert await producer.rows("SELECT 1 FROM outbox WHERE published_at IS NULL") == []


async def test_a_deleted_stream_is_made_again_and_filled_from_the_tables(
    producer: Side, broker: Broker
) -> None:
    things = [new_id(), new_id()]

    async def current(tx: Transaction) -> Any:
        for thing in things:
            yield ThingStateV1(thing_id=thing, label="from the table"), 9

    relay = Relay(producer.db, producer.client, "distribution", [current])
    await emit(producer, ThingStateV1(thing_id=things[0]), version=9)
    sale = new_id()
    await emit(producer, ThingSoldV1(sale_id=sale, amount_idr=5))
    await relay.drain_once()
    admin = await broker.admin()
    await admin.delete_stream("DISTRIBUTION_STATE")
    await admin.delete_stream("DISTRIBUTION_FACT")
    await relay.drain_once()
    states = await messages(broker, "DISTRIBUTION_STATE")
    assert {envelope["data"]["thing_id"] for _, envelope in states} == {str(i) for i in things}
    assert {envelope["data"]["label"] for _, envelope in states} == {"from the table"}
    [(_, fact)] = await messages(broker, "DISTRIBUTION_FACT")
    assert fact["data"]["sale_id"] == str(sale)


async def test_a_stream_emptied_behind_our_back_is_filled_again(
    producer: Side, relay: Relay, broker: Broker
) -> None:
    await emit(producer, ThingStateV1(thing_id=new_id()))
    await relay.drain_once()
    admin = await broker.admin()
    await admin.delete_stream("DISTRIBUTION_STATE")
    await broker.ensure_streams("distribution")
    await relay.drain_once()
    assert len(await messages(broker, "DISTRIBUTION_STATE")) == 1


async def test_republishing_uses_fresh_ids_and_the_raised_epoch(
    producer: Side, broker: Broker
) -> None:
    thing = new_id()

    async def current(tx: Transaction) -> Any:
        yield ThingStateV1(thing_id=thing, label="kept"), 3

    relay = Relay(producer.db, producer.client, "distribution", [current])
    await emit(producer, ThingStateV1(thing_id=thing, label="lost by the restore"), version=50)
    await relay.drain_once()
    [(_, before)] = await messages(broker, "DISTRIBUTION_STATE")
    # A restore: the row of version 50 is gone, the table holds version 3 again.
    await producer.db.pool.fetch("DELETE FROM outbox")
    epoch = await epochs.raise_epoch(producer.db)
    assert await relay.republish() == 1
    await relay.drain_once()
    [(_, after)] = await messages(broker, "DISTRIBUTION_STATE")
    assert after["id"] != before["id"]
    assert (after["epoch"], after["version"]) == (epoch, 3)
    assert epoch > 1
    assert after["data"]["label"] == "kept"


async def test_a_state_told_again_is_no_duplicate_of_its_first_telling(
    producer: Side, broker: Broker
) -> None:
    thing = ThingStateV1(thing_id=new_id())

    async def current(tx: Transaction) -> Any:
        yield thing, 3

    relay = Relay(producer.db, producer.client, "distribution", [current])
    await emit(producer, thing, version=3)
    await relay.drain_once()
    await relay.republish()
    await relay.drain_once()
    stream = await (await broker.admin()).stream_info("DISTRIBUTION_STATE")
    assert stream.state.last_seq == 2


async def test_two_raised_epochs_differ_even_after_a_second_restore(producer: Side) -> None:
    first = await epochs.raise_epoch(producer.db)
    assert await epochs.raise_epoch(producer.db) > first
    await producer.db.pool.fetch("UPDATE epoch SET value = 1")
    assert await epochs.raise_epoch(producer.db) >= first


async def test_an_emitter_under_way_ends_before_the_republishing_reads(producer: Side) -> None:
    seen: list[int] = []

    async def current(tx: Transaction) -> Any:
        seen.append(await tx.scalar(text("SELECT count(*) FROM things")))
        return
        yield

    relay = Relay(producer.db, producer.client, "distribution", [current])
    async with producer.db.transaction() as tx:
        await tx.execute(text("INSERT INTO things VALUES (gen_random_uuid(), 'a', 1, 1)"))
        tx.emit(ThingStateV1(thing_id=new_id()))
        await tx.flush()
        republishing = asyncio.create_task(relay.republish())

        async def decided() -> bool:
            return republishing.done() or await producer.db.pool.fetchval(
                "SELECT count(*) > 0 FROM pg_locks JOIN pg_database ON database = pg_database.oid"
                " WHERE datname = current_database() AND locktype = 'advisory' AND NOT granted"
            )

        await wait_until(decided)
        assert not republishing.done()
    await republishing
    assert seen == [1]


async def test_a_second_relay_publishes_nothing_while_the_first_holds_the_lock(
    producer: Side, relay: Relay
) -> None:
    await emit(producer, ThingStateV1(thing_id=new_id()))
    async with try_lock(producer.db, "relay") as lock:
        assert lock is not None
        assert await relay.drain_once() == 0
    assert await relay.drain_once() == 1


async def test_a_lock_whose_session_ended_says_so(producer: Side) -> None:
    async with try_lock(producer.db, "relay") as lock:
        assert lock is not None
        await lock.check()
        await _end_sessions(producer)
        with pytest.raises(LockLost):
            await lock.check()


async def test_a_running_relay_is_woken_by_a_commit_and_survives_lost_sessions(
    producer: Side, relay: Relay
) -> None:
    stop = asyncio.Event()
    running = asyncio.create_task(relay.run(stop))
    try:
        await emit(producer, ThingStateV1(thing_id=new_id()))
        await wait_until(lambda: _all_published(producer), 5)
        await _end_sessions(producer)
        await emit(producer, ThingStateV1(thing_id=new_id()))
        await wait_until(lambda: _all_published(producer), 10)
    finally:
        stop.set()
        await asyncio.wait_for(running, 5)


async def test_the_purge_takes_old_settled_rows_and_leaves_the_unpublished(
    producer: Side, relay: Relay
) -> None:
    await emit(producer, ThingStateV1(thing_id=new_id(), label="old"))
    await relay.drain_once()
    await emit(producer, ThingStateV1(thing_id=new_id(), label="waiting"))
    await producer.db.pool.fetch(
        "UPDATE outbox SET occurred_at = now() - $1::interval,"
        " published_at = published_at - $1::interval",
        republishing.KEPT * 2,
    )
    await emit(producer, ThingStateV1(thing_id=new_id(), label="young"))
    assert await republishing.purge(producer.db) == 1
    rows = await producer.rows("SELECT payload->>'label' AS label FROM outbox ORDER BY sequence")
    assert [row["label"] for row in rows] == ["waiting", "young"]


async def _all_published(side: Side) -> bool:
    return await side.rows("SELECT 1 FROM outbox WHERE published_at IS NULL") == []


async def _end_sessions(side: Side) -> None:
    await side.as_admin(
        "SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
