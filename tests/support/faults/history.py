"""What clients did while something broke: every call, and what the client knows of it afterwards.

A call is invoked, and ends as one of three: *ok* (the answer was a success, or JetStream
acknowledged), *fail* (a definite refusal: nothing happened) or *unknown* (5xx, a time limit, a cut
line: it may or may not have happened). ``checker`` compares this with the databases.

    history = History("f4-nats-killed", seed=7)
    answer = await history.http("petugas", "delivery", delivery_id, send)

``what`` is a kind of ``truths.EFFECTS`` and ``key`` names the one effect; ``send`` is called once
and returns an ``httpx.Response``. What only reads has the kind ``READ``.
"""

import itertools
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Container, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import httpx
import orjson
from nats.errors import Error as NatsError
from nats.errors import MaxPayloadError
from nats.js.errors import APIError

KEPT_IN = Path(__file__).resolve().parents[3] / ".betang" / "faults"
"""Histories of failed runs; outside the temporary folder, which ends with the tests."""

READ = "read"
UNDECIDED = frozenset({408, 425})
IN_PROGRESS = "idempotency_in_progress"
"""The refusal that says nothing of the effect: an earlier attempt is still at work."""


class Outcome(StrEnum):
    """What the client knows when the call is over."""

    OK = "ok"
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(slots=True)
class Call:
    """One call. ``outcome`` is unknown until it ends: a client that died knows no more."""

    number: int
    who: str
    what: str
    key: str
    began_s: float
    outcome: Outcome = Outcome.UNKNOWN
    ended_s: float | None = None
    result: str = ""


@dataclass(slots=True)
class History:
    """The calls of one run, in the order of their beginning."""

    name: str
    seed: int | None = None
    calls: list[Call] = field(default_factory=list)
    notes: list[dict[str, Any]] = field(default_factory=list)
    _numbers: Any = field(default_factory=itertools.count)

    def invoke(self, who: str, what: str, key: object) -> Call:
        """Note that a call begins."""
        call = Call(next(self._numbers), who, what, str(key), time.monotonic())
        self.calls.append(call)
        return call

    def end(self, call: Call, outcome: Outcome, result: object = "") -> None:
        """Note how a call ended."""
        call.outcome, call.result = outcome, str(result)[:300]
        call.ended_s = time.monotonic()

    def note(self, what: str, **details: Any) -> None:
        """Note what the harness did: a process died, a stream was deleted."""
        self.notes.append({"at": time.monotonic(), "phase": "note", "what": what, **details})

    def saw(self, who: str, what: str, keys: Iterable[object]) -> None:
        """Note what a read showed: who saw it may rely on it, so it counts as acknowledged."""
        for key in keys:
            self.end(self.invoke(who, what, key), Outcome.OK, "seen")

    async def http(
        self, who: str, what: str, key: object, send: Callable[[], Awaitable[httpx.Response]]
    ) -> httpx.Response | None:
        """Call over HTTP. Return the answer, or None when none came."""
        call = self.invoke(who, what, key)
        try:
            answer = await send()
        except httpx.TransportError as error:
            self.end(call, Outcome.UNKNOWN, repr(error))
            return None
        self.end(call, outcome_of(answer), f"{answer.status_code} {_code(answer)}".strip())
        return answer

    async def publish(
        self, who: str, what: str, key: object, send: Callable[[], Awaitable[Any]]
    ) -> bool:
        """Publish to JetStream. Return whether it was acknowledged."""
        call = self.invoke(who, what, key)
        try:
            await send()
        except APIError as error:
            refused = error.code is not None and error.code < httpx.codes.INTERNAL_SERVER_ERROR
            self.end(call, Outcome.FAIL if refused else Outcome.UNKNOWN, repr(error))
        except MaxPayloadError as error:
            self.end(call, Outcome.FAIL, repr(error))
        except (NatsError, OSError, TimeoutError) as error:
            self.end(call, Outcome.UNKNOWN, repr(error))
        else:
            self.end(call, Outcome.OK, "acknowledged")
        return call.outcome is Outcome.OK

    def forget(self, kinds: Container[str], since: int) -> None:
        """Take back what was acknowledged from call ``since`` on: an old backup may not know it."""
        for call in self.calls[since:]:
            if call.what in kinds and call.outcome is Outcome.OK:
                call.outcome, call.result = Outcome.UNKNOWN, f"{call.result}, before the restore"

    def outcomes(self) -> dict[tuple[str, str], Outcome]:
        """Return what is known of each effect (what, key) after all calls for it.

        One *ok* settles it. Else one *unknown* leaves it open, whatever was refused later: the
        refusal may be the answer to a second attempt.
        """
        by_effect: dict[tuple[str, str], set[Outcome]] = defaultdict(set)
        for call in self.calls:
            by_effect[call.what, call.key].add(call.outcome)
        return {
            effect: next(one for one in (Outcome.OK, Outcome.UNKNOWN, Outcome.FAIL) if one in all_)
            for effect, all_ in by_effect.items()
        }

    def counts(self) -> Counter[Outcome]:
        """Return how many calls ended how."""
        return Counter(call.outcome for call in self.calls)

    def keep(self, folder: Path = KEPT_IN) -> Path:
        """Write the history as JSON lines, in the order of time, and return where."""
        folder.mkdir(parents=True, exist_ok=True)
        free = (folder / f"{self.name}-{number}.jsonl" for number in itertools.count(1))
        path = next(one for one in free if not one.exists())
        lines = [{"at": 0.0, "phase": "begin", "name": self.name, "seed": self.seed}, *self.notes]
        for call in self.calls:
            about = {"call": call.number, "who": call.who, "what": call.what, "key": call.key}
            lines.append({"at": call.began_s, "phase": "invoke"} | about)
            if call.ended_s is not None:
                about |= {"result": call.result}
                lines.append({"at": call.ended_s, "phase": call.outcome.value} | about)
        ordered = sorted(lines, key=lambda line: line["at"])
        path.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in ordered))
        return path


def outcome_of(answer: httpx.Response) -> Outcome:
    """Say what an answer tells of its effect: 2xx, a definite 4xx, or neither."""
    if answer.is_success:
        return Outcome.OK
    if not answer.is_client_error or answer.status_code in UNDECIDED:
        return Outcome.UNKNOWN
    return Outcome.UNKNOWN if _code(answer) == IN_PROGRESS else Outcome.FAIL


def _code(answer: httpx.Response) -> str:
    """Return the problem's stable code; none when the answer is no problem."""
    if answer.is_success or "json" not in answer.headers.get("content-type", ""):
        return ""
    try:
        body = orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        return ""
    return str(body.get("code", "")) if isinstance(body, dict) else ""
