"""All four services as real processes on one PostgreSQL and one NATS, quick to kill and restart.

Unlike ``tests.support.system.RunningSystem`` it has no gateway and no supervisor: a test says which
part lives, dies at which point (see ``mortal``), and when it is started again. ``client`` finds the
service of a path by the gateway's own table.
"""

from collections.abc import Mapping, Sequence
from multiprocessing.process import BaseProcess
from typing import Any

import asyncpg
import httpx
import nats

from deploy.local import process
from deploy.local.environment import service_environment
from deploy.local.supervisor import answers
from deploy.nats import agency
from deploy.postgres.provision import Urls
from gateway.routes import Router
from services.shared import commands
from services.shared.db import Database
from services.shared.epochs import raise_epoch
from tests.support.faults.checker import Databases, connect
from tests.support.faults.mortal import EXIT_CODE, Death, Parts, kill, stop
from tests.support.faults.truths import SERVICES
from tests.support.service import Broker
from tests.support.stack import Stack
from tests.support.system import AgencyClient
from tests.support.waiting import wait_until

STARTS_S = 90
DIES_S = 120
ORDERED_S = 120
CALL_S = 30.0


class Longhouse:
    """``client`` and ``token`` as of a ``RunningSystem``.

    Parts are named ``registry``, ``registry-worker``, ``programs`` and so on.
    """

    def __init__(self, stack: Stack, broker: Broker) -> None:
        self.stack, self.broker = stack, broker
        self.signer = stack.signer
        around = stack.around(broker.server)
        around.blobs.mkdir(parents=True)
        self.around = around
        self.parts: dict[str, BaseProcess] = {}
        self.beside: dict[str, BaseProcess] = {}
        self.urls: dict[str, Urls] = {}
        self.ports = {service: process.free_port() for service in SERVICES}
        self.logs = stack.folder / f"longhouse-{around.blobs.name}"
        self.logs.mkdir()
        self._starter = Parts(self.logs)
        self.client = httpx.AsyncClient(
            transport=_ByPath(self.ports), base_url="http://longhouse.test", timeout=CALL_S
        )
        self._connections: dict[str, asyncpg.Connection[Any]] = {}

    async def start(self, agencies: Sequence[str]) -> None:
        """Make databases and accounts, start everything, wait until it answers."""
        for service in SERVICES:
            self.urls[service] = await self.make_database(service)
            (self.around.blobs / service).mkdir()
        for code in agencies:
            await self.broker.issue_agency(code)
        for service in SERVICES:
            self.run(service)
            self.run(f"{service}-worker")
        await self.until_ready()
        await wait_until(self._knows_regions, STARTS_S, what="the registry knows its regions")

    async def make_database(self, service: str) -> Urls:
        """Make the database of a service."""
        return await self.stack.database(service)

    async def _knows_regions(self) -> bool:
        headers = {"Authorization": f"Bearer {self.token('admin_dinsos')}"}
        answer = await self.client.get("/v1/regions", headers=headers)
        return answer.is_success and bool(answer.json()["data"])

    async def stop(self) -> None:
        """End every process. Safe to call twice."""
        for service in SERVICES:
            await self._disconnect(service)
        await self.client.aclose()
        for each in (*self.parts.values(), *self.beside.values()):
            kill(each)

    def environment(self, service: str) -> dict[str, str]:
        return service_environment(service, self.urls[service], self.around)

    def run(self, part: str, death: Death | None = None) -> BaseProcess:
        """Start a part that does not run, to die at ``death``."""
        service = part.removesuffix("-worker")
        env = self.environment(service)
        if part == service:
            started = self._starter.api(service, env, self.ports[service], death)
        else:
            started = self._starter.worker(service, env, death)
        self.parts[part] = started
        return started

    def run_beside(self, service: str) -> BaseProcess:
        """Start a second worker of ``service``."""
        self.beside[service] = self._starter.worker(service, self.environment(service))
        return self.beside[service]

    def succeed_workers(self) -> None:
        """Kill the first worker of each service that has a second; that one goes on alone."""
        for service, second in self.beside.items():
            self.kill(f"{service}-worker")
            self.parts[f"{service}-worker"] = second
        self.beside.clear()

    def kill(self, part: str) -> None:
        kill(self.parts[part])

    async def halt(self, part: str) -> None:
        """End a part as an operator does."""
        await stop(self.parts[part])

    async def until_dead(self, part: str) -> None:
        """Wait until a part died at its point."""
        living = self.parts[part]
        await wait_until(lambda: not living.is_alive(), DIES_S, what=f"the death of {part}")
        living.join()
        assert living.exitcode == EXIT_CODE, (
            f"{part} ended with {living.exitcode}\n{self.log(part)}"
        )

    async def until_ready(self, *services: str) -> None:
        """Wait until the HTTP applications answer."""
        for service in services or SERVICES:
            url = f"http://127.0.0.1:{self.ports[service]}/health/live"
            await wait_until(lambda url=url: answers(url), STARTS_S, what=f"{service} answers")

    def all_live(self) -> None:
        """Fail when a part ended by itself: nobody expected that."""
        ended = [name for name, part in self.parts.items() if not part.is_alive()]
        assert not ended, "\n".join(f"{name} ended\n{self.log(name)}" for name in ended)

    def log(self, part: str) -> str:
        file = self.logs / f"{part}.log"
        return file.read_text()[-3000:] if file.exists() else ""

    def token(
        self,
        *roles: str,
        regions: Sequence[str] = ("62.02",),
        agency: str | None = None,
        subject: str | None = None,
    ) -> str:
        """Return a token of a person with these roles."""
        who = subject or "-".join([*roles, *regions, agency or ""])
        return self.signer.token(subject=who, roles=roles, regions=regions, agency=agency, name=who)

    async def databases(self) -> Databases:
        """Return new connections for the checker, in the place of those of an earlier call.

        The mapping is always the same one: a database that is exchanged is exchanged in it.
        """
        for service in SERVICES:
            await self._connect(service)
        return self._connections

    async def _connect(self, service: str) -> None:
        await self._disconnect(service)
        self._connections[service] = await connect(service, self.urls[service].owner)

    async def _disconnect(self, service: str) -> None:
        if service in self._connections:
            await self._connections.pop(service).close()

    async def order(self, service: str, command: str, argument: str | None = None) -> None:
        """Order the service's worker to do ``command``, and wait until it has."""
        db = Database(self.urls[service].app, schema=service, service=service)
        try:
            async with db.transaction() as tx:
                asked = await commands.order(tx, command, argument, "operator")
            outcome = await wait_until(
                lambda: commands.outcome(db, asked), ORDERED_S, what=f"{command} of {service}"
            )
        finally:
            await db.close()
        assert outcome.startswith("ok"), outcome

    async def start_over(self, service: str) -> None:
        """Do what ``betang raise-epoch`` does after a restore."""
        db = Database(self.urls[service].app, schema=service, service=service)
        try:
            await raise_epoch(db)
        finally:
            await db.close()
        await self.order(service, commands.START_OVER)

    async def backup(self, service: str) -> Urls:
        """Return a copy of a service's database; the service is away meanwhile."""
        self.kill(service)
        self.kill(f"{service}-worker")
        await self._disconnect(service)
        copy = await self.stack.backup(service, self.urls[service])
        await self._connect(service)
        self.run(service)
        self.run(f"{service}-worker")
        await self.until_ready(service)
        return copy

    async def restore(self, service: str, copy: Urls) -> None:
        """Go on with an old copy, in the order of the runbook; the application comes last."""
        self.kill(service)
        self.kill(f"{service}-worker")
        self.urls[service] = copy
        await self._connect(service)
        self.run(f"{service}-worker")
        await self.start_over(service)
        for each in SERVICES:
            await self.order(each, commands.REBUILD, commands.EVERY)
        self.run(service)
        await self.until_ready(service)

    async def connect_agency(self, code: str) -> AgencyClient:
        """Return an agency's own NATS client; the caller closes it."""
        door = await agency.issue(self.broker.server.authority, self.broker.server.url, code)
        client = await nats.connect(
            self.broker.server.url,
            user_credentials=str(door.creds),
            inbox_prefix=door.inbox_prefix.encode(),
        )
        return AgencyClient(code, client)


class _ByPath(httpx.AsyncBaseTransport):
    """Sends a request to the service that the gateway would choose."""

    def __init__(self, ports: Mapping[str, int]) -> None:
        self._ports, self._router = ports, Router()
        self._inner = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        route = self._router.find(request.url.raw_path.split(b"?")[0])
        assert route is not None, request.url.path
        port = self._ports[route.service]
        request.url = request.url.copy_with(scheme="http", host="127.0.0.1", port=port)
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self._inner.aclose()
