"""Idempotency-Key (draft-ietf-httpapi-idempotency-key-header-07): one key, one effect.

The lock is a try-lock: a second request with the same key does not wait for the first, it answers
409. The stored answer commits together with the effect, so that nothing is replayed which did not
happen. A key belongs to (caller, route): nobody reads another caller's answer. Answers may
name people, so they are kept sealed.
"""

import hashlib
from dataclasses import dataclass
from datetime import timedelta

import orjson
from sqlalchemy import ColumnElement, delete, insert, select, text
from starlette.requests import Request
from starlette.responses import Response

from services.shared import clock
from services.shared.db import Database, Transaction
from services.shared.outgoing import lock_number
from services.shared.problems import Problem, ProblemType
from services.shared.sealing import Sealer
from services.shared.tables import TABLES

KEPT = timedelta(hours=24)
KEY_CHARS_MAX = 200
HEADERS_KEPT = ("content-type", "location", "etag", "betang-position", "cache-control", "link")

KEY_MISSING = ProblemType(
    "idempotency_key_missing",
    400,
    "Tajuk Idempotency-Key wajib diisi",
    "The header Idempotency-Key is required",
    "Isi dengan teks unik 1 sampai 200 huruf untuk setiap tindakan baru.",
    "Give a unique text of 1 to 200 characters for each new action.",
)
KEY_REUSED = ProblemType(
    "idempotency_key_reused",
    422,
    "Idempotency-Key sudah dipakai untuk permintaan lain",
    "This Idempotency-Key was used for a different request",
)
IN_PROGRESS = ProblemType(
    "idempotency_in_progress",
    409,
    "Permintaan yang sama sedang diproses",
    "The same request is being processed",
)

_table = TABLES.idempotency


@dataclass(frozen=True, slots=True)
class Claim:
    """One key of one caller on one route, and the hash of what is asked."""

    caller: str
    route: str
    key: str
    request_hash: bytes


def read_key(request: Request) -> str:
    """Return the key, with or without the quotes of a structured-field string."""
    key = request.headers.get("idempotency-key", "").strip().strip('"')
    if not 0 < len(key) <= KEY_CHARS_MAX or not key.isascii() or not key.isprintable():
        raise Problem(KEY_MISSING)
    return key


async def hash_request(request: Request) -> bytes:
    """Return the hash of query and body: a key stands for one payload."""
    query = request.scope.get("query_string", b"")
    return hashlib.sha256(query + b"\n" + await request.body()).digest()


async def take(tx: Transaction, claim: Claim, sealer: Sealer) -> Response | None:
    """Lock the key until the transaction ends. Return the answer given before, if any.

    Raise the problems ``idempotency_in_progress`` (409) and ``idempotency_key_reused`` (422).
    """
    lock = lock_number("idempotency", claim.caller, claim.route, claim.key)
    if not await tx.scalar(text("SELECT pg_try_advisory_xact_lock(:lock)"), {"lock": lock}):
        raise Problem(IN_PROGRESS, headers={"Retry-After": "1"})
    # A statement of its own: its snapshot must be newer than the lock.
    found = await tx.rows(select(_table).where(*_is(claim)))
    if not found:
        return None
    stored = found[0]
    if stored["created_at"] < tx.now - KEPT:
        await tx.execute(delete(_table).where(*_is(claim)))
        return None
    if stored["request_hash"] != claim.request_hash:
        raise Problem(KEY_REUSED)
    headers = {**stored["headers"], "Idempotency-Replayed": "true"}
    body = sealer.open(stored["body"], context(claim.caller, claim.route, claim.key))
    return Response(body, stored["status"], headers)


async def remember(tx: Transaction, claim: Claim, response: Response, sealer: Sealer) -> None:
    """Store the answer in the transaction of its effect."""
    headers = {k: v for k in HEADERS_KEPT if (v := response.headers.get(k)) is not None}
    await tx.execute(
        insert(_table).values(
            caller=claim.caller,
            route=claim.route,
            key=claim.key,
            request_hash=claim.request_hash,
            status=response.status_code,
            headers=orjson.loads(orjson.dumps(headers)),
            body=sealer.seal(
                bytes(response.body).decode(), context(claim.caller, claim.route, claim.key)
            ),
            created_at=tx.now,
        )
    )


async def purge(db: Database) -> None:
    """Delete answers older than 24 hours; a periodic job of the worker."""
    async with db.transaction() as tx:
        await tx.execute(delete(_table).where(_table.c.created_at < clock.now() - KEPT))


def context(caller: str, route: str, key: str) -> str:
    """Return what the answer to this request is sealed for."""
    return f"idempotency\x1f{caller}\x1f{route}\x1f{key}"


def _is(claim: Claim) -> tuple[ColumnElement[bool], ...]:
    return (
        _table.c.caller == claim.caller,
        _table.c.route == claim.route,
        _table.c.key == claim.key,
    )
