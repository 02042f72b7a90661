"""Claims of the wrong type, time, audience or person; and good tokens beside them."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from cryptography.hazmat.primitives.asymmetric import utils

from tests.contract.jws.forge import (
    AUDIENCE,
    CLAIMS,
    EC,
    EC_ORDER,
    ED,
    ED_OTHER,
    EXPIRES,
    HEADS,
    ISSUED,
    ISSUER,
    OTHER,
    SIGN,
    ecdsa_der,
    good,
    token,
)

Vectors = Iterator[tuple[str, str]]
WRONG_TIMES: dict[str, Any] = {
    "text of digits": str(EXPIRES),
    "text": "soon",
    "empty text": "",
    "a date": "2100-01-01T00:00:00Z",
    "null": None,
    "true": True,
    "a list": [EXPIRES],
    "an object": {"seconds": EXPIRES},
    "negative": -1,
    "huge": 10**300,
    "a huge float": 1e300,
    "milliseconds": EXPIRES * 1000,
}


def good_tokens() -> Vectors:
    """Good tokens: a verifier that refuses everything would pass no test here."""
    for which in SIGN:
        yield f"signed by {which}", good(which)
    for typ in ("AT+JWT", "application/at+jwt", "Application/At+Jwt"):
        yield f"typ {typ!r}", good(header={"typ": typ})
    yield "an unknown header member", good(header={"x": {"any": 1}})
    yield (
        "key hints of the true signer, which count for nothing",
        good(header={"jku": "https://stranger.test/keys", "x5u": "https://stranger.test/x"}),
    )
    yield "several audiences", good(aud=["another", AUDIENCE])
    yield "times with fractions", good(iat=ISSUED + 0.5, exp=EXPIRES + 0.5, nbf=ISSUED + 0.25)
    yield "nbf 0", good(nbf=0)
    yield "an unknown claim", good(x=[1, {"y": None}])
    yield "a name in another script", good(name="\u0938\u0940\u0924\u093e")
    other = {**CLAIMS, "iss": OTHER, "aud": "betang-other"}
    yield "the other issuer, whose key has the same kid", token(HEADS["ed"], other, ED_OTHER.sign)

    def mirrored(data: bytes) -> bytes:
        r, s = utils.decode_dss_signature(ecdsa_der(EC)(data))
        return r.to_bytes(32, "big") + (EC_ORDER - s).to_bytes(32, "big")

    yield "the second form that ECDSA always has", token(HEADS["ec"], CLAIMS, mirrored)


def empty_grants() -> Vectors:
    """Good tokens whose roles and regions say nothing: they open nothing."""
    for name, roles in {
        "a text": "admin",
        "an object": {"admin": True},
        "numbers": [1],
        "nested": [["admin"]],
        "unknown": ["raja", "ADMIN", "admin ", "admin\0"],
        "none": [],
        "missing": ...,
    }.items():
        yield f"roles: {name}", good(roles=roles, regions=[])
    for name, regions in {
        "a text": "62",
        "a line break after it": ["62.02\n"],
        "digits of another script": ["\u0666\u0662.\u0660\u0662"],
        "a pattern": ["62.%", "62.02.__", "%", "*", ".*"],
        "half a segment": ["6", "62.0", "62.02.06.200"],
        "too deep": ["62.02.06.2005.1"],
        "not dotted": ["6202"],
        "empty": ["", ".", "62."],
        "numbers": [62, 62.02],
    }.items():
        yield f"regions: {name}", good(roles=[], regions=regions)


def times() -> Vectors:
    """exp, iat and nbf are numbers of seconds, and the token lives now."""
    for claim in ("exp", "iat", "nbf"):
        for name, value in WRONG_TIMES.items():
            yield f"{claim} is {name}", good(**{claim: value})
        for literal in ("NaN", "Infinity", "-Infinity", "1e999", "9" * 5000):
            text = json.dumps({**CLAIMS, claim: "@"}).replace('"@"', literal)
            yield f"{claim} is {literal[:9]}", token(HEADS["ed"], text.encode(), ED.sign)
    for claim in ("exp", "iat"):
        yield f"no {claim}", good(**{claim: ...})
    yield "exp in the past", good(exp=ISSUED + 1)
    yield "exp 0", good(exp=0)
    yield "iat in the future", good(iat=EXPIRES - 1)
    yield "nbf in the future", good(nbf=EXPIRES - 1)


def audiences() -> Vectors:
    """For somebody else, or for nobody."""
    wrong: dict[str, Any] = {
        "missing": ...,
        "null": None,
        "empty": "",
        "an empty list": [],
        "another": "another",
        "another, in a list": ["another"],
        "in capitals": AUDIENCE.upper(),
        "with a space": f"{AUDIENCE} ",
        "one text of two": f"{AUDIENCE} another",
        "a longer word": f"{AUDIENCE}x",
        "a shorter word": AUDIENCE[:-1],
        "letters": list(AUDIENCE),
        "true": True,
        "an object": {AUDIENCE: True},
        "a list with a number": [AUDIENCE, 7],
        "a list in a list": [[AUDIENCE]],
        "the other issuer's": "betang-other",
    }
    for name, value in wrong.items():
        yield f"aud: {name}", good(aud=value)


def persons() -> Vectors:
    """Issuer, subject and token id are texts that can be kept and shown."""
    wrong: dict[str, Any] = {
        "missing": ...,
        "null": None,
        "empty": "",
        "a number": 7,
        "true": True,
        "a list": ["siti"],
        "an object": {"id": "siti"},
        "too long": "x" * 256,
        "with a NUL": "siti\0",
        "with a line break": "siti\nadmin",
        "half a surrogate": "siti\ud800",
    }
    for claim in ("sub", "jti"):
        for name, value in wrong.items():
            yield f"{claim}: {name}", good(**{claim: value})
    for name, value in wrong.items():
        # The right issuer inside: only its form is wrong.
        given = [ISSUER] if name == "a list" else value
        yield f"iss: {name}", good(iss=given)
    for issuer in ("https://stranger.test", f"{ISSUER}/", ISSUER.upper(), f"{ISSUER}\0"):
        yield f"iss {issuer!r}", good(iss=issuer)


GROUPS: dict[str, Callable[[], Vectors]] = {
    "times": times,
    "audiences": audiences,
    "persons": persons,
}
