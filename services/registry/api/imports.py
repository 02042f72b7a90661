"""``/v1/imports``: hand in a list, follow it, look at its rows, decide.

Files come through ``/v1/uploads/registry`` first (purpose ``import``). Who uploads
does not approve.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from services.registry.actions import imports as actions
from services.registry.actions import imports_templates
from services.registry.actions.imports import StartImport
from services.registry.api.import_shapes import (
    ImportView,
    NewImport,
    Refusal,
    RowView,
    import_view,
    row_view,
)
from services.registry.domain import import_errors, import_rules
from services.registry.domain.import_errors import FormatNotYoursError, RowsForgottenError
from services.registry.domain.imports import (
    TERMINAL,
    ImportAction,
    ImportFormat,
    ImportState,
    Verdict,
    may_upload,
)
from services.registry.storage import import_rows, imports
from services.shared import clock
from services.shared.auth import Actor, allow
from services.shared.db import Database
from services.shared.http import (
    Keys,
    ReadTx,
    Signer,
    Tx,
    etag,
    refuses,
    require_match,
    service_router,
)
from services.shared.openapi import EVENT_STREAM, answers
from services.shared.pages import Cursor, Limit, Page, link_next, paginate
from services.shared.problems import language_of
from services.shared.roles import Role
from services.shared.scope import REGION_FOREIGN
from services.shared.sealing import Sealer
from services.shared.shapes import IfMatch, LastEventId
from services.shared.upload_shapes import UploadPurpose

POLL_S = 0.5
SILENCE_MAX_S = 15.0
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
XLSM = "application/vnd.ms-excel.sheet.macroenabled.12"

HANDLERS = (Role.OPERATOR_DESA, Role.KADES, Role.VERIFIKATOR_DINSOS, Role.ADMIN_DINSOS)
Handler = Annotated[Actor, allow(*HANDLERS)]
Watcher = Annotated[Actor, allow(*HANDLERS, Role.CAMAT, Role.AUDITOR)]

IMPORT_UPLOADS = UploadPurpose(
    name="import",
    media_types=frozenset({XLSX, XLSM, "text/csv"}),
    size_max=import_rules.CSV_BYTES_MAX,
    senders=frozenset({Role.OPERATOR_DESA, Role.VERIFIKATOR_DINSOS, Role.ADMIN_DINSOS}),
    readers=frozenset(),
    kept_for=None,
)
"""Nobody reads the raw file back: it holds columns that Betang has no purpose for."""

DECISION = (
    import_errors.ImportNotFoundError,
    import_errors.FormatNotYoursError,
    import_errors.UploaderCannotDecideError,
    import_errors.ImportStateForbidsError,
)

router = service_router(tags=["imports"], prefix="/v1/imports")


@router.post("", status_code=201)
@refuses(
    import_errors.FormatNotYoursError,
    REGION_FOREIGN,
    import_errors.UploadNotUsableError,
    import_errors.VillageNeededError,
)
async def start_import(
    *, body: NewImport, tx: Tx, actor: Handler, request: Request, response: Response
) -> ImportView:
    """Hand a finished upload in; the worker reads it, and the state tells how far it is."""
    command = StartImport(
        format=body.format,
        upload_id=body.upload_id,
        region_code=body.region_code or request.app.state.settings.regency,
        observed_on=body.cut_off,
        bast_number=body.bast_number,
        period=body.period,
        synthetic=body.synthetic,
    )
    import_id = await actions.start_import(tx, command, actor)
    response.headers["Location"] = f"/v1/imports/{import_id}"
    return await _answer(tx, import_id, actor, request, response)


@router.get("")
async def list_imports(
    *,
    tx: ReadTx,
    actor: Watcher,
    request: Request,
    response: Response,
    signer: Signer,
    limit: Limit = 50,
    cursor: Cursor = None,
    state: ImportState | None = None,
) -> Page[ImportView]:
    """Imports of the caller's regions, newest first."""
    found = await paginate(
        tx,
        imports.in_scope(actor.scope, state),
        keys=imports.LIST_KEYS,
        limit=limit,
        cursor=cursor,
        signer=signer,
        list_name=f"imports {state}",
    )
    page = found.page(lambda row: import_view(row, actor, _language(request)))
    link_next(request, response, page)
    return page


@router.get("/templates/{import_format}", response_class=Response, responses=answers(XLSX, "PK…"))
async def download_template(import_format: ImportFormat, _actor: Watcher) -> Response:
    """An empty workbook whose NIK and KK columns are text, so that Excel cannot spoil them."""
    content = await asyncio.to_thread(imports_templates.template, import_format)
    name = f"templat-{import_format}.xlsx"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=XLSX, headers=headers)


@router.get("/{import_id}")
@refuses(import_errors.ImportNotFoundError)
async def read_import(
    *, import_id: UUID, tx: ReadTx, actor: Watcher, request: Request, response: Response
) -> ImportView:
    """One import, with its ETag for decisions."""
    return await _answer(tx, import_id, actor, request, response)


@router.get("/{import_id}/rows")
@refuses(import_errors.ImportNotFoundError, import_errors.RowsForgottenError)
async def list_rows(
    *,
    import_id: UUID,
    tx: ReadTx,
    actor: Handler,
    request: Request,
    response: Response,
    signer: Signer,
    keys: Keys,
    verdict: Verdict | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[RowView]:
    """Rows in the order of the file, numbers masked; why each was rejected or warned about."""
    await _with_rows(tx, import_id, actor)
    found = await paginate(
        tx,
        import_rows.listing(import_id, verdict),
        keys=(import_rows.LIST_KEY,),
        limit=limit,
        cursor=cursor,
        signer=signer,
        list_name=f"import {import_id} {verdict}",
    )
    sealer, language = Sealer(keys), _language(request)
    page = found.page(lambda row: row_view(import_rows.opened(row, sealer), language))
    link_next(request, response, page)
    return page


@router.get(
    "/{import_id}/rejected.csv",
    response_class=StreamingResponse,
    responses=answers("text/csv", "nik;nama;alasan\n"),
    openapi_extra={"x-no-idempotency": "a download; the transaction only records that it was made"},
)
@refuses(
    import_errors.ImportNotFoundError,
    import_errors.FormatNotYoursError,
    import_errors.RowsForgottenError,
)
async def download_rejected(
    *, import_id: UUID, tx: Tx, actor: Handler, request: Request, keys: Keys
) -> StreamingResponse:
    """Rejected rows to mend and upload again. It holds NIK, so each download is recorded."""
    found = await _with_rows(tx, import_id, actor)
    import_format = ImportFormat(found["format"])
    if not may_upload(import_format, actions.decider(actor).roles):
        raise FormatNotYoursError
    actions.audit_rejected_rows(tx, found, actor)
    db: Database = request.app.state.db
    lines = imports_templates.rejected_csv(db, keys, import_id, import_format, _language(request))
    headers = {
        "Content-Disposition": f'attachment; filename="ditolak-{import_id}.csv"',
        "Cache-Control": "no-store",
    }
    return StreamingResponse(lines, media_type="text/csv; charset=utf-8", headers=headers)


@router.post("/{import_id}/approve")
@refuses(*DECISION)
async def approve_import(
    *,
    import_id: UUID,
    tx: Tx,
    actor: Handler,
    request: Request,
    response: Response,
    if_match: IfMatch = None,
) -> ImportView:
    """Let the worker merge the accepted rows, all or none."""
    await _decide(tx, import_id, ImportAction.APPROVE, actor=actor, if_match=if_match)
    return await _answer(tx, import_id, actor, request, response)


@router.post("/{import_id}/refuse")
@refuses(*DECISION)
async def refuse_import(
    *,
    import_id: UUID,
    body: Refusal,
    tx: Tx,
    actor: Handler,
    request: Request,
    response: Response,
    if_match: IfMatch = None,
) -> ImportView:
    """Refuse the whole list; nothing of it is merged."""
    await _decide(
        tx, import_id, ImportAction.REFUSE, actor=actor, if_match=if_match, reason=body.reason
    )
    return await _answer(tx, import_id, actor, request, response)


@router.post("/{import_id}/cancel")
@refuses(*DECISION)
async def cancel_import(
    *,
    import_id: UUID,
    tx: Tx,
    actor: Handler,
    request: Request,
    response: Response,
    if_match: IfMatch = None,
) -> ImportView:
    """Withdraw a list that has not been approved; also while it is being read."""
    await _decide(tx, import_id, ImportAction.CANCEL, actor=actor, if_match=if_match)
    return await _answer(tx, import_id, actor, request, response)


@router.get(
    "/{import_id}/events",
    response_class=StreamingResponse,
    responses=answers(EVENT_STREAM, 'id: 3.120\nevent: import\ndata: {"state":"parsing"}\n\n'),
)
@refuses(import_errors.ImportNotFoundError)
async def follow_import(
    *,
    import_id: UUID,
    tx: ReadTx,
    actor: Watcher,
    request: Request,
    last_event_id: LastEventId = None,
) -> StreamingResponse:
    """Server-sent events of state and progress, until the import ends or the token expires."""
    await actions.find_import(tx, import_id, actor)
    events = _events(request, import_id, actor, last_event_id)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(events, media_type="text/event-stream", headers=headers)


async def _events(
    request: Request, import_id: UUID, actor: Actor, last_id: str | None
) -> AsyncIterator[bytes]:
    db: Database = request.app.state.db
    language, silent_s = _language(request), 0.0
    while clock.now() < actor.expires_at:
        async with db.reading() as tx:
            found = await actions.find_import(tx, import_id, actor)
        event_id = f"{found['version']}.{found['progress_done']}"
        if event_id != last_id:
            data = orjson.dumps(import_view(found, actor, language).model_dump(mode="json"))
            yield b"id: %b\nevent: import\ndata: %b\n\n" % (event_id.encode(), data)
            last_id, silent_s = event_id, 0.0
        if found["state"] in TERMINAL:
            return
        if silent_s >= SILENCE_MAX_S:
            # A comment keeps proxies from closing the line, and shows when the caller is gone.
            yield b": \n\n"
            silent_s = 0.0
        await asyncio.sleep(POLL_S)
        silent_s += POLL_S


async def _decide(
    tx: Tx,
    import_id: UUID,
    action: ImportAction,
    *,
    actor: Actor,
    if_match: str | None,
    reason: str | None = None,
) -> None:
    found = await actions.find_import(tx, import_id, actor, lock=True)
    require_match(if_match, found["version"])
    await actions.decide_import(tx, found, action, actor, reason)


async def _with_rows(tx: ReadTx, import_id: UUID, actor: Actor) -> dict[str, Any]:
    found = await actions.find_import(tx, import_id, actor)
    if found["rows_deleted_at"] is not None:
        raise RowsForgottenError
    return found


async def _answer(
    tx: ReadTx, import_id: UUID, actor: Actor, request: Request, response: Response
) -> ImportView:
    found = await actions.find_import(tx, import_id, actor)
    response.headers["ETag"] = etag(found["version"])
    return import_view(found, actor, _language(request))


def _language(request: Request) -> str:
    return language_of(request.headers.get("accept-language"))
