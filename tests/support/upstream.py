"""A service as the gateway sees it: one ASGI application with all the manners of real ones."""

import asyncio
import hashlib
import json
from typing import Any

from starlette.types import Receive, Scope, Send


class UpstreamApp:
    """``/v1/families/<manner>`` behaves as named; ``seen`` keeps what arrived."""

    def __init__(self, name: str = "registry", document: dict[str, Any] | None = None) -> None:
        self.name = name
        self.document = document or {"openapi": "3.1.0", "info": {}, "paths": {}}
        self.ready = 200
        self.seen: list[Scope] = []
        self.read_bytes = 0
        self.disconnected = asyncio.Event()
        self.release = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.seen.append(scope)
        manner = scope["path"].rsplit("/", 1)[1]
        handler = getattr(self, f"do_{manner.replace('.', '_')}", self.do_echo)
        await handler(scope, receive, send)

    @staticmethod
    async def answer(send: Send, status: int, body: bytes, *headers: tuple[bytes, bytes]) -> None:
        length = (b"content-length", str(len(body)).encode())
        kind = (b"content-type", b"application/json")
        start = {"type": "http.response.start", "status": status}
        await send({**start, "headers": [kind, length, *headers]})
        await send({"type": "http.response.body", "body": body})

    async def body_of(self, receive: Receive) -> bytes:
        body = b""
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.disconnected.set()
                raise ConnectionError
            body += message.get("body", b"")
            self.read_bytes = len(body)
            if not message.get("more_body"):
                return body

    async def do_echo(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Tell what arrived."""
        body = await self.body_of(receive)
        told = {
            "service": self.name,
            "method": scope["method"],
            "path": scope["raw_path"].decode(),
            "query": scope["query_string"].decode(),
            "headers": [[k.decode(), v.decode("latin-1")] for k, v in scope["headers"]],
            "size": len(body),
            "sha256": hashlib.sha256(body).hexdigest(),
        }
        await self.answer(send, 200, json.dumps(told).encode())

    async def do_store(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Give the body back, in pieces."""
        body = await self.body_of(receive)
        await send({"type": "http.response.start", "status": 201, "headers": []})
        for start in range(0, len(body), 100_000):
            piece = body[start : start + 100_000]
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def do_refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 413 without reading the body."""
        await self.answer(send, 413, b'{"code": "from_upstream"}')

    async def do_slow(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Never answer; notice when the caller goes."""
        while (await receive())["type"] != "http.disconnect":
            pass
        self.disconnected.set()

    async def do_wait(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer when released."""
        await self.release.wait()
        await self.answer(send, 200, b"{}")

    async def do_stuck(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Begin an answer and then send nothing more."""
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"x", "more_body": True})
        await self.do_slow(scope, receive, send)

    async def do_events(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send an event at once and the next ones when released, until the caller goes."""
        kind = (b"content-type", b"text/event-stream")
        await send({"type": "http.response.start", "status": 200, "headers": [kind]})
        first = {"type": "http.response.body", "body": b"id: 1\ndata: one\n\n", "more_body": True}
        await send(first)
        gone = asyncio.create_task(self.do_slow(scope, receive, send))
        released = asyncio.create_task(self.release.wait())
        await asyncio.wait({gone, released}, return_when=asyncio.FIRST_COMPLETED)
        if released.done():
            await send({**first, "body": b"id: 2\ndata: two\n\n"})
        await gone
        released.cancel()

    async def do_broken(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Break off in the middle of the answer."""
        length = (b"content-length", b"1000000")
        await send({"type": "http.response.start", "status": 200, "headers": [length]})
        await send({"type": "http.response.body", "body": b"x" * 10, "more_body": True})
        raise ConnectionError

    async def do_crash(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Say what upstream frameworks say of themselves."""
        own = (
            (b"set-cookie", b"a=b"),
            (b"x-powered-by", b"secret"),
            (b"keep-alive", b"timeout=5"),
            (b"etag", b'"7"'),
            (b"cache-control", b"private"),
        )
        await self.answer(send, 404, b'{"code": "not_found"}', *own)

    async def do_redirect(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.answer(send, 307, b"", (b"location", b"/v1/families/echo"))

    async def do_zipped(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send bytes that claim to be gzip: who passes them on must not look inside."""
        await self.answer(send, 200, b"not really gzip", (b"content-encoding", b"gzip"))

    async def do_empty(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def do_openapi_json(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.answer(send, 200, json.dumps(self.document).encode())

    async def do_ready(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.answer(send, self.ready, b"{}")
