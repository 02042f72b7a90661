import uuid

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.shared.db import EventRefused, Lane
from services.shared.ids import new_id
from tests.service.shared.conftest import Side, ThingSoldV1, ThingStateV1


async def test_a_transaction_commits_rows_events_and_audit_together(producer: Side) -> None:
    thing = new_id()
    async with producer.db.transaction() as tx:
        await tx.execute(text("INSERT INTO things VALUES (:id, 'a', 1, 1)"), {"id": thing})
        tx.emit(ThingStateV1(thing_id=thing, label="a"), version=3)
        tx.audit("thing.created", f"thing/{thing}", {"label": "a"}, actor="someone")
    assert await producer.count("things") == 1
    [event] = await producer.rows("SELECT * FROM outbox")
    assert (event["type"], event["aggregateid"], event["version"], event["epoch"]) == (
        "distribution.thing.state.v1", str(thing), 3, 1,
    )  # fmt: skip
    assert (event["aggregatetype"], event["kind"], event["lane"], event["source"]) == (
        "distribution.thing", "state", "interactive", "distribution",
    )  # fmt: skip
    assert await producer.count("audit_entries") == 1
    assert await producer.count("audit_queue") == 1


async def test_a_raising_transaction_leaves_nothing(producer: Side) -> None:
    with pytest.raises(RuntimeError):  # noqa: PT012 - the transaction is the point
        async with producer.db.transaction() as tx:
            await tx.execute(text("INSERT INTO things VALUES (gen_random_uuid(), 'a', 1, 1)"))
            tx.emit(ThingStateV1(thing_id=new_id()))
            tx.audit("x", "y", {}, actor="z")
            await tx.flush()
            raise RuntimeError
    for table in ("things", "outbox", "audit_entries", "audit_queue"):
        assert await producer.count(table) == 0


async def test_a_copy_as_first_statement_is_rolled_back_with_the_rest(producer: Side) -> None:
    with pytest.raises(RuntimeError):  # noqa: PT012 - the transaction is the point
        async with producer.db.transaction() as tx:
            await tx.copy("sales", ["id", "amount_idr"], [(uuid.uuid4(), 1)])
            raise RuntimeError
    assert await producer.count("sales") == 0


async def test_events_emitted_in_bulk_as_first_statement_are_rolled_back(producer: Side) -> None:
    with pytest.raises(RuntimeError):  # noqa: PT012 - the transaction is the point
        async with producer.db.transaction() as tx:
            await tx.emit_many([(ThingStateV1(thing_id=new_id()), 1)])
            raise RuntimeError
    assert await producer.count("outbox") == 0


async def test_many_events_are_emitted_by_the_bulk_lane_in_order(producer: Side) -> None:
    ids = [new_id() for _ in range(4_500)]
    async with producer.db.transaction() as tx:
        assert await tx.emit_many((ThingStateV1(thing_id=i), 7) for i in ids) == len(ids)
    rows = await producer.rows("SELECT aggregateid, lane, version FROM outbox ORDER BY sequence")
    assert [row["aggregateid"] for row in rows] == [str(i) for i in ids]
    assert {row["lane"] for row in rows} == {Lane.BULK}
    assert {row["version"] for row in rows} == {7}


async def test_the_position_names_the_first_state_rather_than_a_fact(producer: Side) -> None:
    thing, sale = new_id(), new_id()
    async with producer.db.transaction() as tx:
        tx.emit(ThingSoldV1(sale_id=sale))
        await tx.flush()
        assert tx.position == f"distribution.thing.sold.v1/{sale}"
        tx.emit(ThingStateV1(thing_id=thing), version=4)
        await tx.flush()
        assert tx.position == f"distribution.thing.state.v1/{thing}/1/4"


async def test_one_notification_is_sent_for_many_events_and_none_on_rollback(
    producer: Side,
) -> None:
    heard: list[str] = []
    listener = await producer.db.connect()
    await listener.add_listener("outbox_distribution", lambda *_: heard.append("!"))
    try:
        with pytest.raises(RuntimeError):  # noqa: PT012 - the transaction is the point
            async with producer.db.transaction() as tx:
                tx.emit(ThingStateV1(thing_id=new_id()))
                await tx.flush()
                raise RuntimeError
        async with producer.db.transaction() as tx:
            tx.emit(ThingStateV1(thing_id=new_id()))
            await tx.flush()
            tx.emit(ThingStateV1(thing_id=new_id()))
            await tx.emit_many([(ThingStateV1(thing_id=new_id()), 1)])
        await listener.execute("SELECT 1")
        assert heard == ["!"]
    finally:
        await listener.close()


async def test_an_event_too_large_for_nats_is_refused(producer: Side) -> None:
    with pytest.raises(EventRefused) as refused:
        async with producer.db.transaction() as tx:
            tx.emit(ThingStateV1(thing_id=new_id(), label="x" * 900_000))
    assert refused.value.code == "event_too_large"


@pytest.mark.parametrize("label", ["a\0b", "\0", "\\\0"])
async def test_an_event_with_a_nul_is_refused_before_it_reaches_sql(
    producer: Side, label: str
) -> None:
    with pytest.raises(EventRefused) as refused:
        async with producer.db.transaction() as tx:
            tx.emit(ThingStateV1(thing_id=new_id(), label=label))
    assert refused.value.code == "nul_character"


async def test_a_backslash_before_u0000_is_text_and_kept(producer: Side) -> None:
    async with producer.db.transaction() as tx:
        tx.emit(ThingStateV1(thing_id=new_id(), label="\\u0000"))
    [row] = await producer.rows("SELECT payload->>'label' AS label FROM outbox")
    assert row["label"] == "\\u0000"


async def test_a_read_sees_one_snapshot_and_cannot_write(producer: Side) -> None:
    async with producer.db.reading() as reader:
        assert await reader.scalar(text("SELECT count(*) FROM things")) == 0
        async with producer.db.transaction() as tx:
            await tx.execute(text("INSERT INTO things VALUES (gen_random_uuid(), 'a', 1, 1)"))
        assert await reader.scalar(text("SELECT count(*) FROM things")) == 0
        with pytest.raises(DBAPIError, match="read-only"):
            await reader.execute(text("DELETE FROM things"))
    async with producer.db.transaction() as tx:
        # The pool's connection is writable again.
        await tx.execute(text("DELETE FROM things"))


async def test_the_app_role_cannot_change_append_only_tables(producer: Side) -> None:
    for table in ("audit_entries", "audit_chain", "audit_roots"):
        for statement in (f"DELETE FROM {table}", f"TRUNCATE {table}"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await producer.db.pool.fetch(statement)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await producer.db.pool.fetch("UPDATE audit_entries SET actor = 'x'")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await producer.db.pool.fetch("CREATE TABLE mine (id int)")
