"""The real PostgreSQL of a test session, and databases cloned from migrated templates."""

import asyncio
import itertools
import shutil
import tempfile
from pathlib import Path

from deploy.local import nats, postgres
from deploy.local.environment import Surroundings
from deploy.local.secret_files import SecretFiles
from deploy.postgres import provision
from deploy.postgres.provision import Urls
from services.shared import migrations
from services.shared.signing import TokenSigner

ISSUER = "https://issuer.test"


class Stack:
    """One server for the session; each service's migrations run once, into a template.

    A clone is a copy of files where WAL need not survive anything: 3x faster tests, hence the
    ``settings``. A measurement gives ``()``, for a server that writes as a deployed one does.
    """

    def __init__(self, settings: tuple[str, ...] = postgres.FAST_BUT_FORGETFUL) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="betang-test-"))
        self.secrets = SecretFiles(self.folder / "secrets")
        self.secrets.ensure()
        self.signer = TokenSigner(ISSUER)
        self.postgres = postgres.start(self.folder / "postgres", settings=settings)
        self._templates: dict[str, str] = {}
        self._numbers = itertools.count(1)
        self._lock = asyncio.Lock()

    def stop(self) -> None:
        """Stop the server and remove every file."""
        self.postgres.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    async def provision(self) -> None:
        """Create the roles and an empty database of each service."""
        await provision.provision(self.postgres.url(), self.secrets.passwords())

    async def database(self, service: str) -> Urls:
        """Return a fresh, migrated database of ``service``."""
        async with self._lock:
            if service not in self._templates:
                self._templates[service] = await self._template(service)
            return await self._create(service, template=self._templates[service])

    async def empty_database(self, service: str) -> Urls:
        """Return a fresh database of ``service`` without tables, for tests of migrations."""
        async with self._lock:
            return await self._create(service, template=None)

    async def backup(self, service: str, urls: Urls) -> Urls:
        """Return a copy of a database as it is now; nobody may be connected to it."""
        async with self._lock:
            return await self._create(service, template=urls.app.rsplit("/", 1)[1])

    def target(self, service: str, urls: Urls) -> migrations.Target:
        """Return where ``migrations.upgrade`` shall migrate to."""
        return migrations.Target(urls.owner, service, f"{service}_app")

    def start_broker(self) -> nats.Nats:
        """Start a NATS server of its own, with no stream in it. The caller stops it."""
        return nats.start(self.folder / f"nats-{next(self._numbers)}")

    def around(self, broker: nats.Nats) -> Surroundings:
        """Return what a service's environment needs beside its database."""
        return Surroundings(
            nats_url=broker.url,
            nats_monitor_url=broker.monitor_url,
            creds=broker.authority.folder / "creds",
            issuers=({"issuer": ISSUER, "jwks": self.signer.jwks},),
            secrets=self.secrets,
            blobs=self.folder / "blobs" / str(next(self._numbers)),
        )

    async def _template(self, service: str) -> str:
        urls = await self._create(service, template=None)
        await asyncio.to_thread(migrations.upgrade, service, self.target(service, urls))
        return urls.app.rsplit("/", 1)[1]

    async def _create(self, service: str, *, template: str | None) -> Urls:
        name = f"{service}_{next(self._numbers)}"
        connection = await provision.connect(self.postgres.url())
        try:
            await provision.create_database(connection, service, name, template=template)
            await provision.close_database(connection, service, name)
        finally:
            await connection.close()
        passwords = self.secrets.passwords()[service]
        return provision.urls(self.postgres.url(), service, passwords, name)
