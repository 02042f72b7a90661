"""Messages that no honest program sends: an agency's poison, and a producer's confusion.

Everything is drawn by a seed. A poison is bytes that must be parked with a reason and told back; a
confusion is an event of a service once more, older, or with another content under its id.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from deploy.nats.authority import AGENCY_PAYLOAD_BYTES_MAX
from tests.support import story
from tests.support.callers import reported
from tests.support.system import AgencyClient

PROGRAM = "skpd.program.reported.v1"
BIG, TOO_BIG = AGENCY_PAYLOAD_BYTES_MAX - 4_000, 1_048_576
DEPTH = 50_000


@dataclass(frozen=True, slots=True)
class Poison:
    """What is published where; ``reasons`` are the codes by which it may be parked."""

    name: str
    body: bytes
    reasons: tuple[str, ...]
    subject: str = PROGRAM
    headers: dict[str, str] = field(default_factory=dict)


def poisons(agency: AgencyClient, draw: random.Random) -> Iterator[Poison]:
    """Give one of each kind, never twice the same bytes."""
    mark = f"{draw.getrandbits(64):x}"

    def event(data: Any = None, **changes: Any) -> bytes:
        described = story.leg_program(2026) | {"code": f"RACUN-{mark[:8].upper()}"}
        return orjson.dumps(reported(agency, described if data is None else data, **changes))

    def without(name: str) -> bytes:
        whole = orjson.loads(event())
        del whole[name]
        return orjson.dumps(whole)

    good = event()
    yield Poison("nothing", b"", ("not_json",), headers={"X-Mark": mark})
    # As the server itself speaks to a consumer: it must not be taken for its word.
    for status in ("404", "408", "409", "503"):
        yield Poison(f"nothing, status {status}", b"", ("not_json",), headers={"Status": status})
    yield Poison("no JSON", f"<xml>{mark}</xml>".encode(), ("not_json",))
    yield Poison("cut JSON", good[: draw.randrange(2, len(good) - 2)], ("not_json",))
    yield Poison("no UTF-8", good.replace(b"kaki", b"k\xff\xfe"), ("not_json",))
    yield Poison("a raw NUL", good.replace(b"kaki", b"ka\x00ki"), ("not_json",))
    yield Poison("an escaped NUL", event().replace(b"kaki", rb"ka\u0000ki"), ("nul_character",))
    yield Poison("half a surrogate", event().replace(b"kaki", rb"ka\ud800ki"), ("not_json",))
    deep = b"[" * DEPTH + b"]" * DEPTH
    yield Poison("nested deeply", mark.encode().join((b'{"id":"', b'","data":' + deep + b"}")), ANY)
    yield Poison("an array", orjson.dumps([mark]), ("not_cloudevent",))
    yield Poison("a number", str(draw.getrandbits(60)).encode(), ("not_cloudevent",))
    yield Poison("infinity", event().replace(b"12500000", b"1e999"), SHAPE)
    yield Poison("not a number", event().replace(b"12500000", b"NaN"), ANY)
    yield Poison("a huge number", event().replace(b"12500000", b"9" * 4_000), ANY)
    yield Poison("as large as may be", event({"code": mark, "name": "x" * BIG}), SHAPE)
    for name in ("specversion", "id", "source", "type", "time", "data"):
        yield Poison(f"no {name}", without(name), ("not_cloudevent",))
    yield Poison("version 0.3", event(specversion="0.3"), ("not_cloudevent",))
    yield Poison("no zone", event(time="2026-01-01T00:00:00"), ("not_cloudevent",))
    yield Poison("no such day", event(time="2026-02-30T00:00:00Z"), ("not_cloudevent",))
    yield Poison("a long id", event(id=mark * 50), ("not_cloudevent",))
    yield Poison("wrong schema", event({"code": mark}), SHAPE)
    yield Poison("unknown type", event(type="skpd.wish.reported.v1"), ("unknown_type",),
                 "skpd.wish.reported.v1")  # fmt: skip
    yield Poison("unknown version", event(type=f"{PROGRAM[:-1]}9"), ("unknown_type",),
                 f"{PROGRAM[:-1]}9")  # fmt: skip
    yield Poison("type is not the subject's", event(), ("subject_mismatch",), f"{PROGRAM[:-1]}7")
    yield Poison("another's name", event(source="skpd/dishub"), ("source_mismatch",))
    yield Poison("a service's name", event(source="registry"), ("source_mismatch",))
    yield Poison("future", event(time="2999-01-01T00:00:00Z"), ("future_time",))


SHAPE = ("wrong_shape",)
ANY = ("not_json", "not_cloudevent", "wrong_shape")


@dataclass(frozen=True, slots=True)
class Confused:
    """A message of a service; ``parked`` when consumers must refuse it."""

    subject: str
    body: bytes
    parked: bool = False


def confusions(subject: str, body: bytes, draw: random.Random) -> list[Confused]:
    """Return an event again and again, out of order; of a state the right one comes last."""
    event = orjson.loads(body)
    again = [Confused(subject, body)] * draw.randrange(1, 4)
    if subject.startswith("distribution.delivery."):
        other = event | {"data": event["data"] | {"quantity": 7, "value_idr": 7_000}}
        mixed = [*again, Confused(subject, orjson.dumps(other), parked=True)]
        draw.shuffle(mixed)
        return mixed
    stale = [
        Confused(subject, orjson.dumps(_older(event, draw))) for _ in range(draw.randrange(1, 4))
    ]
    mixed = [*again, *stale]
    draw.shuffle(mixed)
    return [*mixed, Confused(subject, body)]


def _older(event: dict[str, Any], draw: random.Random) -> dict[str, Any]:
    """Return a state of an older version, or of an older epoch and a higher version."""
    changed = (
        event["data"] | {"region_code": "62.02.01.2001"}
        if "region_code" in event["data"]
        else event["data"]
    )
    if draw.random() < 0.5 and event["epoch"] > 0:
        place = {"epoch": event["epoch"] - 1, "version": event["version"] + draw.randrange(1, 9)}
    else:
        place = {"version": max(event["version"] - draw.randrange(1, 3), 0)}
    return event | place | {"id": f"older-{draw.getrandbits(64):x}", "data": changed}
