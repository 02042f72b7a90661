"""One real service under test: its app over ASGI, its database, its user on a real NATS."""

import asyncio
import contextlib
import importlib
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import nats as nats_client
from nats.errors import Error as NatsError
from nats.js.errors import NotFoundError

from deploy.local.environment import service_environment
from deploy.local.nats import Nats
from deploy.nats import agency, permissions
from deploy.nats.authority import CORE_ADMIN
from deploy.postgres.provision import Urls
from services.contracts.catalogue import EVENTS
from services.shared import clock, streams
from services.shared.db import Database
from services.shared.events import CloudEvent, EventData, Kind
from services.shared.inbox import Inbox, Subscription
from services.shared.outbox import Relay
from tests.support.documented import Documented
from tests.support.stack import Stack

REGENCY = "62.02"
DRAIN_ROUNDS_MAX = 50
BASE_URL = "http://service.test"


@contextlib.contextmanager
def environment(values: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables for the length of the block."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


class Broker:
    """The NATS server of one test module, seen as its operator and as other producers."""

    def __init__(self, server: Nats) -> None:
        self.server = server
        self._connections: dict[str, Any] = {}
        self._errors: dict[str, list[str]] = {}

    async def connect(self, user: str) -> Any:
        """Return the connection of ``user``: a service, ``core-admin`` or ``skpd-<code>``."""
        if user not in self._connections:
            errors = self._errors[user] = []

            async def note(error: Exception) -> None:
                errors.append(str(error))

            self._connections[user] = await nats_client.connect(
                self.server.url,
                user_credentials=str(self.server.authority.creds(user)),
                inbox_prefix=permissions.inbox_prefix(user.removeprefix("skpd-")).encode(),
                error_cb=note,
            )
        return self._connections[user]

    async def refusals(self, user: str, attempt: Callable[[Any], Awaitable[Any]]) -> list[str]:
        """Do ``attempt(connection)`` as ``user``; return what the server complained about."""
        client = await self.connect(user)
        before = len(self._errors[user])
        with contextlib.suppress(NatsError):
            await attempt(client)
        # The server answers in order: after its pong every complaint before it has come. The
        # first ping of nats-py may overtake what waits in its buffer; the second cannot.
        await client.flush()
        await client.flush()
        return self._errors[user][before:]

    async def admin(self) -> Any:
        """Return JetStream as the operator of CORE sees it."""
        return (await self.connect(CORE_ADMIN)).jetstream()

    async def issue_agency(self, code: str) -> agency.Door:
        """Give an agency its account and stream."""
        return await agency.issue(self.server.authority, self.server.url, code)

    async def publish(
        self,
        event: EventData,
        *,
        version: int = 1,
        epoch: int = 1,
        event_id: str | None = None,
        agency_code: str | None = None,
        source: str | None = None,
    ) -> CloudEvent:
        """Publish ``event`` as its producer would, and return what was sent.

        An agency's event (``skpd.*``) needs ``agency_code``; its account is issued when needed.
        """
        assert type(event) in EVENTS
        producer = event.TYPE.split(".", 1)[0]
        if agency_code is not None:
            token = permissions.agency_token(agency_code)
            producer = f"skpd/{token}"
        envelope = CloudEvent(
            id=event_id or str(uuid4()),
            source=source or producer,
            type=event.TYPE,
            time=clock.now().isoformat().replace("+00:00", "Z"),
            subject=event.key,
            epoch=epoch if event.KIND is Kind.STATE else None,
            version=version if event.KIND is Kind.STATE else None,
            data=event.model_dump(mode="json"),
        )
        if agency_code is not None:
            await self.publish_bytes(
                f"events.{event.TYPE}",
                envelope.to_bytes(),
                agency_code=agency_code,
                message_id=envelope.id,
            )
        else:
            key = event.key if event.KIND is Kind.STATE else envelope.id
            await self.publish_bytes(
                f"{event.TYPE}.{key}",
                envelope.to_bytes(),
                producer=producer,
                message_id=str(uuid4()),
            )
        return envelope

    async def publish_bytes(
        self,
        subject: str,
        body: bytes,
        *,
        producer: str | None = None,
        agency_code: str | None = None,
        message_id: str | None = None,
    ) -> None:
        """Publish any bytes as a service or as an agency, and wait for the acknowledgement."""
        if agency_code is not None:
            authority = self.server.authority
            if (known := authority.agency(agency_code)) is None or not known.active:
                await self.issue_agency(agency_code)
            user = f"skpd-{permissions.agency_token(agency_code)}"
        else:
            assert producer is not None
            await self.ensure_streams(producer)
            user = producer
        headers = {"Nats-Msg-Id": message_id} if message_id else None
        await (await self.connect(user)).jetstream().publish(subject, body, headers=headers)

    async def ensure_streams(self, service: str) -> None:
        """Create the streams of ``service`` when they are missing, as its relay would."""
        await streams.ensure_streams(await self.connect(service), service)

    async def last(self, stream: str, subject: str) -> dict[str, Any] | None:
        """Return the last event on ``subject`` of ``stream``, or None."""
        try:
            message = await (await self.admin()).get_last_msg(stream, subject)
        except NotFoundError:
            return None
        event: dict[str, Any] = json.loads(message.data)
        return event

    async def close(self) -> None:
        for connection in self._connections.values():
            await connection.close()


_documented: dict[str, Documented] = {}


def documented(name: str, app: Any) -> Documented:
    """Return what holds the answers of ``app`` against its document, made once per service."""
    if name not in _documented:
        _documented[name] = Documented(app.openapi())
    return _documented[name]


class ServiceUnderTest:
    """See ``make_service``. ``client`` speaks HTTP to the real app; nothing is replaced."""

    def __init__(
        self, name: str, stack: Stack, broker: Broker, urls: Urls, schema: str | None = None
    ) -> None:
        self.name = name
        self.stack = stack
        self.broker = broker
        self.urls = urls
        around = stack.around(broker.server)
        for folder in (around.blobs, around.blobs / name):
            folder.mkdir(parents=True, exist_ok=True)
        self.environment = service_environment(name, urls, around, migrates=True)
        self.environment[f"{name.upper()}_DATABASE_SCHEMA"] = schema or name
        self.db = Database(urls.app, schema=schema or name, service=name)
        self.main: Any = importlib.import_module(f"services.{name}.main")
        with environment(self.environment):
            self.app: Any = self.main.create_app()
        transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=False)
        hooks = {"response": [documented(name, self.app)]}
        self.client = httpx.AsyncClient(transport=transport, base_url=BASE_URL, event_hooks=hooks)
        self._stop = asyncio.Event()
        self._lifespan: asyncio.Task[None] | None = None

    @property
    def blobs(self) -> Path:
        """The folder of the service's encrypted files."""
        return Path(self.environment[f"{self.name.upper()}_BLOB_DIR"])

    async def start(self) -> None:
        """Run the app's lifespan until ``stop``, in a task of its own as a server does."""
        started = asyncio.Event()

        async def live() -> None:
            async with self.app.router.lifespan_context(self.app):
                started.set()
                await self._stop.wait()

        self._lifespan = asyncio.create_task(live())
        waiting = asyncio.create_task(started.wait())
        await asyncio.wait({self._lifespan, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if not started.is_set():
            waiting.cancel()
            await self._lifespan

    async def stop(self) -> None:
        await self.client.aclose()
        self._stop.set()
        if self._lifespan is not None:
            await self._lifespan
        await self.db.close()

    def token(
        self,
        roles: Sequence[str] = ("admin_dinsos",),
        regions: Sequence[str] = (REGENCY,),
        agency: str | None = None,
        subject: str | None = None,
        **claims: Any,
    ) -> str:
        """Return an access token. Each set of roles is a person of its own, unless told."""
        who = subject or "-".join([*roles, *regions, agency or ""])
        return self.stack.signer.token(
            subject=who, roles=roles, regions=regions, agency=agency, name=who, **claims
        )

    def auth(self, *roles: str, key: bool | str = True, **token: Any) -> dict[str, str]:
        """Return request headers: the token of these roles and a fresh Idempotency-Key.

        ``key`` is False for none, or the key itself.
        """
        chosen = roles or ("admin_dinsos",)
        headers = {"Authorization": f"Bearer {self.token(chosen, **token)}"}
        if key:
            headers["Idempotency-Key"] = key if isinstance(key, str) else str(uuid4())
        return headers

    def subscriptions(self) -> Sequence[Subscription]:
        """Return what the service's worker listens to: ``SUBSCRIPTIONS`` of its main."""
        heard: Sequence[Subscription] = self.main.SUBSCRIPTIONS
        return heard

    async def relay(self) -> Relay:
        """Return a relay of this service, as its worker has one."""
        client = await self.broker.connect(self.name)
        return Relay(self.db, client, self.name, self.main.REPUBLISHERS)

    async def inbox(self) -> Inbox:
        """Return an inbox of this service, as its worker has one."""
        client = await self.broker.connect(self.name)
        return Inbox(self.db, client, self.name, self.subscriptions())

    async def drain(self) -> int:
        """Do the worker's work until nothing waits: tell the outbox, handle what was heard.

        Return the number of events told and handled.
        """
        relay, inbox = await self.relay(), await self.inbox()
        total = 0
        for _ in range(DRAIN_ROUNDS_MAX):
            done = await relay.drain_once() + await inbox.drain()
            total += done
            if not done:
                return total
        raise AssertionError(f"{self.name} still has work after {DRAIN_ROUNDS_MAX} rounds")

    async def run_jobs(self) -> None:
        """Run each periodic job of the service's worker once."""
        jobs = self.main.jobs(self.app.state.settings) if hasattr(self.main, "jobs") else ()
        for job in jobs:
            await job.run(self.db)

    async def publish(self, event: EventData, **how: Any) -> CloudEvent:
        """Publish a foreign event as its producer; see ``Broker.publish``."""
        return await self.broker.publish(event, **how)


async def running_service(
    name: str, stack: Stack, broker: Broker
) -> AsyncIterator[ServiceUnderTest]:
    """Yield a started service with a fresh database, and stop it."""
    service = ServiceUnderTest(name, stack, broker, await stack.database(name))
    await service.start()
    try:
        yield service
    finally:
        await service.stop()
