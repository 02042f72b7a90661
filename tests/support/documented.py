"""Every answer that a test gets stands in the OpenAPI document: its status, and the problem's code.

The clients of the tests are given this as a hook, so each test of an endpoint is also one of the
document.
"""

import json
import re
from typing import Any

import httpx

PROBLEM = "application/problem+json"
UNDOCUMENTED = frozenset({405, 408, 414})
"""Of an address or a line, not of an operation of it."""


class Documented:
    """Compares answers with a document."""

    def __init__(self, document: dict[str, Any]) -> None:
        # A literal address comes before one with a parameter, as in routing.
        ordered = sorted(document["paths"].items(), key=lambda item: item[0].count("{"))
        self._paths = [
            (re.compile(re.sub(r"{\w+}", "[^/\\0]+", path)), operations)
            for path, operations in ordered
        ]

    async def __call__(self, response: httpx.Response) -> None:
        """Fail the test whose answer is not documented."""
        request = response.request
        operation = self._operation(request.method.lower(), request.url.path)
        if operation is None or response.status_code in UNDOCUMENTED:
            return
        where = f"{request.method} {request.url.path} answers {response.status_code}"
        documented = operation["responses"].get(str(response.status_code))
        assert documented is not None, f"{where}, which its document does not say"
        if response.headers.get("content-type") == PROBLEM and request.method != "HEAD":
            code = json.loads(await response.aread())["code"]
            known = documented["content"][PROBLEM]["examples"]
            assert code in known, f"{where} {code}, its document knows {sorted(known)}"

    def _operation(self, method: str, path: str) -> dict[str, Any] | None:
        for pattern, operations in self._paths:
            if pattern.fullmatch(path):
                found: dict[str, Any] | None = operations.get(method)
                return found
        return None
