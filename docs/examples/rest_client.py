"""An agency's own system keeps one of its programs in the catalog, over HTTPS.

Run it with GATEWAY and TOKEN set: ``rest_client.py CODE NAME CEILING_IDR``. It looks for the
program in the catalog, adds it as a draft or changes what differs, and asks another service
whether it knows. Run it again at any time, also after it gave up: it looks first. It needs httpx.
"""

import os
import sys
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx

PAGE = int(os.environ.get("PAGE", "200"))  # rows; more than 200 are refused
TIMEOUT_S = 40  # the gateway gives up after 30 s, and its answer says more than silence
TRIES_MAX = 6  # with pauses of 1, 2, 4, 8 and 16 s: longer than the restart of a service
LATER = {429, 502, 503, 504}  # not now; after 502 and 504 nobody knows whether it was done


class Refused(Exception):
    """Betang said no: a code for programs, a sentence for people, and which fields."""

    def __init__(self, answer: httpx.Response) -> None:
        problem: dict[str, Any] = {"code": answer.status_code, "title": answer.reason_phrase}
        if answer.headers.get("Content-Type") == "application/problem+json":
            problem = answer.json()
        self.code = problem["code"]
        lines = [f"{self.code}: {problem['title']}", problem.get("detail", "")]
        lines += [f"{field['pointer']}: {field['detail']}" for field in problem.get("errors", ())]
        super().__init__("\n".join(line for line in lines if line))


class Betang:
    """The gateway, as the owner of a token sees it."""

    def __init__(self, gateway: str, token: str) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        self._http = httpx.Client(base_url=gateway, headers=headers, timeout=TIMEOUT_S)

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Return the answer. Without one, or told to come later, ask the very same again."""
        for tried in range(TRIES_MAX):
            pause_s = 2.0**tried
            try:
                answer = self._http.request(method, path, **options)
            except (httpx.TimeoutException, httpx.NetworkError, httpx.RemoteProtocolError) as error:
                why = f"no answer ({type(error).__name__})"
            else:
                # A 409 with Retry-After: our first try is still being worked on.
                if answer.status_code not in LATER and "Retry-After" not in answer.headers:
                    if answer.is_error:
                        raise Refused(answer)
                    return answer
                why = str(Refused(answer))
                pause_s = max(pause_s, float(answer.headers.get("Retry-After", 0)))
            if tried < TRIES_MAX - 1:
                print(f"{why}; again in {pause_s:g} s", file=sys.stderr)
                time.sleep(pause_s)
        raise TimeoutError(f"{why}; gave up, run it again to learn whether it was done")

    def rows(self, path: str, **filters: str) -> Iterator[dict[str, Any]]:
        """Yield a whole list, page by page, to its end."""
        asked: dict[str, Any] = {**filters, "limit": PAGE}
        while True:
            page = self.ask("GET", path, params=asked).json()
            yield from page["data"]
            if page["next"] is None:
                return
            asked["cursor"] = page["next"]

    def write(self, method: str, path: str, body: Any, **headers: str) -> httpx.Response:
        """Do it once: every try of this action carries the same key."""
        headers["Idempotency-Key"] = str(uuid.uuid4())
        return self.ask(method, path, json=body, headers=headers)


def described(code: str, name: str, ceiling_idr: int, year: int) -> dict[str, Any]:
    """Return the program as our own books have it; the fields are those of /openapi.json."""
    return {
        "code": code, "name": name,
        "klaster": "I", "strategi": "BEBAN", "bidang": "PENDIDIKAN", "unit": "person",
        "benefit": {"kind": "service", "item": "antar jemput sekolah", "unit": "bulan",
                    "quantity": 1, "unit_value_idr": None},
        "frequency": "bulanan", "counts_as_reached": True,
        "years": [{"year": year, "fund_source": "APBD_KAB", "ceiling_idr": ceiling_idr,
                   "aid_ceiling_idr": None, "quota": None}],
    }  # fmt: skip


def keep(betang: Betang, wanted: dict[str, Any]) -> httpx.Response:
    """Add the program, or change what differs, and return the answer."""
    owner = betang.ask("GET", "/v1/me").json()["agency"]
    catalog = list(betang.rows("/v1/programs", owner_code=owner))
    print(f"{owner} has {len(catalog)} programs")
    known = [program for program in catalog if program["code"] == wanted["code"]]
    if not known:
        return betang.write("POST", "/v1/programs", wanted | {"owner_code": owner})
    path = f"/v1/programs/{known[0]['program_id']}"
    seen = betang.ask("GET", path)
    changes = {name: value for name, value in wanted.items() if seen.json()[name] != value}
    if not changes:
        return seen
    # What somebody else changed since we read it is not overwritten: 412, and we run again.
    return betang.write("PATCH", path, changes, **{"If-Match": seen.headers["ETag"]})


def ceiling_elsewhere(betang: Betang, program: dict[str, Any], position: str) -> str:
    """Return the ceiling that indicators shows, once it has heard of the write at ``position``."""
    path = f"/v1/indicators/programs/{program['program_id']}/summary"
    asked = {"year": program["years"][0]["year"], "min_position": position}
    try:
        figures = betang.ask("GET", path, params=asked).json()
    except Refused as refused:
        if refused.code != "program_unknown":
            raise
        figures = {"stale": True}
    return "has not heard of it yet" if figures["stale"] else f"{figures['ceiling_idr']} IDR"


def main(code: str, name: str, ceiling_idr: str) -> None:
    betang = Betang(os.environ["GATEWAY"], os.environ["TOKEN"])
    kept = keep(betang, described(code, name, int(ceiling_idr), datetime.now(UTC).year))
    program = kept.json()
    by = ", done by an earlier try" if "Idempotency-Replayed" in kept.headers else ""
    print(f"{program['code']} is {program['status']}, version {program['version']}{by}")
    if position := kept.headers.get("Betang-Position"):
        print(f"indicators: {ceiling_elsewhere(betang, program, position)}")


ARGUMENTS = 3
if len(sys.argv) - 1 != ARGUMENTS:
    print(__doc__, file=sys.stderr)
    sys.exit(2)
try:
    main(*sys.argv[1:])
except (Refused, TimeoutError) as error:
    sys.exit(str(error))
