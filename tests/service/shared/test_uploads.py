import asyncio
import hashlib
import os
import socket
from datetime import timedelta
from typing import ClassVar
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest
from pydantic_settings import SettingsConfigDict
from sqlalchemy import text, update
from sqlalchemy.ext.asyncio import create_async_engine

from deploy.local.environment import service_environment
from services.shared import clock, upload_rows
from services.shared.http import create_service_app
from services.shared.migrations import create_shared_tables_v1, grant
from services.shared.roles import Role
from services.shared.settings import ServiceSettings
from services.shared.tables import TABLES, new_metadata
from services.shared.uploads import UploadPurpose, uploads_router
from tests.support.object_store import BUCKET, as_variable, object_store
from tests.support.service import environment
from tests.support.serving import serving
from tests.support.waiting import wait_until
from tests.unit.shared.test_blobs import photo

BASE = "/v1/uploads/registry"
PURPOSES = [
    UploadPurpose(
        name="residents",
        media_types=frozenset({"text/csv"}),
        size_max=5_000_000,
        senders=frozenset({Role.OPERATOR_DESA}),
        readers=frozenset({Role.KADES, Role.VERIFIKATOR_DINSOS}),
    ),
    UploadPurpose(
        name="photo",
        media_types=frozenset({"image/jpeg", "application/pdf"}),
        size_max=1_000_000,
        senders=frozenset({Role.PENYALUR}),
        readers=frozenset(),
        kept_for=timedelta(days=365),
    ),
]


class UploadSettings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="REGISTRY_")
    service_name: str = "registry"
    keeps_files: ClassVar[bool] = True


class Bind:
    """What ``create_shared_tables_v1`` needs of alembic's operations."""

    def __init__(self, connection) -> None:
        self.connection = connection

    def get_bind(self):
        return self.connection


@pytest.fixture(scope="module", params=["folder", "s3"])
def place(request, tmp_path_factory):
    """Give where files lie: the variable that says so, and the folder where a test can look."""
    folder = tmp_path_factory.mktemp("objects")
    if request.param == "folder":
        yield {"REGISTRY_BLOB_DIR": str(folder)}, folder
        return
    with object_store(folder) as store:
        yield {"REGISTRY_BLOB_S3": as_variable(store)}, folder / BUCKET


@pytest.fixture
def objects(place):
    return place[1]


@pytest.fixture(scope="module")
async def app(stack, broker, place):
    urls = await stack.empty_database("registry")
    owner = create_async_engine(
        urls.owner.replace("postgresql://", "postgresql+asyncpg://"),
        connect_args={"server_settings": {"search_path": "registry"}},
    )
    async with owner.begin() as connection:
        await connection.execute(text("CREATE SCHEMA IF NOT EXISTS registry"))
        await connection.run_sync(lambda sync: create_shared_tables_v1(Bind(sync)))
        target = stack.target("registry", urls)
        await connection.run_sync(lambda sync: grant(sync, target, new_metadata()))
    await owner.dispose()
    variables = service_environment("registry", urls, stack.around(broker.server))
    del variables["REGISTRY_BLOB_DIR"]
    with environment(variables | place[0]):
        settings = UploadSettings()
    built = create_service_app(
        settings, title="uploads", routers=[uploads_router("registry", PURPOSES)]
    )
    yield built
    await built.state.db.close()
    await built.state.verifier.close()


@pytest.fixture(scope="module")
async def address(app):
    async with serving(app, lifespan="off") as opened:
        yield opened


@pytest.fixture
async def client(address):
    async with httpx.AsyncClient(base_url=address, trust_env=False) as opened:
        yield opened


@pytest.fixture
def caller(stack):
    def headers(
        role="operator_desa", region="62.02.06.2005", subject=None, agency=None, **more
    ) -> dict:
        token = stack.signer.token(
            subject=subject or role, roles=[role], regions=[region], agency=agency
        )
        return {"Authorization": f"Bearer {token}", **more}

    return headers


async def announce(client, headers, **changed) -> httpx.Response:
    body = {
        "file_name": "penduduk.csv",
        "size": 10,
        "media_type": "text/csv",
        "purpose": "residents",
        "region_code": "62.02.06.2005",
        **changed,
    }
    return await client.post(BASE, json=body, headers={**headers, "Idempotency-Key": str(uuid4())})


async def begin(client, headers, content: bytes, **changed) -> str:
    answer = await announce(client, headers, size=len(content), **changed)
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"{BASE}/{answer.json()['id']}"
    return answer.headers["location"]


async def send(client, place, headers, offset, content) -> httpx.Response:
    return await client.patch(
        place, content=content, headers={**headers, "Upload-Offset": str(offset)}
    )


async def test_a_file_sent_in_pieces_is_kept_encrypted_and_comes_back(client, caller, objects):
    content = os.urandom(3_000_000)
    place = await begin(client, caller(), content)
    offset = 0
    for size in (1, 99_999, 1_000_000, 1_900_000):
        answer = await send(client, place, caller(), offset, content[offset : offset + size])
        offset += size
        assert (answer.status_code, answer.headers["upload-offset"]) == (204, str(offset))

    view = (await client.get(place, headers=caller())).json()
    assert view["sha256"] == hashlib.sha256(content).hexdigest()
    assert view["received"] == view["size"] == 3_000_000
    assert view["finished_at"] is not None
    downloaded = await client.get(f"{place}/content", headers=caller())
    assert downloaded.content == content
    assert downloaded.headers["content-disposition"].startswith("attachment")
    assert downloaded.headers["x-content-type-options"] == "nosniff"

    files = [path for path in objects.rglob("*") if path.is_file()]
    assert len([path for path in files if view["id"].replace("-", "") in str(path)]) == 0
    assert all(content[:64] not in path.read_bytes() for path in files)


async def test_after_a_broken_line_the_upload_goes_on_where_it_stopped(client, caller, address):
    content = os.urandom(2_000_000)
    place = await begin(client, caller(), content)
    parts = urlsplit(address)
    line = socket.create_connection((parts.hostname, parts.port))
    head = (
        f"PATCH {place} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(content)}\r\n"
        f"Authorization: {caller()['Authorization']}\r\nUpload-Offset: 0\r\n\r\n"
    )
    await asyncio.to_thread(line.sendall, head.encode() + content[:700_000])
    line.shutdown(socket.SHUT_WR)
    line.close()

    async def kept() -> int:
        return int((await client.head(place, headers=caller())).headers["upload-offset"])

    offset = await wait_until(kept)
    assert 0 < offset <= 700_000
    answer = await send(client, place, caller(), offset, content[offset:])
    assert answer.status_code == 204
    assert (await client.get(f"{place}/content", headers=caller())).content == content


async def test_a_wrong_offset_is_409_and_tells_the_right_one(client, caller):
    place = await begin(client, caller(), b"0123456789")
    await send(client, place, caller(), 0, b"0123")
    for offset in (0, 3, 5, 10):
        answer = await send(client, place, caller(), offset, b"x")
        assert (answer.status_code, answer.json()["code"]) == (409, "upload_offset_wrong")
        assert answer.headers["upload-offset"] == "4"
    missing = await client.patch(place, content=b"x", headers=caller())
    assert missing.status_code == 422


async def test_a_finished_upload_takes_nothing_more(client, caller):
    place = await begin(client, caller(), b"0123456789")
    await send(client, place, caller(), 0, b"0123456789")
    assert (await send(client, place, caller(), 10, b"")).status_code == 409
    assert (await send(client, place, caller(), 0, b"0123456789")).status_code == 409


async def test_more_than_announced_is_413_and_changes_nothing(client, caller):
    place = await begin(client, caller(), b"0123456789")
    assert (await send(client, place, caller(), 0, b"0123456789X")).status_code == 413

    async def chunked():
        yield b"01234567"
        yield b"89XYZ"

    assert (await send(client, place, caller(), 0, chunked())).status_code == 413
    assert (await client.head(place, headers=caller())).headers["upload-offset"] == "0"


async def test_two_senders_at_one_offset_do_not_mix(client, caller):
    contents = [bytes([65 + number]) * 400_000 for number in range(4)]
    place = await begin(client, caller(), contents[0])
    answers = await asyncio.gather(
        *(send(client, place, caller(), 0, content) for content in contents)
    )
    assert {answer.status_code for answer in answers} <= {204, 409}
    kept = (await client.get(f"{place}/content", headers=caller())).content
    assert kept in contents


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"size": 5_000_001}, 413, "too_large"),
        ({"size": 0}, 422, "validation_failed"),
        ({"media_type": "text/html"}, 415, "upload_type_refused"),
        ({"purpose": "photo"}, 422, "upload_purpose_unknown"),
        ({"purpose": "other"}, 422, "upload_purpose_unknown"),
        ({"region_code": "62.02.06.2006"}, 403, "region_foreign"),
        ({"file_name": "data 6202064107909001.csv"}, 422, "validation_failed"),
        ({"file_name": "../x.csv"}, 422, "validation_failed"),
        ({"file_name": 'x"\r\nSet-Cookie: a'}, 422, "validation_failed"),
    ],
)
async def test_what_may_not_be_sent_is_refused_when_announced(
    client, caller, changed, status, code
):
    answer = await announce(client, caller(), **changed)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert "6202064107909001" not in answer.text


async def test_only_the_owner_sends_and_readers_see_their_regions(client, caller):
    place = await begin(client, caller(), b"0123456789")
    await send(client, place, caller(), 0, b"0123456789")

    async def sees(**who) -> int:
        return (await client.get(f"{place}/content", headers=caller(**who))).status_code

    assert await sees(role="kades") == 200
    assert await sees(role="verifikator_dinsos", region="62.02") == 200
    assert await sees(role="kades", region="62.02.06.2006") == 404
    assert await sees(role="operator_desa", subject="another") == 404
    assert await sees(role="analis_tkpkd", region="62.02") == 403
    foreign = await send(client, place, caller(subject="another"), 10, b"")
    assert foreign.status_code == 404
    assert (await client.get(f"{BASE}/{uuid4()}", headers=caller())).status_code == 404
    assert (await client.get(place)).status_code == 401


async def test_what_an_agency_sent_is_read_by_that_agency_only(client, caller):
    sender = caller(agency="DP3AP2KB")
    place = await begin(client, sender, b"0123456789")
    await send(client, place, sender, 0, b"0123456789")
    for agency, status in (("DP3AP2KB", 200), ("DINSOS", 404), (None, 404)):
        reader = caller(role="verifikator_dinsos", region="62.02", agency=agency)
        for path in (place, f"{place}/content"):
            assert (await client.get(path, headers=reader)).status_code == status


async def test_an_unfinished_upload_cannot_be_downloaded(client, caller):
    place = await begin(client, caller(), b"0123456789")
    answer = await client.get(f"{place}/content", headers=caller())
    assert (answer.status_code, answer.json()["code"]) == (409, "upload_not_finished")


async def test_a_photo_tells_where_it_was_taken_and_keeps_only_the_picture(client, caller):
    sender = caller(role="penyalur")
    content = photo()
    what = {"purpose": "photo", "media_type": "image/jpeg", "file_name": "bukti.jpg"}
    place = await begin(client, sender, content, **what)
    assert (await send(client, place, sender, 0, content)).status_code == 204

    view = (await client.get(place, headers=sender)).json()
    assert view["latitude"] == pytest.approx(-2.54)
    kept = (await client.get(f"{place}/content", headers=sender)).content
    assert b"SecretCamera" in content
    assert b"SecretCamera" not in kept
    assert hashlib.sha256(kept).hexdigest() == view["sha256"]


@pytest.mark.parametrize("media_type", ["image/jpeg", "application/pdf"])
async def test_a_file_that_is_not_what_it_says_is_dropped(client, caller, media_type):
    sender = caller(role="penyalur")
    content = b"<html>not a photo</html>"
    place = await begin(client, sender, content, purpose="photo", media_type=media_type)
    answer = await send(client, place, sender, 0, content)
    assert (answer.status_code, answer.json()["code"]) == (422, "file_damaged")
    assert (await client.get(place, headers=sender)).status_code == 404


async def test_equal_contents_are_kept_once_and_deleted_with_the_last_upload(
    client, caller, app, objects
):
    db, content = app.state.db, os.urandom(1000)
    identifiers = []
    for _ in range(2):
        place = await begin(client, caller(), content)
        await send(client, place, caller(), 0, content)
        identifiers.append(place.rsplit("/", 1)[1])
    async with db.reading() as tx:
        uploads = [await upload_rows.find(tx, identity) for identity in identifiers]
        assert await upload_rows.read(tx, app.state.blobs, uploads[0].id) == content
    location = app.state.blobs.name_of(uploads[0].sha256)
    on_disk = objects / location
    assert on_disk.is_file()

    async def expire(identity) -> None:
        past = clock.now() - timedelta(seconds=1)
        async with db.transaction() as tx:
            table = TABLES.uploads
            await tx.execute(update(table).where(table.c.id == identity).values(expires_at=past))
        await upload_rows.purge(db, app.state.blobs)

    await expire(uploads[0].id)
    assert on_disk.is_file()
    await expire(uploads[1].id)
    assert not on_disk.exists()

    again = await begin(client, caller(), content)
    await send(client, again, caller(), 0, content)
    assert (await client.get(f"{again}/content", headers=caller())).content == content


async def test_an_upload_left_alone_is_purged_with_its_parts(client, caller, app, objects):
    place = await begin(client, caller(), b"0123456789")
    await send(client, place, caller(), 0, b"01234")
    identity = place.rsplit("/", 1)[1]
    folder = objects / "uploads" / identity.replace("-", "")
    assert len(list(folder.iterdir())) == 1
    async with app.state.db.transaction() as tx:
        table = TABLES.uploads
        past = clock.now() - timedelta(seconds=1)
        await tx.execute(update(table).where(table.c.id == identity).values(expires_at=past))
    await upload_rows.purge(app.state.db, app.state.blobs)
    assert not folder.exists() or list(folder.iterdir()) == []
    assert (await client.head(place, headers=caller())).status_code == 404


async def test_one_caller_cannot_keep_endless_uploads_open(client, caller, monkeypatch):
    monkeypatch.setattr("services.shared.uploads.OPEN_UPLOADS_MAX", 2)
    sender = caller(subject="hoarder")
    assert [(await announce(client, sender)).status_code for _ in range(3)] == [201, 201, 409]
