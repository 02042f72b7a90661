"""The background process of a service: relay, inbox, orders, audit sealing, periodic jobs.

It ends on SIGTERM after the batch in hand. A fault that nobody expected ends it with an error, for
the supervisor to start it again; faults of PostgreSQL and NATS that pass are waited out.
"""

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog
import uvicorn
import uvloop
from nats.aio.client import Client

from services.shared import (
    audit,
    broker,
    commands,
    idempotency,
    inbox_table,
    measuring,
    rekeying,
    republishing,
)
from services.shared.broker import Backoff, is_passing, pause
from services.shared.commands import Commander
from services.shared.db import Database
from services.shared.health import Check, operations_app
from services.shared.inbox import Inbox, Subscription
from services.shared.key_files import KeyFile
from services.shared.locks import try_lock
from services.shared.observability import JOB_DONE, configure_logging, configure_tracing
from services.shared.outbox import Relay
from services.shared.rekeying import KeyedRows
from services.shared.republishing import Republisher
from services.shared.settings import ServiceSettings

HOUR_S = 3600.0
MEASURE_S = 10.0
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """Something done again and again, by one process of the service at a time."""

    name: str
    every_s: float
    run: Callable[[Database], Awaitable[object]]


def run_worker(
    settings: ServiceSettings,
    *,
    service: str,
    subscriptions: Sequence[Subscription],
    republishers: Sequence[Republisher],
    jobs: Sequence[Job] = (),
    keyed: Sequence[KeyedRows] = (),
) -> None:
    """Work until SIGTERM or SIGINT. ``main.py`` of a service ends with this call."""
    configure_logging(service, settings.log_level)
    configure_tracing(service, settings.otlp_endpoint)

    async def until_signal() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await work(
            settings,
            service=service,
            subscriptions=subscriptions,
            republishers=republishers,
            jobs=jobs,
            keyed=keyed,
            stop=stop,
        )

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(until_signal())


async def work(
    settings: ServiceSettings,
    *,
    service: str,
    subscriptions: Sequence[Subscription],
    republishers: Sequence[Republisher],
    jobs: Sequence[Job],
    stop: asyncio.Event,
    keyed: Sequence[KeyedRows] = (),
) -> None:
    """Work until ``stop`` is set."""
    db = Database(settings.database_url, schema=settings.database_schema, service=service)
    client = await _connect(settings, stop)
    if client is None:
        return
    relay = Relay(db, client, service, republishers, replicas=settings.nats_replicas)
    inbox = Inbox(db, client, service, subscriptions)
    keys = KeyFile(settings.key_file)
    handlers = {**command_handlers(relay, inbox), **rekeying.handlers(db, keys, keyed)}
    log.info("worker_started", subscriptions=[each.name for each in subscriptions])
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(relay.run(stop))
            tasks.create_task(inbox.run(stop))
            tasks.create_task(Commander(db, handlers).run(stop))
            for job in (*standard_jobs(settings), *jobs):
                tasks.create_task(run_job(db, job, stop))
            if settings.metrics_port is not None:
                checks = _checks(db, client, settings)
                tasks.create_task(_serve_operations(service, settings.metrics_port, checks, stop))
    finally:
        await client.close()
        await db.close()
    log.info("worker_stopped")


def command_handlers(relay: Relay, inbox: Inbox) -> dict[str, commands.Handler]:
    """Return what each order does; see ``commands``."""

    async def republish(stream: str | None) -> int:
        return await relay.republish(frozenset({stream}) if stream else None)

    async def start_over(_: str | None) -> int:
        return await relay.start_over()

    async def rebuild(subscription: str | None) -> int:
        if subscription == commands.EVERY:
            return await inbox.rebuild_all()
        return await inbox.rebuild(subscription or "")

    async def replay(parked_id: str | None) -> str:
        if (result := await inbox.replay(UUID(parked_id or ""))) != "replayed":
            raise ValueError(result)
        return result

    return {
        commands.REPUBLISH: republish,
        commands.START_OVER: start_over,
        commands.REBUILD: rebuild,
        commands.REPLAY: replay,
    }


def standard_jobs(settings: ServiceSettings) -> tuple[Job, ...]:
    """Return what every service does: sealing and signing audit, purges, measuring the outbox."""

    async def sign(db: Database) -> None:
        await audit.sign_root(db, audit.load_private_key(settings.audit_key_file))

    return (
        Job("audit-seal", 2, audit.seal),
        Job("audit-sign", HOUR_S, sign),
        Job("idempotency-purge", HOUR_S, idempotency.purge),
        Job("inbox-purge", HOUR_S, inbox_table.purge),
        Job("outbox-purge", HOUR_S, republishing.purge),
        Job("measure", MEASURE_S, measuring.measure),
    )


async def run_job(db: Database, job: Job, stop: asyncio.Event) -> None:
    """Run ``job`` at its interval until ``stop``, when no other process runs it now."""
    backoff = Backoff()
    while not stop.is_set():
        try:
            async with try_lock(db, f"job {job.name}") as lock:
                if lock is not None:
                    await job.run(db)
                    JOB_DONE.labels(db.service, job.name).set_to_current_time()
            backoff.reset()
            await pause(stop, job.every_s)
        except Exception as error:
            if not is_passing(error):
                raise
            log.warning("job_waits", job=job.name, error=type(error).__name__)
            await pause(stop, backoff.next())


async def _connect(settings: ServiceSettings, stop: asyncio.Event) -> Client | None:
    backoff = Backoff()
    while not stop.is_set():
        try:
            return (await broker.connect(settings))[0]
        except Exception as error:
            if not is_passing(error):
                raise
            log.warning("nats_unreachable", error=type(error).__name__)
            await pause(stop, backoff.next())
    return None


def _checks(db: Database, client: Client, settings: ServiceSettings) -> dict[str, Check]:
    async def nats() -> None:
        await client.flush(timeout=1)

    async def jetstream() -> None:
        await broker.require_sync_always(settings.nats_monitor_url)

    return {"database": db.ping, "nats": nats, "jetstream": jetstream}


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to the worker."""
        yield


async def _serve_operations(
    service: str, port: int, checks: dict[str, Check], stop: asyncio.Event
) -> None:
    """Show health and metrics until ``stop``."""
    server = _Server(
        uvicorn.Config(
            operations_app(f"Betang {service} worker", checks),
            host="0.0.0.0",  # noqa: S104 - scraped from other hosts; it shows no data
            port=port,
            log_config=None,
            access_log=False,
        )
    )
    serving = asyncio.create_task(server.serve())
    await stop.wait()
    server.should_exit = True
    await serving
