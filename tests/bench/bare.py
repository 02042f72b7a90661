"""The limits: the least that could do the same work, with the same libraries and server.

Applications for ``uvicorn --factory``. ``BENCH_DATABASE_URL`` and ``BENCH_UPSTREAM`` are theirs.
"""

import os
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import orjson
from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.settings import GatewaySettings
from gateway.transport import make_transport

JSON = (b"content-type", b"application/json")
POOL_SIZE = 10
"""As many connections as a service has."""

ROW = "SELECT f.* FROM registry.families f WHERE f.id = $1"
FAMILY = """
SELECT f.id, f.household_id, h.assumed, f.region_code, f.address, f.rt, f.rw, f.kk_masked, f.status,
       f.survivor_id, f.head_name, f.member_count, f.desil_low, f.desil_high, f.ranks::text,
       f.dwelling::text, f.cause, f.effective_on, f.synthetic, f.version, f.updated_at,
       (SELECT json_agg(json_build_object(
            'person_id', p.id, 'name', p.name, 'nik_masked', p.nik_masked,
            'nik_missing_reason', p.nik_missing_reason, 'birth_date', p.birth_date, 'sex', p.sex,
            'relation', m.relation, 'presence', m.presence, 'match_status', p.match_status,
            'marital', p.marital, 'education', p.education, 'occupation', p.occupation,
            'conditions', p.conditions))
        FROM registry.memberships m JOIN registry.persons p ON p.id = m.person_id
        WHERE m.family_id = f.id AND m.superseded_at IS NULL AND upper_inf(m.valid))::text
       AS members
FROM registry.families f JOIN registry.households h ON h.id = f.household_id WHERE f.id = $1
"""


async def _answer(send: Send, body: bytes) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": 200, "headers": [JSON, length]})
    await send({"type": "http.response.body", "body": body})


def fixed() -> ASGIApp:
    """Answer 640 bytes of JSON, whatever is asked."""
    body = orjson.dumps({"text": "x" * 629})

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await _answer(send, body)

    return app


def empty_route() -> FastAPI:
    """Answer from an empty route of FastAPI."""
    app = FastAPI()

    @app.get("/v1/families/{family_id}")
    async def nothing(family_id: UUID) -> dict[str, str]:
        return {}

    return app


def family() -> ASGIApp:
    """Answer a family with its members, to everybody, as the database has them."""
    return _reading(FAMILY, ("ranks", "dwelling", "members"))


def family_row() -> ASGIApp:
    """Answer the one row of a family, without its members."""
    return _reading(ROW, ())


def _reading(sql: str, documents: tuple[str, ...]) -> ASGIApp:
    url = os.environ["BENCH_DATABASE_URL"]
    pool: asyncpg.Pool[Any] | None = None

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal pool
        if scope["type"] == "lifespan":
            await receive()
            pool = await asyncpg.create_pool(url, min_size=POOL_SIZE, max_size=POOL_SIZE)
            await send({"type": "lifespan.startup.complete"})
            return
        assert pool is not None
        row = await pool.fetchrow(sql, UUID(scope["path"].rsplit("/", 1)[1]))
        assert row is not None
        body = dict(row)
        for name in documents:
            body[name] = orjson.loads(body[name])
        await _answer(send, orjson.dumps(body, default=str))

    return app


def pass_through() -> ASGIApp:
    """Pass every request on over the gateway's transport: no token, limit, trace or log."""
    upstream = os.environ["BENCH_UPSTREAM"]
    urls = {f"{name}_url": upstream for name in ("registry", "programs", "distribution")}
    settings = GatewaySettings(
        **urls, indicators_url=upstream, issuers=[{"issuer": "https://nobody.test"}]
    )
    transport = make_transport(settings)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        more = True
        while more:
            more = (await receive()).get("more_body", False)
        url = upstream + scope["raw_path"].decode()
        request = httpx.Request(scope["method"], url, headers=scope["headers"])
        response = await transport.handle_async_request(request)
        headers = response.headers.raw
        await send(
            {"type": "http.response.start", "status": response.status_code, "headers": headers}
        )
        async for chunk in response.stream:  # type: ignore[union-attr]  # asynchronous
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
        await response.aclose()

    return app
