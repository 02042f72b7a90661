"""Files over HTTP: uploads that can be resumed, downloads for those who may.

An upload is announced (POST), sent in as many pieces as the line allows (PATCH with
``Upload-Offset``, raw bytes), and resumed after asking how far it came (HEAD). A line that breaks
keeps what had arrived. The last piece turns the parts into one blob. What may be sent by whom
for which purpose is a service's table of ``UploadPurpose``.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import StreamingResponse
from starlette.requests import ClientDisconnect

from services.shared import upload_rows
from services.shared.auth import Actor, allow
from services.shared.blob_places import backend_of
from services.shared.blobs import BlobStore
from services.shared.db import Database
from services.shared.ids import new_id
from services.shared.openapi import answers, refuses
from services.shared.problems import NOT_FOUND, TOO_LARGE, Problem
from services.shared.routes import ReadTx, Tx, service_router
from services.shared.scope import REGION_FOREIGN
from services.shared.upload_shapes import (
    NOT_FINISHED,
    OFFSET_WRONG,
    PURPOSE_UNKNOWN,
    SIZE_BYTES_MAX,
    TOO_MANY_OPEN,
    TYPE_REFUSED,
    AnnounceUpload,
    UploadPurpose,
    UploadRow,
    UploadView,
    view_of,
)

__all__ = ["UploadPurpose", "store_of", "uploads_router"]

OPEN_UPLOADS_MAX = 50
UNFINISHED_HOURS = 48
OFFSET_BYTES = "application/offset+octet-stream"


def uploads_router(service: str, purposes: Sequence[UploadPurpose]) -> APIRouter:
    """Return ``/v1/uploads/<service>``: announce, send, ask, download.

    Needs ``app.state.settings`` that say where files lie, and ``app.state.key_file``.
    """
    table = {purpose.name: purpose for purpose in purposes}
    senders = allow(*{role for purpose in purposes for role in purpose.senders})
    callers = allow(*{r for purpose in purposes for r in purpose.senders | purpose.readers})
    base = f"/v1/uploads/{service}"
    largest = max(purpose.size_max for purpose in purposes)
    router = service_router(tags=["uploads"], prefix=base)

    @router.post("", status_code=201)
    @refuses(PURPOSE_UNKNOWN, TYPE_REFUSED, TOO_MANY_OPEN, REGION_FOREIGN)
    async def announce_upload(
        body: AnnounceUpload, tx: Tx, response: Response, actor: Annotated[Actor, senders]
    ) -> UploadView:
        """Announce a file; its bytes follow in pieces."""
        _check(table.get(body.purpose), body, actor)
        if await upload_rows.count_open(tx, actor.id) >= OPEN_UPLOADS_MAX:
            raise Problem(TOO_MANY_OPEN)
        upload = UploadRow(
            id=new_id(),
            owner=actor.id,
            agency=actor.agency,
            created_at=tx.now,
            expires_at=tx.now + timedelta(hours=UNFINISHED_HOURS),
            **body.model_dump(),
        )
        await upload_rows.add(tx, upload)
        tx.audit("upload.announced", f"upload/{upload.id}", {"purpose": body.purpose}, actor.id)
        response.headers["Location"] = f"{base}/{upload.id}"
        response.headers["Upload-Offset"] = "0"
        return view_of(upload)

    @router.head("/{upload_id}", status_code=200, response_class=Response)
    async def ask_upload(upload_id: UUID, tx: ReadTx, actor: Annotated[Actor, callers]) -> Response:
        """Ask how far an upload came: Upload-Offset of Upload-Length."""
        upload = _visible(await upload_rows.find(tx, upload_id), table, actor)
        return Response(headers=_progress(upload.received, upload.size))

    @router.get("/{upload_id}")
    async def read_upload(
        upload_id: UUID, tx: ReadTx, actor: Annotated[Actor, callers]
    ) -> UploadView:
        """Return an upload, and the hash of what is kept once it is finished."""
        return view_of(_visible(await upload_rows.find(tx, upload_id), table, actor))

    @router.get("/{upload_id}/content", response_class=Response, responses=answers("*/*", "…"))
    @refuses(NOT_FINISHED)
    async def download_upload(
        request: Request, upload_id: UUID, tx: ReadTx, actor: Annotated[Actor, callers]
    ) -> Response:
        """Return the file to who sent it and to who may read its purpose in the region."""
        upload = _visible(await upload_rows.find(tx, upload_id), table, actor)
        if upload.sha256 is None:
            raise Problem(NOT_FINISHED)
        content = await upload_rows.content(tx, store_of(request), upload)
        return StreamingResponse(content, media_type=upload.media_type, headers=_download(upload))

    @router.patch(
        "/{upload_id}",
        status_code=204,
        max_body_size=largest + 1,
        openapi_extra={
            "x-no-idempotency": "the offset makes it safe to repeat",
            "requestBody": {
                "required": True,
                "content": {
                    OFFSET_BYTES: {
                        "schema": {"type": "string", "format": "binary", "maxLength": largest},
                        "example": "nama;nik\n",
                    }
                },
            },
        },
    )
    @refuses(OFFSET_WRONG)
    async def send_upload(
        request: Request,
        upload_id: UUID,
        upload_offset: Annotated[int, Header(ge=0, le=SIZE_BYTES_MAX)],
        actor: Annotated[Actor, senders],
    ) -> Response:
        """Send the next piece; a line that breaks keeps what had arrived."""
        # No transaction of the request: a slow line would hold it open for minutes.
        db: Database = request.app.state.db
        store = store_of(request)
        async with db.reading() as tx:
            upload = await upload_rows.find(tx, upload_id)
        if upload is None or upload.owner != actor.id:
            raise Problem(NOT_FOUND)
        _at(upload, upload_offset)
        received = await upload_rows.receive(
            db, store, upload, _bytes_of(request, upload.size - upload.received)
        )
        if received == upload.size:
            # A whole picture or sheet is read here; it does not end with the caller's line.
            await asyncio.shield(
                upload_rows.finish(db, store, upload.id, table[upload.purpose].kept_for)
            )
        return Response(status_code=204, headers=_progress(received, upload.size))

    return router


def store_of(request: Request) -> BlobStore:
    """Return the application's blob store, made at first use."""
    state = request.app.state
    if getattr(state, "blobs", None) is None:
        state.blobs = BlobStore(backend_of(state.settings), state.key_file.current())
    store: BlobStore = state.blobs
    return store


def _check(purpose: UploadPurpose | None, body: AnnounceUpload, actor: Actor) -> None:
    if purpose is None or not actor.has(*purpose.senders):
        raise Problem(PURPOSE_UNKNOWN)
    if body.media_type not in purpose.media_types:
        raise Problem(TYPE_REFUSED)
    if body.size > purpose.size_max:
        raise Problem(TOO_LARGE)
    if body.region_code is not None:
        actor.scope.require(body.region_code)


def _visible(upload: UploadRow | None, table: dict[str, UploadPurpose], actor: Actor) -> UploadRow:
    """Return the upload if the caller may know of it; else it is not found.

    A reader's agency must be the sender's, where the sender has one: a photo may belong to a
    program that nobody else may know of.
    """
    if upload is None:
        raise Problem(NOT_FOUND)
    purpose = table.get(upload.purpose)
    reads = purpose is not None and actor.has(*purpose.readers)
    reads = reads and upload.agency in (None, actor.agency)
    if upload.owner != actor.id and not (reads and actor.scope.allows(upload.region_code)):
        raise Problem(NOT_FOUND)
    return upload


def _at(upload: UploadRow, offset: int) -> None:
    finished = upload.finished_at is not None
    if finished or offset != upload.received:
        raise Problem(
            OFFSET_WRONG,
            params={"offset": upload.received},
            headers=_progress(upload.received, upload.size),
        )


async def _bytes_of(request: Request, at_most: int) -> AsyncIterator[bytes]:
    """Give the body until its end or until the line breaks; more than ``at_most`` is 413."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > at_most:
        raise Problem(TOO_LARGE)
    count = 0
    try:
        async for chunk in request.stream():
            count += len(chunk)
            if count > at_most:
                raise Problem(TOO_LARGE)
            yield chunk
    except ClientDisconnect:
        return


def _progress(received: int, size: int) -> dict[str, str]:
    return {
        "Upload-Offset": str(received),
        "Upload-Length": str(size),
        "Cache-Control": "no-store",
    }


def _download(upload: UploadRow) -> dict[str, Any]:
    return {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(upload.file_name)}",
        "Cache-Control": "private, no-store",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }
