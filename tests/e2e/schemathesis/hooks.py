"""What Schemathesis cannot know from the document: how to send raw bytes, and that keys are new."""

from typing import Any
from uuid import uuid4

import schemathesis

from services.shared.openapi_examples import COMMON

KEY = "Idempotency-Key"
POSITION = "min_position"


@schemathesis.serializer("application/offset+octet-stream")
def raw_bytes(context: Any, value: Any) -> bytes:
    """Send a piece of a file as it is."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogateescape")


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Make each action a new one, and ask for no state that never comes.

    The same key with another body is refused, as documented; the position of the examples would
    be waited for, two seconds each time.
    """
    given = (case.headers or {}).get(KEY)
    if isinstance(given, str) and given.strip(' "') and len(given) <= 200 and given.isascii():
        case.headers[KEY] = str(uuid4())
    if (case.query or {}).get(POSITION) == COMMON[POSITION]:
        del case.query[POSITION]
