"""A longhouse under strain: its lines can be cut, its servers killed, its disks filled.

Every service reaches PostgreSQL and NATS through proxies of its own. JetStream and the database of
distribution are on small disks where the machine allows it. PostgreSQL keeps what it acknowledged
when it is killed, which the other tests' quicker settings do not.
"""

import asyncio
import functools
import os
import signal
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import asyncpg
import httpx

from deploy.local import nats, postgres
from deploy.postgres import provision
from deploy.postgres.provision import Urls
from services.shared import clock
from tests.support.faults.disk import SmallDisk
from tests.support.faults.longhouse import Longhouse
from tests.support.faults.parts import address_of, moved
from tests.support.faults.proxy import Address, Proxy, proxied
from tests.support.faults.truths import SERVICES
from tests.support.service import Broker
from tests.support.stack import Stack
from tests.support.system import AgencyClient

ON_SMALL_DISK = "distribution"
WIDE = timedelta(hours=2)
"""Tokens are good for two hours before and after: also for a service whose clock is wrong."""
AGENCY_AGAIN_S, AGENCY_WAITS_S = 0.1, 2
"""How soon an agency's program comes back to a server, and asks again what was not acknowledged."""


@dataclass(frozen=True, slots=True)
class Lines:
    """The ways of one service to what it needs."""

    database: Proxy
    nats: Proxy
    monitor: Proxy

    def all(self) -> tuple[Proxy, ...]:
        return self.database, self.nats, self.monitor

    def swallow(self, *lines: Proxy) -> None:
        for line in lines:
            line.swallow()

    def heal(self) -> None:
        for line in self.all():
            line.heal()


class StrainedHouse(Longhouse):
    """``lines`` by service; ``jetstream_disk`` and ``database_disk`` can be filled."""

    def __init__(self, stack: Stack) -> None:
        folder = stack.folder / "strained"
        self.jetstream_disk = SmallDisk(folder / "nats" / "jetstream")
        self.database_disk = SmallDisk(folder / "tablespace")
        folder.chmod(0o711)
        super().__init__(stack, Broker(nats.start(folder / "nats")))
        self.lines: dict[str, Lines] = {}
        self._proxies = AsyncExitStack()

    async def start(self, agencies: Any) -> None:
        """Lay the lines, then start as a longhouse does."""
        for service in SERVICES:
            self.lines[service] = Lines(
                await self._line(address_of(self.stack.postgres.url())),
                await self._line(address_of(self.around.nats_url)),
                await self._line(address_of(self.around.nats_monitor_url)),
            )
        await super().start(agencies)

    async def stop(self) -> None:
        await super().stop()
        await self._proxies.aclose()
        await self.broker.close()
        self.broker.server.stop()
        self.jetstream_disk.unmount()
        self.database_disk.unmount()

    async def _line(self, target: Address) -> Proxy:
        return await self._proxies.enter_async_context(proxied(target))

    async def make_database(self, service: str) -> Urls:
        """Make a database that survives kill -9; that of ``ON_SMALL_DISK`` on a small disk."""
        urls = await self.stack.database(service)
        name = urls.app.rsplit("/", 1)[1]
        connection = await provision.connect(self.stack.postgres.url())
        try:
            await connection.execute(f"ALTER DATABASE {name} SET synchronous_commit = on")
            if service == ON_SMALL_DISK and not self.database_disk.refused:
                owner = self.stack.postgres.data.stat()
                os.chown(self.database_disk.folder, owner.st_uid, owner.st_gid)
                place = str(self.database_disk.folder).replace("'", "''")
                await connection.execute(f"CREATE TABLESPACE small LOCATION '{place}'")
                await connection.execute(f"ALTER DATABASE {name} SET TABLESPACE small")
        finally:
            await connection.close()
        return urls

    def environment(self, service: str) -> dict[str, str]:
        values, prefix = super().environment(service), service.upper()
        lines = self.lines[service]
        for name, line in (
            ("DATABASE_URL", lines.database),
            ("NATS_URL", lines.nats),
            ("NATS_MONITOR_URL", lines.monitor),
        ):
            key = f"{prefix}_{name}"
            values[key] = moved(values[key], (line.host, line.port))
        return values

    def token(self, *roles: str, **who: Any) -> str:
        """Return a token that is also good where a clock is an hour wrong."""
        regions, agency = who.get("regions") or ["62.02"], who.get("agency")
        issued = int((clock.now() - WIDE).timestamp())
        name = who.get("subject") or "-".join([*roles, *regions, agency or ""])
        return self.signer.token(
            subject=name, name=name, roles=roles, regions=regions, agency=agency, lifetime=WIDE,
            iat=issued,
        )  # fmt: skip

    async def connect_agency(self, code: str) -> AgencyClient:
        """Return a client that does not wait long: its servers die often here."""
        found = await super().connect_agency(code)
        found.client.options["reconnect_time_wait"] = AGENCY_AGAIN_S
        found.client.jetstream = functools.partial(found.client.jetstream, timeout=AGENCY_WAITS_S)
        return found

    def url(self, service: str) -> str:
        return f"http://127.0.0.1:{self.ports[service]}"

    async def ready(self, service: str) -> httpx.Response:
        """Ask a service whether it is ready to work."""
        async with httpx.AsyncClient(timeout=60) as client:
            return await client.get(f"{self.url(service)}/health/ready")

    async def kill_nats(self) -> None:
        """Kill -9, and note nothing: acknowledged is acknowledged."""
        server = self.broker.server
        os.kill(server.process.pid, signal.SIGKILL)
        await asyncio.to_thread(server.process.wait)

    async def start_nats(self) -> None:
        """Start the killed server again on its files and ports."""
        old = self.broker.server
        self.broker.server = await asyncio.to_thread(
            nats.start, old.authority.folder.parent, port=old.port, monitor_port=old.monitor_port
        )

    async def kill_postgres(self) -> None:
        """Kill -9 the server; its sessions end with it."""
        server = self.stack.postgres
        os.kill(server.process.pid, signal.SIGKILL)
        await asyncio.to_thread(server.process.wait)

    async def start_postgres(self) -> None:
        """Start the killed server again: it recovers from its log."""
        self.stack.postgres = await asyncio.to_thread(
            postgres.start, self.stack.folder / "postgres", port=self.stack.postgres.port,
            settings=postgres.FAST_BUT_FORGETFUL,
        )  # fmt: skip

    @contextmanager
    def frozen(self, part: str) -> Iterator[None]:
        """Stop a process in the middle of what it does; it knows nothing of the time."""
        pid = self.parts[part].pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    async def as_admin(self, service: str) -> "asyncpg.Connection[Any]":
        """Return a direct connection of the administrator's. The caller closes it."""
        name = self.urls[service].owner.rsplit("/", 1)[1]
        url = self.stack.postgres.url(name)
        return await asyncpg.connect(url, server_settings={"search_path": service})
