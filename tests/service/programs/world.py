"""Programs under test, with the people who work with it and the agencies that speak to it."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import httpx

from services.shared.events import EventData
from tests.service.programs.builders import a_program
from tests.support.service import ServiceUnderTest

ADMIN = {"roles": ("admin_dinsos",), "agency": "DINSOS"}
VERIFIER = {"roles": ("verifikator_dinsos",), "agency": "DINSOS"}
OFFICER = {"roles": ("petugas_skpd",), "agency": "DINSOS"}
ANYONE_MATCHES: dict[str, Any] = {"wilayah": {"awalan": ["62.02"]}}


class World:
    """Short ways to say what people do; nothing is replaced."""

    def __init__(self, service: ServiceUnderTest) -> None:
        self.service = service

    async def call(
        self, method: str, path: str, who: dict[str, Any], body: Any = None, **headers: str
    ) -> httpx.Response:
        """Call as ``who``: roles, regions, agency, subject."""
        claims = dict(who)
        auth = self.service.auth(*claims.pop("roles"), **claims)
        return await self.service.client.request(
            method, path, headers=auth | headers, **({} if body is None else {"json": body})
        )

    async def ok(
        self, method: str, path: str, who: dict[str, Any], body: Any = None, **headers: str
    ) -> Any:
        """Call and return the JSON of a good answer."""
        answer = await self.call(method, path, who, body, **headers)
        assert answer.is_success, answer.text
        return answer.json()

    async def refused(
        self, method: str, path: str, who: dict[str, Any], body: Any = None, **headers: str
    ) -> tuple[int, str]:
        """Call and return status and code of a problem."""
        answer = await self.call(method, path, who, body, **headers)
        assert answer.headers["content-type"] == "application/problem+json", answer.text
        return answer.status_code, answer.json()["code"]

    async def hear(self, *events: tuple[EventData, int] | EventData, **how: Any) -> None:
        """Let producers tell these events and programs read them."""
        for each in events:
            event, version = each if isinstance(each, tuple) else (each, 1)
            await self.service.publish(event, version=version, **how)
        await self.drain()

    async def drain(self) -> int:
        """Tell and read everything that waits."""
        return await self.service.drain()

    async def parked(self) -> list[tuple[str, str]]:
        """Return (consumer, reason) of each parked event."""
        rows = await self.service.db.pool.fetch(
            "SELECT consumer, reason_code FROM parked_events ORDER BY parked_at"
        )
        return [(row["consumer"], row["reason_code"]) for row in rows]

    async def organisation(self, code: str = "DINSOS", kind: str = "SKPD") -> None:
        """Register an organisation."""
        body = {"code": code, "name": f"Dinas {code}", "kind": kind}
        await self.call("POST", "/v1/organisations", ADMIN, body)

    async def active_program(
        self, code: str, owner: str = "DINSOS", *, rule: Any = None, **changes: Any
    ) -> dict[str, Any]:
        """Take a program through its life until it is active, with a rule."""
        await self.organisation(owner)
        officer = {"roles": ("petugas_skpd",), "agency": owner}
        colleague = officer | {"subject": f"rekan-{owner}"}
        made = await self.ok("POST", "/v1/programs", officer, a_program(code, owner, **changes))
        path = f"/v1/programs/{made['program_id']}"
        await self.ok("POST", f"{path}/submit", officer, {})
        await self.ok("POST", f"{path}/approve", colleague, {})
        active: dict[str, Any] = await self.ok("POST", f"{path}/activate", officer, {})
        await self.rule(active["program_id"], rule or ANYONE_MATCHES, officer)
        return active

    async def rule(self, program_id: str, tree: Any, who: dict[str, Any] = OFFICER) -> Any:
        """Give a program a rule."""
        body = {"tree": tree, "legal_reference": "Perbup 1/2026", "valid_from": "2026-01-01"}
        return await self.ok("POST", f"/v1/programs/{program_id}/rules", who, body)

    async def propose(
        self,
        program: dict[str, Any],
        family_id: UUID,
        person_id: UUID | None = None,
        who: dict[str, Any] = OFFICER,
        **changes: Any,
    ) -> Any:
        """Propose one recipient in 2026."""
        body = {
            "program_id": program["program_id"],
            "year": 2026,
            "family_id": str(family_id),
            "person_id": str(person_id) if person_id else None,
        } | changes
        return await self.ok("POST", "/v1/enrolments", who, body)

    async def approve(
        self, enrolment: dict[str, Any], who: dict[str, Any] = VERIFIER, **body: Any
    ) -> Any:
        """Grant one enrolment."""
        path = f"/v1/enrolments/{enrolment['enrolment_id']}/approve"
        return await self.ok("POST", path, who, body)

    async def told(self, event_type: str) -> Sequence[Any]:
        """Return (key, version, payload) of what the outbox holds of a type, in order."""
        rows: list[Any] = await self.service.db.pool.fetch(
            "SELECT aggregateid, version, payload::text, lane FROM outbox WHERE type = $1"
            " ORDER BY sequence",
            event_type,
        )
        return rows
