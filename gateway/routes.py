"""The table of routes: which path goes to which service. What is not in it does not exist."""

import re
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

RAW_PATH = re.compile(rb"^/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*$")
DOTS_OR_EMPTY = re.compile(rb"/(\.{0,2})(/|$)")
LONG_DEADLINE_S = 300.0


@dataclass(frozen=True, slots=True)
class Route:
    """``prefix`` and everything below it. ``deadline_s`` None means the usual one."""

    prefix: str
    service: str
    takes_files: bool = False
    deadline_s: float | None = None

    @property
    def name(self) -> str:
        """Return the route's name in logs and metrics: a path would hold identifiers."""
        return f"{self.prefix}/*"


ROUTES = (
    Route("/v1/regions", "registry"),
    Route("/v1/families", "registry"),
    Route("/v1/persons", "registry"),
    # Merging a whole regency is one transaction of minutes.
    Route("/v1/imports", "registry", deadline_s=LONG_DEADLINE_S),
    Route("/v1/code-lists", "registry"),
    Route("/v1/uploads/registry", "registry", takes_files=True),
    Route("/v1/changes/registry", "registry"),
    Route("/v1/parked-events/registry", "registry"),
    Route("/v1/organisations", "programs"),
    Route("/v1/programs", "programs"),
    Route("/v1/rules", "programs"),
    Route("/v1/enrolments", "programs", deadline_s=LONG_DEADLINE_S),
    Route("/v1/changes/programs", "programs"),
    Route("/v1/parked-events/programs", "programs"),
    Route("/v1/cycles", "distribution", deadline_s=LONG_DEADLINE_S),
    Route("/v1/entitlements", "distribution"),
    Route("/v1/sessions", "distribution"),
    Route("/v1/deliveries", "distribution", deadline_s=LONG_DEADLINE_S),
    Route("/v1/ledger", "distribution"),
    Route("/v1/uploads/distribution", "distribution", takes_files=True),
    Route("/v1/changes/distribution", "distribution"),
    Route("/v1/parked-events/distribution", "distribution"),
    Route("/v1/indicators", "indicators"),
    Route("/v1/official-statistics", "indicators"),
    Route("/v1/targets", "indicators"),
    Route("/v1/unreached", "indicators"),
    Route("/v1/coverage", "indicators"),
    Route("/v1/contributions", "indicators"),
    Route("/v1/budgets", "indicators"),
    Route("/v1/changes/indicators", "indicators"),
    Route("/v1/parked-events/indicators", "indicators"),
)


class Router:
    """Finds the route of a path by whole segments."""

    def __init__(self, routes: tuple[Route, ...] = ROUTES) -> None:
        self._by_prefix = {route.prefix: route for route in routes}
        self._depth_max = max(route.prefix.count("/") for route in routes)

    def find(self, raw_path: bytes) -> Route | None:
        """Return the route of an undecoded path, None when there is none.

        A path that a later hop could read differently (dot segments, encoded slashes, empty
        segments) has no route: it could leave the prefix by which it was allowed.
        """
        if not RAW_PATH.match(raw_path) or not _is_plain(raw_path):
            return None
        segments = raw_path.decode("ascii").split("/")
        for depth in range(min(self._depth_max, len(segments) - 1), 0, -1):
            route = self._by_prefix.get("/".join(segments[: depth + 1]))
            if route is not None:
                return route
        return None


def _is_plain(raw_path: bytes) -> bool:
    if b"%" not in raw_path and not DOTS_OR_EMPTY.search(raw_path):
        return True
    for segment in raw_path.split(b"/")[1:]:
        decoded = unquote_to_bytes(segment)
        if decoded in (b"", b".", b".."):
            return False
        if any(byte < 0x20 or byte in b"/\\%\x7f" for byte in decoded):  # noqa: PLR2004 - control characters
            return False
    return True
