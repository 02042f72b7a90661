"""Identifiers: UUIDv7 (RFC 9562), made in Python so that PostgreSQL 15 to 17 serve as well as 18.

They sort roughly by time, which keeps index pages warm. They are never trusted for order: that is
what ``version``, ``epoch`` and the outbox sequence are for.
"""

import os
from uuid import UUID

from services.shared import clock


def new_id() -> UUID:
    """Return a new UUIDv7: 48 bits of milliseconds, 74 random bits."""
    milliseconds = int(clock.now().timestamp() * 1000)
    # One system call for all 74 bits: imports make hundreds of thousands of ids.
    random = int.from_bytes(os.urandom(10), "big")
    random_a, random_b = random >> 68, random & (1 << 62) - 1
    return UUID(int=milliseconds << 80 | 0x7 << 76 | random_a << 64 | 0b10 << 62 | random_b)
