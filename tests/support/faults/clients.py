"""Clients who note every call, and ask again with the same key while they know nothing."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import httpx
import orjson

from tests.support.faults.history import READ, History, Outcome, outcome_of
from tests.support.story import PELANGSIAN
from tests.support.system import AgencyClient

HEARD_WITHIN_S = 120.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.05, 2.0
VILLAGERS = frozenset({"operator_desa", "kades"})


class System(Protocol):
    """What a journey needs of a running Betang."""

    client: httpx.AsyncClient

    def token(self, *roles: str, regions: Any = ..., agency: str | None = ...) -> str: ...

    async def connect_agency(self, code: str) -> AgencyClient: ...


class Clients:
    """One client per role; each persists for ``patience_s`` seconds, then gives up."""

    def __init__(self, system: System, history: History, *, agency: str, patience_s: float) -> None:
        self.system, self.history = system, history
        self.agency_code, self.patience_s = agency, patience_s
        self.agency: AgencyClient

    async def write(
        self, role: str, what: str, key: str, path: str, body: Any,
        *, method: str = "POST", if_match: str | None = None,
    ) -> httpx.Response | None:  # fmt: skip
        """Write with one idempotency key until the answer is known, or patience is over."""
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        if if_match is not None:
            headers["If-Match"] = if_match
        return await self._persist(
            lambda: self._call(role, what, key, method, path, json=body, headers=headers)
        )

    async def ask(self, role: str, path: str, **params: Any) -> httpx.Response | None:
        """Read until there is an answer, or patience is over."""
        return await self._persist(lambda: self._call(role, READ, path, "GET", path, params=params))

    async def read(self, role: str, path: str, **params: Any) -> Any:
        """Read what must be there."""
        answer = await self.ask(role, path, **params)
        assert answer is not None, f"GET {path}: no answer"
        assert answer.is_success, f"GET {path}: {answer.text}"
        return answer.json()

    async def surely(self, role: str, what: str, key: str, path: str, body: Any) -> Any:
        """Write what must succeed."""
        answer = await self.write(role, what, key, path, body)
        assert answer is not None, f"POST {path}: no answer"
        assert answer.is_success, f"POST {path}: {answer.text}"
        return answer.json()

    async def publish(self, what: str, event: dict[str, Any]) -> bool:
        """Publish as the agency's own system does, again with the same id until acknowledged."""
        body = orjson.dumps(event)
        pause_s, ends = FIRST_PAUSE_S, self._patience()
        while not await self.history.publish(
            self.agency_code, what, event["id"],
            lambda: self.agency.tell(event["type"], body, event["id"]),
        ):  # fmt: skip
            if asyncio.get_running_loop().time() > ends:
                return False
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
        return True

    async def until(self, attempt: Callable[[], Awaitable[Any]], what: str) -> Any:
        """Repeat ``attempt`` until it gives something."""
        ends = asyncio.get_running_loop().time() + HEARD_WITHIN_S
        while not (result := await attempt()):
            assert asyncio.get_running_loop().time() < ends, f"no {what} in {HEARD_WITHIN_S} s"
            await asyncio.sleep(0.1)
        return result

    def _patience(self) -> float:
        return asyncio.get_running_loop().time() + self.patience_s

    async def _persist(
        self, call: Callable[[], Awaitable[httpx.Response | None]]
    ) -> httpx.Response | None:
        pause_s, ends = FIRST_PAUSE_S, self._patience()
        while True:
            answer = await call()
            if answer is not None and outcome_of(answer) is not Outcome.UNKNOWN:
                return answer
            if asyncio.get_running_loop().time() > ends:
                return None
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)

    async def _call(
        self, role: str, what: str, key: str, method: str, path: str, **sent: Any
    ) -> httpx.Response | None:
        villager = role in VILLAGERS
        token = self.system.token(
            role,
            regions=[PELANGSIAN if villager else "62.02"],
            agency=None if villager else self.agency_code,
        )
        sent["headers"] = {"Authorization": f"Bearer {token}", **sent.get("headers", {})}
        return await self.history.http(
            role, what, key, lambda: self.system.client.request(method, path, **sent)
        )
