"""The bookkeeping of uploads: rows in ``uploads`` and ``blobs``, parts and contents in the store.

A part is what one PATCH brought, kept as ``uploads/<id>/<offset>``. It becomes part of the upload
in the transaction that moves ``received`` on; of two senders at one offset, one wins.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import asdict, fields
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, exists, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from services.shared.blobs import BlobMissing, BlobStore, hash_of, once
from services.shared.db import Database, ReadTransaction, Transaction
from services.shared.ids import new_id
from services.shared.images import FORMATS, ImageDamaged, read_and_strip
from services.shared.problems import Problem, ProblemType
from services.shared.tables import TABLES
from services.shared.upload_shapes import UploadRow

UPLOADS = TABLES.uploads
BLOBS = TABLES.blobs
BEGINNINGS = {
    "image/jpeg": b"\xff\xd8\xff",
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/webp": b"RIFF",
    "application/pdf": b"%PDF-",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": b"PK\x03\x04",
}
"""How files of a type begin; other types (text) are not looked into."""

FILE_DAMAGED = ProblemType(
    "file_damaged",
    422,
    "Isi berkas rusak atau tidak sesuai jenisnya",
    "The file is damaged or not of the type said",
    "Unggahan dihapus; kirim berkas yang benar.",
    "The upload was dropped; send the right file.",
)


COLUMNS = [UPLOADS.c[field.name] for field in fields(UploadRow)]


async def add(tx: Transaction, upload: UploadRow) -> None:
    """Insert a new upload."""
    await tx.execute(insert(UPLOADS).values(**asdict(upload)))


async def find(tx: ReadTransaction, upload_id: UUID) -> UploadRow | None:
    """Return the upload, if there is one."""
    rows = await tx.rows(select(*COLUMNS).where(UPLOADS.c.id == upload_id))
    return UploadRow(**rows[0]) if rows else None


async def count_open(tx: ReadTransaction, owner: str) -> int:
    """Return how many uploads the caller has not finished."""
    unfinished = (UPLOADS.c.owner == owner) & UPLOADS.c.finished_at.is_(None)
    return int(await tx.scalar(select(func.count()).select_from(UPLOADS).where(unfinished)))


async def content(tx: ReadTransaction, store: BlobStore, upload: UploadRow) -> AsyncIterator[bytes]:
    """Return the decrypted content of a finished upload. Raise ``BlobMissing``."""
    location = await tx.scalar(
        select(BLOBS.c.location).where(
            BLOBS.c.sha256 == upload.sha256, BLOBS.c.deleted_at.is_(None)
        )
    )
    if location is None or upload.sha256 is None:
        raise BlobMissing(str(upload.id))
    return store.read(location, upload.sha256)


async def read(tx: ReadTransaction, store: BlobStore, upload_id: UUID) -> bytes:
    """Return the whole content of a finished upload. Raise ``BlobMissing``."""
    upload = await find(tx, upload_id)
    if upload is None:
        raise BlobMissing(str(upload_id))
    return b"".join([chunk async for chunk in await content(tx, store, upload)])


async def receive(
    db: Database, store: BlobStore, upload: UploadRow, chunks: AsyncIterator[bytes]
) -> int:
    """Keep what ``chunks`` bring as the next part. Return how much has been received in all."""
    counted = 0

    async def counting() -> AsyncIterator[bytes]:
        nonlocal counted
        async for chunk in chunks:
            counted += len(chunk)
            yield chunk

    arrived = f"arriving/{new_id().hex}"
    part = _part(upload.id, upload.received)
    try:
        await store.write(arrived, counting(), part.encode())
        if counted == 0:
            return upload.received
        async with db.transaction() as tx:
            moved_on = await tx.execute(
                update(UPLOADS)
                .where(UPLOADS.c.id == upload.id, UPLOADS.c.received == upload.received)
                .values(received=upload.received + counted)
                .returning(UPLOADS.c.received)
            )
            received = moved_on.scalar()
            if received is None:
                # Somebody else sent at the same offset and was first.
                return upload.received
            # Under the row's lock: the part is in place before the new offset is visible.
            await store.backend.move(arrived, part)
            return int(received)
    finally:
        await store.backend.delete(arrived)


async def finish(
    db: Database, store: BlobStore, upload_id: UUID, kept_for: timedelta | None
) -> None:
    """Turn the parts into one blob. A damaged file drops the upload: ``file_damaged``."""
    try:
        async with db.transaction() as tx:
            rows = await tx.rows(
                select(*COLUMNS).where(UPLOADS.c.id == upload_id).with_for_update()
            )
            if not rows or rows[0]["finished_at"] is not None:
                return
            found = await _assemble(tx, store, UploadRow(**rows[0]))
            expires_at = tx.now + kept_for if kept_for else None
            await tx.execute(
                update(UPLOADS)
                .where(UPLOADS.c.id == upload_id)
                .values(finished_at=tx.now, expires_at=expires_at, **found)
            )
    except ImageDamaged as error:
        async with db.transaction() as tx:
            await tx.execute(delete(UPLOADS).where(UPLOADS.c.id == upload_id))
        raise Problem(FILE_DAMAGED) from error
    finally:
        # Also after a failed commit it is right to look whether the parts are still needed.
        await _drop_parts_if_done(db, store, upload_id)


async def purge(db: Database, store: BlobStore) -> int:
    """Delete uploads past their time and contents that no upload needs. A worker's periodic job."""
    async with db.transaction() as tx:
        expired = await tx.scalars(
            delete(UPLOADS).where(UPLOADS.c.expires_at < tx.now).returning(UPLOADS.c.id)
        )
    for upload_id in expired:
        await _drop_parts_if_done(db, store, upload_id)
    unneeded = ~exists().where(UPLOADS.c.sha256 == BLOBS.c.sha256)
    async with db.transaction() as tx:
        orphans = await tx.rows(
            select(BLOBS.c.sha256, BLOBS.c.location)
            .where(BLOBS.c.deleted_at.is_(None), unneeded)
            .with_for_update(skip_locked=True)
        )
        for orphan in orphans:
            await store.backend.delete(orphan["location"])
        hashes = [orphan["sha256"] for orphan in orphans]
        gone = update(BLOBS).where(BLOBS.c.sha256.in_(hashes)).values(deleted_at=tx.now)
        await tx.execute(gone)
    return len(expired) + len(orphans)


async def _assemble(tx: Transaction, store: BlobStore, upload: UploadRow) -> dict[str, Any]:
    """Check and keep the content; return what is now known of it."""
    if not await _begins_rightly(store, upload):
        raise ImageDamaged("another type")
    if upload.media_type not in FORMATS:
        sha256, size = await hash_of(_parts(store, upload))
        await _keep(tx, store, upload.media_type, (sha256, size), _parts(store, upload))
        return {"sha256": sha256}
    whole = b"".join([chunk async for chunk in _parts(store, upload)])
    photo = await asyncio.to_thread(read_and_strip, whole, upload.media_type)
    sha256, size = await hash_of(once(photo.content))
    await _keep(tx, store, upload.media_type, (sha256, size), once(photo.content))
    return {
        "sha256": sha256,
        "latitude": photo.latitude,
        "longitude": photo.longitude,
        "taken_at": photo.taken_at,
    }


async def _keep(
    tx: Transaction,
    store: BlobStore,
    media_type: str,
    identity: tuple[bytes, int],
    chunks: AsyncIterator[bytes],
) -> None:
    """Write the object unless the same content is there already."""
    sha256, size = identity
    location = store.name_of(sha256)
    row = upsert(BLOBS).values(
        sha256=sha256,
        size=size,
        media_type=media_type,
        location=location,
        key_version=store.key_version,
        created_at=tx.now,
    )
    # The conflict locks the row, so that purge() does not delete what is being reused here.
    row = row.on_conflict_do_update(index_elements=["sha256"], set_={"deleted_at": None})
    kept_at = await tx.scalar(row.returning(BLOBS.c.location))
    if not await store.backend.exists(kept_at):
        await store.write(kept_at, chunks, sha256)


async def _begins_rightly(store: BlobStore, upload: UploadRow) -> bool:
    beginning = BEGINNINGS.get(upload.media_type, b"")
    found = b""
    async for chunk in _parts(store, upload):
        found += chunk
        if len(found) >= len(beginning):
            break
    return found.startswith(beginning)


async def _parts(store: BlobStore, upload: UploadRow) -> AsyncIterator[bytes]:
    offset = 0
    while offset < upload.size:
        part = _part(upload.id, offset)
        async for chunk in store.read(part, part.encode()):
            offset += len(chunk)
            yield chunk


async def _drop_parts_if_done(db: Database, store: BlobStore, upload_id: UUID) -> None:
    async with db.reading() as tx:
        upload = await find(tx, upload_id)
    if upload is None or upload.finished_at is not None:
        for name in await store.backend.names(f"uploads/{upload_id.hex}"):
            await store.backend.delete(name)


def _part(upload_id: UUID, offset: int) -> str:
    return f"uploads/{upload_id.hex}/{offset:015d}"
