"""Make ``vectors.json``: what a token must not be, in the manner of Wycheproof's files for JWS.

``python -m tests.contract.jws.make_vectors`` writes the file. It is data for any implementation:
the issuers with their keys, and tokens with the result that verification must have.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.contract.jws import claims, forge, headers, signatures, texts

FILE = Path(__file__).with_name("vectors.json")
NOTE = (
    "Test keys only: they follow from labels in keys.py and protect nothing. Made by"
    " python -m tests.contract.jws.make_vectors; do not edit."
)
Vector = tuple[str, str]


def groups() -> Iterator[tuple[str, str, Iterator[Vector]]]:
    """Yield name, result and vectors (comment, token) of each group."""
    yield "good tokens", "valid", claims.good_tokens()
    yield "grants that mean nothing", "valid without grants", claims.empty_grants()
    for module in (headers, signatures, texts, claims):
        for name, make in module.GROUPS.items():
            yield name, "invalid", make()


def document() -> dict[str, Any]:
    """Return the whole file."""
    tests = []
    for group, result, vectors in groups():
        for comment, token in vectors:
            tests.append({"group": group, "comment": comment, "token": token, "result": result})
    numbered = [{"tcId": number, **test} for number, test in enumerate(tests, 1)]
    return {
        "note": NOTE,
        "audience": forge.AUDIENCE,
        "issuers": forge.ISSUERS,
        "numberOfTests": len(numbered),
        "tests": numbered,
    }


def text() -> str:
    """Return the file's text."""
    return json.dumps(document(), indent=1) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
