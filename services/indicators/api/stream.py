"""Server-sent events: told whenever figures change, at most four times a second.

An event says which kinds of data changed, not the figures: a client asks again for what it shows,
with its own rights. Counters of commits are the event id, so a client that was away and sends
``Last-Event-ID`` learns at once what has changed meanwhile. No event names a program or a place.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Final

import asyncpg
import orjson
from fastapi import Request
from fastapi.responses import StreamingResponse

from services.indicators.api.common import Reader
from services.indicators.domain.reach import Topic
from services.indicators.storage import sources
from services.shared import clock
from services.shared.db import Pool
from services.shared.http import service_router
from services.shared.openapi import EVENT_STREAM, answers
from services.shared.problems import UNAVAILABLE, Problem
from services.shared.shapes import LastEventId

router = service_router(tags=["indicators"], prefix="/v1/indicators")

DEBOUNCE_S: Final = 0.25
"""Commits within a quarter of a second are told together."""

HEARTBEAT_S: Final = 15.0
"""Proxies cut connections that are silent for a minute."""

STREAMS_MAX: Final = 500
"""Open streams of one process; the next one is asked to come again."""

LAST_ID_CHARS_MAX: Final = 500

RESOURCES: Final[Mapping[Topic, tuple[str, ...]]] = {
    Topic.REGIONS: ("/v1/unreached", "/v1/coverage"),
    Topic.FAMILIES: ("/v1/unreached", "/v1/coverage", "/v1/contributions", "/v1/indicators"),
    Topic.ORGANISATIONS: ("/v1/contributions", "/v1/budgets"),
    Topic.PROGRAMS: ("/v1/budgets", "/v1/contributions", "/v1/coverage", "/v1/unreached"),
    Topic.ENROLMENTS: ("/v1/indicators", "/v1/unreached"),
    Topic.CYCLES: ("/v1/budgets", "/v1/contributions", "/v1/coverage", "/v1/indicators"),
    Topic.ENTITLEMENTS: ("/v1/budgets", "/v1/contributions", "/v1/indicators"),
    Topic.DELIVERIES: (
        "/v1/budgets",
        "/v1/contributions",
        "/v1/coverage",
        "/v1/indicators",
        "/v1/unreached",
    ),
    Topic.OFFICIAL: ("/v1/official-statistics", "/v1/indicators"),
    Topic.TARGETS: ("/v1/targets", "/v1/indicators"),
    Topic.SOURCES: ("/v1/unreached", "/v1/indicators/expected-sources"),
}

TOPICS: Final = frozenset(topic.value for topic in Topic)

Marks = dict[Topic, tuple[int, datetime]]


class FigureFeed:
    """Reads the counters for all streams of this process, one query per quarter of a second."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._lock = asyncio.Lock()
        self._marks: Marks = {}
        self._read_at = -1.0
        self.streams = 0

    async def marks(self) -> Marks:
        """Return the counters, at most ``DEBOUNCE_S`` old."""
        async with self._lock:
            now = asyncio.get_running_loop().time()
            if now - self._read_at >= DEBOUNCE_S:
                self._marks = await sources.counters(self._pool)
                self._read_at = now
            return self._marks


@router.get(
    "/stream",
    response_class=StreamingResponse,
    responses=answers(
        EVENT_STREAM, 'id: families=12\nevent: changed\ndata: {"changed":["families"]}\n\n'
    ),
)
async def stream_changes(
    request: Request,
    actor: Reader,
    last_event_id: LastEventId = None,
) -> StreamingResponse:
    """Beri tahu setiap kali angka berubah; berakhir bersama token."""
    feed: FigureFeed = request.app.state.figure_feed
    if feed.streams >= STREAMS_MAX:
        raise Problem(UNAVAILABLE, headers={"Retry-After": "10"})
    return StreamingResponse(
        _events(feed, last_event_id, actor.expires_at),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _events(
    feed: FigureFeed, last_event_id: str | None, expires_at: datetime
) -> AsyncIterator[bytes]:
    """Yield events until the token expires or PostgreSQL is away; the client then comes again."""
    feed.streams += 1
    try:
        known = parse_id(last_event_id)
        greeted, silent_s = False, 0.0
        while clock.now() < expires_at:
            marks = await feed.marks()
            counters = {topic: mark[0] for topic, mark in marks.items()}
            changed = [] if known is None else _changed(known, counters)
            if changed or not greeted:
                yield _frame("figures" if changed else "hello", marks, changed)
                greeted, silent_s = True, 0.0
            elif silent_s >= HEARTBEAT_S:
                yield b": ping\n\n"
                silent_s = 0.0
            known = counters
            await asyncio.sleep(DEBOUNCE_S)
            silent_s += DEBOUNCE_S
        yield b'event: end\ndata: {"reason":"token_expired"}\n\n'
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        yield b'event: end\ndata: {"reason":"unavailable"}\n\n'
    finally:
        feed.streams -= 1


def parse_id(text: str | None) -> dict[Topic, int] | None:
    """Return the counters of an event id; None when there is none or it is not ours."""
    if not text or len(text) > LAST_ID_CHARS_MAX:
        return None
    counters: dict[Topic, int] = {}
    for part in text.split(","):
        name, _, number = part.partition(":")
        if name not in TOPICS or not (number.isascii() and number.isdigit()):
            return None
        counters[Topic(name)] = int(number)
    return counters


def format_id(counters: Mapping[Topic, int]) -> str:
    """Return the event id of these counters."""
    return ",".join(f"{topic}:{counters[topic]}" for topic in sorted(counters))


def _changed(known: Mapping[Topic, int], counters: Mapping[Topic, int]) -> list[Topic]:
    # Unequal, not greater: after a restore from backup counters are lower, and all has changed.
    return sorted(topic for topic in counters if counters[topic] != known.get(topic))


def _frame(event: str, marks: Marks, changed: list[Topic]) -> bytes:
    newest: dict[str, datetime] = {}
    for topic, (_, at) in marks.items():
        newest[topic.producer] = max(at, newest.get(topic.producer, at))
    body = {
        "changed": changed,
        "resources": sorted({path for topic in changed for path in RESOURCES[topic]}),
        "last_data_at": newest,
    }
    identifier = format_id({topic: mark[0] for topic, mark in marks.items()})
    head = f"id: {identifier}\n" if identifier else ""
    return f"{head}event: {event}\ndata: {orjson.dumps(body).decode()}\n\n".encode()
