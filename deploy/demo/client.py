"""A caller of the gateway: every request as somebody, with a fresh or a stable key."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any, Self
from uuid import uuid4

import httpx

from deploy.local.issuer import Person

TIMEOUT_S = 120.0
RETRIES_MAX = 40
POLL_S = 0.5
BUSY = frozenset({429, 502, 503, 504})
"""Answers that mean "later": the load is heavier than any real caller."""

CHUNK_BYTES = 8 * 1024 * 1024


class Refused(RuntimeError):
    """The gateway refused a request of the demonstration; the text is its problem."""

    def __init__(self, answer: httpx.Response) -> None:
        super().__init__(f"{answer.request.method} {answer.request.url.path}: {answer.text[:600]}")
        self.status = answer.status_code
        self.code = _code(answer)


def _code(answer: httpx.Response) -> str | None:
    try:
        code = answer.json().get("code")
    except ValueError:
        return None
    return str(code) if code else None


class Client:
    """Speaks to the gateway as the person named in each call."""

    def __init__(self, gateway_url: str, token_of: Callable[[Person], str]) -> None:
        self._http = httpx.AsyncClient(base_url=gateway_url, timeout=TIMEOUT_S)
        self._token_of = token_of
        self._tokens: dict[str, str] = {}
        self.position: str | None = None
        """Where a reader must have come to see the last write; see ``until_heard``."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def get(self, who: Person, path: str, **params: Any) -> Any:
        """Return the JSON of ``path``."""
        return (await self._send(who, "GET", path, params=params)).json()

    async def post(self, who: Person, path: str, body: Any, *, key: str | None = None) -> Any:
        """Post ``body`` under ``key`` (repeating it is harmless) and return the JSON answer."""
        headers = {"Idempotency-Key": key or str(uuid4())}
        return (await self._send(who, "POST", path, json=body, headers=headers)).json()

    async def until_heard(self, who: Person, path: str, position: str | None) -> None:
        """Wait until the service behind ``path`` has heard of the write at ``position``."""
        stale = position is not None
        while stale:
            stale = (await self.get(who, path, min_position=position))["stale"]
            await asyncio.sleep(POLL_S)

    async def post_csv(self, who: Person, path: str, text: str, *, key: str) -> Any:
        """Post a CSV body."""
        headers = {"Idempotency-Key": key, "Content-Type": "text/csv"}
        answer = await self._send(who, "POST", path, content=text.encode(), headers=headers)
        return answer.json()

    async def decide(self, who: Person, path: str, action: str) -> Any:
        """Read ``path`` and post ``action`` on exactly what was read."""
        seen = await self._send(who, "GET", path)
        headers = {"Idempotency-Key": str(uuid4()), "If-Match": seen.headers["ETag"]}
        return (await self._send(who, "POST", f"{path}/{action}", headers=headers)).json()

    async def pages(self, who: Person, path: str, **params: Any) -> AsyncIterator[list[Any]]:
        """Yield the pages of a list, 200 rows each."""
        cursor: str | None = None
        while True:
            asked = params | {"limit": 200} | ({"cursor": cursor} if cursor else {})
            page = await self.get(who, path, **asked)
            yield page["data"]
            if (cursor := page["next"]) is None:
                return

    async def upload(self, who: Person, service: str, content: bytes, **about: str) -> str:
        """Send a file by the resumable door; return the upload's id."""
        made = await self.post(who, f"/v1/uploads/{service}", {"size": len(content), **about})
        for offset in range(0, len(content), CHUNK_BYTES):
            await self._send(
                who,
                "PATCH",
                f"/v1/uploads/{service}/{made['id']}",
                content=content[offset : offset + CHUNK_BYTES],
                headers={
                    "Upload-Offset": str(offset),
                    "Content-Type": "application/offset+octet-stream",
                },
            )
        return str(made["id"])

    async def _send(self, who: Person, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {**options.pop("headers", {}), "Authorization": f"Bearer {self._token(who)}"}
        for attempt in range(RETRIES_MAX):
            answer = await self._http.request(method, path, headers=headers, **options)
            if answer.status_code not in BUSY or attempt == RETRIES_MAX - 1:
                break
            await asyncio.sleep(min(float(answer.headers.get("Retry-After", 1)), 10.0))
        if answer.is_error:
            raise Refused(answer)
        self.position = answer.headers.get("Betang-Position", self.position)
        return answer

    def _token(self, who: Person) -> str:
        if who.subject not in self._tokens:
            self._tokens[who.subject] = self._token_of(who)
        return self._tokens[who.subject]
