"""How often one caller may call: a sliding window per caller, per address for the unknown.

The counters are of the library ``limits``; the headers follow draft-ietf-httpapi-ratelimit-headers.
"""

import hashlib
import ipaddress
import math
from dataclasses import dataclass

from limits import RateLimitItemPerMinute
from limits.aio.storage import Storage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.storage import storage_from_string

from services.shared import clock
from services.shared.auth import Actor
from services.shared.problems import TOO_MANY_REQUESTS, Problem

WINDOW_S = 60


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left to a caller in the present window."""

    policy: str
    quota: int
    remaining: int
    resets_in_s: int

    def headers(self) -> dict[str, str]:
        """Return ``RateLimit-Policy`` and ``RateLimit``."""
        return {
            "RateLimit-Policy": f'"{self.policy}";q={self.quota};w={WINDOW_S}',
            "RateLimit": f'"{self.policy}";r={self.remaining};t={self.resets_in_s}',
        }


class RateLimits:
    """Counts calls. Both methods raise the 429 problem when the quota is used up."""

    def __init__(self, *, calls: int, anonymous_calls: int, storage: str) -> None:
        kept = storage_from_string(storage)
        if not isinstance(kept, Storage):
            raise TypeError("limits_storage must be asynchronous: async+memory://")
        self._limiter = SlidingWindowCounterRateLimiter(kept)
        self._calls = RateLimitItemPerMinute(calls)
        self._anonymous_calls = RateLimitItemPerMinute(anonymous_calls)

    async def count_caller(self, actor: Actor) -> Allowance:
        """Count one call of a known caller, by issuer and subject."""
        # Hashed: both are free text, and the key must not be ambiguous.
        key = hashlib.sha256(f"{len(actor.issuer)} {actor.id}".encode()).hexdigest()
        return await self._count("default", self._calls, key)

    async def count_address(self, address: str) -> Allowance:
        """Count one call without a valid token, by network address."""
        return await self._count("anonymous", self._anonymous_calls, network_of(address))

    async def _count(self, policy: str, quota: RateLimitItemPerMinute, key: str) -> Allowance:
        allowed = await self._limiter.hit(quota, policy, key)
        window = await self._limiter.get_window_stats(quota, policy, key)
        resets_in_s = max(1, math.ceil(window.reset_time - clock.now().timestamp()))
        allowance = Allowance(policy, quota.amount, max(0, window.remaining), resets_in_s)
        if not allowed:
            headers = {**allowance.headers(), "Retry-After": str(resets_in_s)}
            raise Problem(TOO_MANY_REQUESTS, headers=headers)
        return allowance


def network_of(address: str) -> str:
    """Return what one subscriber has: an IPv4 address, or an IPv6 /64."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((int(parsed) >> 64 << 64, 64)))
    return str(parsed)
