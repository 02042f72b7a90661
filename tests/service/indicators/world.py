"""The service under test with the words its tests use."""

from typing import Any

from services.shared.events import EventData
from tests.support.service import ServiceUnderTest

ADMIN = {"roles": ("admin_dinsos",), "agency": "DINSOS"}
LEADER = {"roles": ("pimpinan",)}
ANALYST = {"roles": ("analis_tkpkd",)}
AUDITOR = {"roles": ("auditor",)}
OFFICER = {"roles": ("petugas_skpd",), "agency": "DINSOS"}
OTHER_OFFICER = {"roles": ("petugas_skpd",), "agency": "DINKES"}
OPERATOR = {"roles": ("operator_desa",), "regions": ("62.02.06.2005",)}


class World:
    """Tells events as their producers do, and asks as a person does."""

    def __init__(self, service: ServiceUnderTest) -> None:
        self.service = service

    async def hear(self, *events: EventData | tuple[EventData, int]) -> None:
        """Publish events (or (event, version) pairs) and let the worker handle them."""
        for each in events:
            event, version = each if isinstance(each, tuple) else (each, 1)
            await self.service.publish(event, version=version)
        await self.service.drain()

    async def call(
        self, method: str, path: str, who: dict[str, Any], body: Any = None, **more: Any
    ) -> Any:
        person = dict(who)
        headers = self.service.auth(*person.pop("roles"), **person) | more.pop("headers", {})
        return await self.service.client.request(method, path, headers=headers, json=body, **more)

    async def get(self, path: str, who: dict[str, Any] = ADMIN, **params: Any) -> Any:
        answer = await self.call("GET", path, who, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, path: str, body: Any, who: dict[str, Any] = ADMIN) -> Any:
        answer = await self.call("POST", path, who, body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def refused(
        self, method: str, path: str, who: dict[str, Any], body: Any = None, **more: Any
    ) -> tuple[int, str]:
        answer = await self.call(method, path, who, body, **more)
        assert answer.headers["content-type"] == "application/problem+json", answer.text
        return answer.status_code, answer.json()["code"]

    async def import_csv(self, text: str, who: dict[str, Any] = ADMIN, **params: Any) -> Any:
        return await self.call(
            "POST",
            "/v1/official-statistics/import",
            who,
            content=text.encode(),
            params=params,
            headers={"Content-Type": "text/csv"},
        )

    async def differences(self) -> int:
        """Count tallies that a recomputation from scratch would give otherwise."""
        (job,) = self.service.main.JOBS
        return int(await job.run(self.service.db))
