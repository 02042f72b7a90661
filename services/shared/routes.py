"""Routes that write: one request is one transaction, once per Idempotency-Key.

A route that takes ``Tx`` runs in one transaction. It commits after the endpoint returned and
before the answer is sent: a commit that fails is a 5xx, never a 2xx. Code after ``yield`` in an
ordinary FastAPI dependency would run after the answer, which is why the route class does it.
"""

import functools
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.dependencies.models import Dependant

from services.shared import idempotency
from services.shared.db import Database, ReadTransaction, Transaction
from services.shared.idempotency import Claim
from services.shared.openapi import AllowedRoute
from services.shared.pages import CursorSigner
from services.shared.sealing import Keyring, Sealer

BODY_BYTES_MAX = 2_000_000
ERROR_STATUS_MIN = 400
NO_IDEMPOTENCY = "x-no-idempotency"
POSITION_HEADER = "Betang-Position"

_KEY_PARAMETER = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": "Unik per tindakan, berlaku 24 jam. / Unique per action, kept for 24 hours.",
    "schema": {
        "type": "string",
        "minLength": 1,
        "maxLength": idempotency.KEY_CHARS_MAX,
        "pattern": "^[ -~]*[!#-~][ -~]*$",
    },
    "example": "0b7a0a0e-5f43-4d3c-9c2b-6f6d1a8f3c11",
}


@dataclass(slots=True)
class _Write:
    """The write that is under way in this request."""

    request: Request
    tx: Transaction
    key: str | None
    request_hash: bytes
    claim: Claim | None = None
    replayed: bool = False


_current: ContextVar[_Write | None] = ContextVar("write", default=None)


async def write_tx(request: Request) -> Transaction:
    """Return the transaction that the route opened."""
    tx = getattr(request.state, "tx", None)
    if not isinstance(tx, Transaction):
        raise TypeError("Tx needs a router of service_router()")
    return tx


async def read_tx(request: Request) -> AsyncIterator[ReadTransaction]:
    """Open a read-only snapshot, closed before the answer is sent."""
    db: Database = request.app.state.db
    async with db.reading() as tx:
        yield tx


Tx = Annotated[Transaction, Depends(write_tx)]
ReadTx = Annotated[ReadTransaction, Depends(read_tx, scope="function")]


async def keyring(request: Request) -> Keyring:
    """Return the service's keys as they are now; a request stays with them."""
    found: Keyring = request.app.state.key_file.current()
    return found


async def cursor_signer(request: Request) -> CursorSigner:
    """Return what signs page cursors."""
    signer: CursorSigner = request.app.state.cursor_signer
    return signer


Keys = Annotated[Keyring, Depends(keyring)]
Signer = Annotated[CursorSigner, Depends(cursor_signer)]


class WriteRoute(AllowedRoute):
    """Runs endpoints that take ``Tx`` in one transaction, once per Idempotency-Key.

    ``openapi_extra={"x-no-idempotency": "<reason>"}`` frees a route from the key.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **kwargs: Any) -> None:
        if set(kwargs.get("methods") or ["GET"]) - {"GET", "HEAD"}:
            endpoint = _claiming(endpoint)
        super().__init__(path, endpoint, **kwargs)
        if self._writes and not self._exempt:
            self.openapi_extra = {**(self.openapi_extra or {}), "parameters": [_KEY_PARAMETER]}

    @property
    def _writes(self) -> bool:
        return _depends_on(self.dependant, write_tx)

    @property
    def _exempt(self) -> bool:
        return NO_IDEMPOTENCY in (self.openapi_extra or {})

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        if not self._writes:
            return handle
        exempt = self._exempt

        async def handle_write(request: Request) -> Response:
            key = None if exempt else idempotency.read_key(request)
            request_hash = b"" if exempt else await idempotency.hash_request(request)
            db: Database = request.app.state.db
            try:
                async with db.transaction() as tx:
                    request.state.tx = tx
                    return await _run(_Write(request, tx, key, request_hash), handle)
            except _Refused as refused:
                return refused.response

        return handle_write


class _Refused(Exception):
    """The endpoint returned an error answer: roll back, then send it."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


async def _run(write: _Write, handle: Callable[[Request], Awaitable[Response]]) -> Response:
    token = _current.set(write)
    try:
        response = await handle(write.request)
    finally:
        _current.reset(token)
    if write.replayed:
        return response
    if response.status_code >= ERROR_STATUS_MIN:
        raise _Refused(response)
    await write.tx.flush()
    if write.tx.position:
        response.headers[POSITION_HEADER] = write.tx.position
    if write.claim:
        await idempotency.remember(write.tx, write.claim, response, _sealer(write.request))
    return response


def _sealer(request: Request) -> Sealer:
    return Sealer(request.app.state.key_file.current())


def _claiming(endpoint: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap an endpoint so that the key is taken after all dependencies, thus by a known caller."""
    if not inspect.iscoroutinefunction(endpoint):
        raise TypeError(f"{endpoint.__name__} must be async: it shares the request's transaction")

    @functools.wraps(endpoint)
    async def wrapped(*args: Any, **kwargs: Any) -> Any:
        write = _current.get()
        if write is not None and write.key is not None:
            actor = getattr(write.request.state, "actor", None)
            write.claim = Claim(
                caller=actor.id if actor else "anonymous",
                route=f"{write.request.method} {write.request.url.path}",
                key=write.key,
                request_hash=write.request_hash,
            )
            answer = await idempotency.take(write.tx, write.claim, _sealer(write.request))
            if answer is not None:
                write.replayed = True
                return answer
        return await endpoint(*args, **kwargs)

    return wrapped


def _depends_on(dependant: Dependant, call: Callable[..., Any]) -> bool:
    return any(inner.call is call or _depends_on(inner, call) for inner in dependant.dependencies)


def service_router(
    *, tags: Sequence[str], prefix: str = "", max_body_size: int = BODY_BYTES_MAX, **options: Any
) -> APIRouter:
    """Return a router whose routes know ``Tx``; bodies are limited to 2 MB unless told."""
    return APIRouter(
        prefix=prefix,
        tags=list(tags),
        route_class=WriteRoute,
        max_body_size=max_body_size,
        **options,
    )
