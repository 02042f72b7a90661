import base64
from datetime import UTC, datetime
from uuid import UUID

import pytest
from fastapi import Response
from sqlalchemy import (
    Column,
    DateTime,
    Integer,
    MetaData,
    String,
    Table,
    Uuid,
    create_engine,
    select,
)
from starlette.requests import Request

from services.shared.pages import CursorSigner, Page, link_next, paginate
from services.shared.problems import Problem
from services.shared.sealing import generate_keyring

ROWS = Table(
    "rows",
    MetaData(),
    Column("id", Uuid, primary_key=True),
    Column("village", String, nullable=False),
    Column("rank", Integer, nullable=False),
    Column("at", DateTime, nullable=False),
)
KEYRING = generate_keyring()
SIGNER = CursorSigner(KEYRING)


class Reader:
    """The reading side of a transaction, over SQLite in memory."""

    def __init__(self) -> None:
        self.engine = create_engine("sqlite://")
        ROWS.metadata.create_all(self.engine)
        self.connection = self.engine.connect()
        for number in range(57):
            self.connection.execute(
                ROWS.insert(),
                {
                    "id": UUID(int=number),
                    "village": f"V{number % 5}",
                    "rank": number % 3,
                    "at": datetime(2026, 1, 1 + number % 4, tzinfo=UTC).replace(tzinfo=None),
                },
            )

    async def rows(self, stmt):
        return self.connection.execute(stmt).mappings().all()


@pytest.fixture
def tx():
    reader = Reader()
    yield reader
    reader.connection.close()
    reader.engine.dispose()


async def walk(tx, keys, limit=10):
    cursor, seen, sizes = None, [], []
    while True:
        found = await paginate(
            tx, select(ROWS), keys=keys, limit=limit, cursor=cursor, signer=SIGNER
        )
        seen += [row["id"] for row in found.rows]
        sizes.append(len(found.rows))
        if found.next is None:
            return seen, sizes
        cursor = found.next


@pytest.mark.parametrize(
    "keys",
    [
        [ROWS.c.id],
        [ROWS.c.id.desc()],
        [ROWS.c.village, ROWS.c.id],
        [ROWS.c.at.desc(), ROWS.c.id.desc()],
        [ROWS.c.rank.desc(), ROWS.c.village, ROWS.c.id],
        [ROWS.c.village, ROWS.c.at.desc(), ROWS.c.id.desc()],
    ],
)
async def test_walking_the_pages_gives_each_row_once_in_order(tx, keys):
    expected = [row["id"] for row in await tx.rows(select(ROWS).order_by(*keys))]
    seen, sizes = await walk(tx, keys)
    assert seen == expected
    assert sizes == [10, 10, 10, 10, 10, 7]


async def test_the_last_full_page_has_no_next(tx):
    _, sizes = await walk(tx, [ROWS.c.id], limit=19)
    assert sizes == [19, 19, 19]


async def test_a_page_is_never_longer_than_200_rows(tx):
    found = await paginate(
        tx, select(ROWS), keys=[ROWS.c.id], limit=10_000, cursor=None, signer=SIGNER
    )
    assert len(found.rows) == 57
    assert "_key_0" not in found.rows[0]


async def next_of(tx, **more):
    options = {"keys": [ROWS.c.id], "limit": 5, "cursor": None, "signer": SIGNER, **more}
    return (await paginate(tx, select(ROWS), **options)).next


async def assert_refused(tx, cursor, **more):
    with pytest.raises(Problem) as caught:
        await next_of(tx, cursor=cursor, **more)
    assert caught.value.kind.code == "cursor_invalid"


async def test_a_cursor_of_another_list_or_order_is_refused(tx):
    cursor = await next_of(tx, list_name="village=V1")
    await assert_refused(tx, cursor, list_name="village=V2")
    await assert_refused(tx, cursor, list_name="village=V1", keys=[ROWS.c.id.desc()])


async def test_a_changed_cursor_is_refused(tx):
    cursor = await next_of(tx)
    raw = bytearray(base64.urlsafe_b64decode(cursor + "=="))
    for position in range(len(raw)):
        changed = bytearray(raw)
        changed[position] ^= 1
        await assert_refused(tx, base64.urlsafe_b64encode(bytes(changed)).decode().rstrip("="))


@pytest.mark.parametrize("cursor", ["", "x", "!!!!", "é", "AAAA", "A" * 1999])
async def test_garbage_is_refused(tx, cursor):
    await assert_refused(tx, cursor)


async def test_a_cursor_signed_before_a_rotation_is_still_read(tx):
    cursor = await next_of(tx)
    rotated = CursorSigner(KEYRING.rotated("cursor"))
    assert await next_of(tx, cursor=cursor, signer=rotated) is not None


def test_the_link_header_leads_to_the_next_page_and_keeps_the_filters():
    scope = {
        "type": "http",
        "method": "GET",
        "scheme": "http",
        "server": ("inner", 8001),
        "path": "/v1/families",
        "query_string": b"village=62.02&cursor=old",
        "headers": [],
    }
    response = Response()
    link_next(Request(scope), response, Page[int](data=[1], next="new"))
    assert response.headers["link"] == '</v1/families?village=62.02&cursor=new>; rel="next"'

    last = Response()
    link_next(Request(scope), last, Page[int](data=[1]))
    assert "link" not in last.headers
