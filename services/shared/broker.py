"""The connection to NATS, and JetStream's API where nats-py does not know a field.

Also the one list of faults that pass: what a background task meets when PostgreSQL or NATS is
away, and after which it tries again.
"""

import asyncio
import json
from typing import Any

import asyncpg
import httpx
import nats
import nats.errors
import structlog
from nats.aio.client import Client
from nats.js import JetStreamContext
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from services.shared.db import sqlstate_of
from services.shared.settings import ServiceSettings

REQUEST_TIMEOUT_S = 5.0
MONITOR_TIMEOUT_S = 2.0
NOT_FOUND = 404
PASSING_STATES = ("08", "40", "53", "55", "57")
"""SQLSTATE classes of faults that pass: connection, rollback, resources, locks, shutdown."""

log = structlog.get_logger(__name__)


class NotSynced(Exception):
    """JetStream acknowledges messages before they are on the disk: a power cut would lose them."""


class ApiError(Exception):
    """JetStream refused a request; ``code`` is HTTP-like, ``err_code`` is the server's number."""

    def __init__(self, code: int, err_code: int, description: str) -> None:
        super().__init__(f"{description} ({err_code})")
        self.code = code
        self.err_code = err_code


async def connect(settings: ServiceSettings) -> tuple[Client, JetStreamContext]:
    """Connect as the service's own NATS user; reconnects by itself for ever."""
    client = await nats.connect(
        servers=[settings.nats_url],
        user_credentials=str(settings.nats_creds),
        name=f"betang {settings.service_name}",
        # Only this user may subscribe below its own prefix: nobody overhears the answers.
        inbox_prefix=f"_INBOX_{settings.service_name}".encode(),
        connect_timeout=5,
        max_reconnect_attempts=-1,
        reconnect_time_wait=0.5,
        ping_interval=10,
        max_outstanding_pings=2,
        error_cb=_log_error,
    )
    return client, client.jetstream(timeout=REQUEST_TIMEOUT_S)


async def _log_error(error: Exception) -> None:
    log.warning("nats_error", error=type(error).__name__)


async def require_sync_always(monitor_url: str) -> None:
    """Raise ``NotSynced`` unless the server syncs each message before it acknowledges it.

    An application's account cannot see this; the monitoring address can.
    """
    async with httpx.AsyncClient(timeout=MONITOR_TIMEOUT_S, trust_env=False) as http:
        try:
            answer = await http.get(f"{monitor_url.rstrip('/')}/varz")
            config = answer.raise_for_status().json()["jetstream"]["config"]
        except (httpx.HTTPError, KeyError, TypeError, ValueError) as error:
            raise NotSynced(f"the monitoring address does not tell: {error!r}") from error
    if config.get("sync_always") is not True:
        raise NotSynced("jetstream { sync_interval: always } is not set")


async def request_api(client: Client, subject: str, body: dict[str, Any]) -> dict[str, Any]:
    """Ask ``$JS.API.<subject>``. Raise ``ApiError`` when it refuses."""
    answer = await client.request(
        f"$JS.API.{subject}", json.dumps(body).encode(), timeout=REQUEST_TIMEOUT_S
    )
    document: dict[str, Any] = json.loads(answer.data)
    if error := document.get("error"):
        raise ApiError(error.get("code", 0), error.get("err_code", 0), error.get("description", ""))
    return document


def is_passing(error: BaseException) -> bool:
    """Say whether ``error`` comes from a PostgreSQL or NATS that is away, restarting or busy."""
    if isinstance(error, ApiError):
        # Not found: the producer has not made its stream yet. 500s: the server is starting.
        return error.code == NOT_FOUND or error.code >= 500  # noqa: PLR2004
    if isinstance(error, nats.errors.Error | ConnectionError | TimeoutError | PoolTimeoutError):
        return True
    # InternalClientError: the server's last word on this line was an error, its end is on the way.
    if isinstance(error, OSError | asyncpg.InterfaceError | asyncpg.InternalClientError):
        return True
    if isinstance(error, DBAPIError | asyncpg.PostgresError):
        state = sqlstate_of(error)
        # A statement that took too long takes too long again.
        return state is None or (state != "57014" and state.startswith(PASSING_STATES))
    return False


async def pause(stop: asyncio.Event, seconds: float) -> bool:
    """Wait, but not longer than until ``stop`` is set. Return whether it is."""
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return False
    return True


def client_of(nats_or_js: Client | JetStreamContext) -> Client:
    """Return the connection behind a JetStream context: its API knows more than nats-py does."""
    if isinstance(nats_or_js, Client):
        return nats_or_js
    client: Client = nats_or_js._nc  # noqa: SLF001 - nats-py has no public way to it
    return client


class Backoff:
    """Seconds to wait after each fault in a row: doubled up to a limit, reset by success."""

    def __init__(self, first_s: float = 0.2, limit_s: float = 10.0) -> None:
        self._first_s = first_s
        self._limit_s = limit_s
        self._next_s = first_s

    def next(self) -> float:
        """Return how long to wait now."""
        now_s, self._next_s = self._next_s, min(self._next_s * 2, self._limit_s)
        return now_s

    def reset(self) -> None:
        """Begin again: something worked."""
        self._next_s = self._first_s
