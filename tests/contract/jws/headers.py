"""Headers that name no algorithm, another one, a key of their own, or one that is not theirs."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.contract.jws import keys
from tests.contract.jws.forge import (
    CLAIMS,
    EC,
    ED,
    HEADS,
    OTHER,
    RSA,
    SIGN,
    STRANGER,
    ecdsa,
    good,
    mac,
    token,
)
from tests.contract.jws.keys import b64

Vectors = Iterator[tuple[str, str]]
HMAC = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}


def unsigned() -> Vectors:
    """Nobody signed it, and it says so in every spelling."""
    for alg in ("none", "None", "NONE", "nOnE", "", " none", "none\0", "null"):
        head = {**HEADS["ed"], "alg": alg}
        yield f"alg {alg!r} and no signature", token(head, CLAIMS, lambda _: b"")
        yield f"alg {alg!r} and a true signature", token(head, CLAIMS, ED.sign)
    odd: tuple[Any, ...] = (None, 0, False, [], ["EdDSA"], {"EdDSA": 1})
    for value in odd:
        head = {**HEADS["ed"], "alg": value}
        yield f"alg is {json.dumps(value)}", token(head, CLAIMS, ED.sign)
    yield "no alg", good(header={"alg": ...})
    for alg in ("eddsa", "EDDSA", "EdDSA ", "Ed25519ph", "EdDSA\0"):
        yield f"alg {alg!r} over an EdDSA signature", good(header={"alg": alg})


def hmac_with_a_public_key() -> Vectors:
    """The public key is no secret: whoever has it could sign."""
    for kid, key in (("ed", ED), ("ec", EC), ("rsa", RSA)):
        public = key.public_key()
        pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        of_jwk = keys.jwk(key, kid)
        secrets = {
            "PEM": pem,
            "PEM without its last newline": pem.rstrip(),
            "DER": public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
            "JWK": json.dumps(of_jwk).encode(),
            "JWK, sorted and dense": json.dumps(
                of_jwk, sort_keys=True, separators=(",", ":")
            ).encode(),
            "member of the JWK": str(of_jwk.get("x") or of_jwk["n"]).encode(),
        }
        for alg, digest in HMAC.items():
            head = {"alg": alg, "typ": "at+jwt", "kid": kid}
            for form, secret in secrets.items():
                if alg == "HS256" or form == "PEM":
                    yield (
                        f"{alg} with the {form} of {kid}",
                        token(head, CLAIMS, mac(secret, digest)),
                    )
    head = {"alg": "HS256", "typ": "at+jwt", "kid": "oct"}
    secret = mac(b"a secret that is in the key set!")
    yield "HS256 with the symmetric key of the key set", token(head, CLAIMS, secret)
    yield "HS256 with an empty secret", token({**head, "kid": "ed"}, CLAIMS, mac(b""))


def another_type() -> Vectors:
    """Rightly signed, but not an access token."""
    named = ("JWT", "jwt", "id+jwt", "dpop+jwt", "logout+jwt", "at", "jwt+at", "application/jwt")
    spelt = ("", " at+jwt", "at+jwt ", "at+jwt;v=1", "at\u200b+jwt", "at+jwt\0", "at%2Bjwt")
    for typ in (*named, *spelt, "application/application/at+jwt"):
        yield f"typ {typ!r}", good(header={"typ": typ})
    for value in (None, 1, True, ["at+jwt"], {"at+jwt": 1}):
        yield f"typ is {json.dumps(value)}", good(header={"typ": value})
    yield "no typ", good(header={"typ": ...})


def a_key_of_ones_own() -> Vectors:
    """The signature is true by a key that the token itself brings, or says where to get."""
    mine = keys.jwk(STRANGER, "ed")
    hints: dict[str, Any] = {
        "jwk": mine,
        "jku": "https://stranger.test/keys",
        "x5u": "https://stranger.test/certificate",
        "x5c": [b64(b"not even a certificate")],
        "x5t": b64(b"\1" * 20),
        "jwks": {"keys": [mine]},
        "iss": "https://stranger.test",
    }
    for name, hint in hints.items():
        for kid in ("ed", "stranger", ...):
            said = "no kid" if kid is ... else f"kid {kid}"
            head = {**HEADS["ed"], "kid": kid, name: hint}
            sent = {key: value for key, value in head.items() if value is not ...}
            yield f"{name} and {said}", token(sent, CLAIMS, STRANGER.sign)
    head = {**HEADS["ec"], "jwk": keys.jwk(keys.curve_key("stranger", ec.SECP256R1()), "ec")}
    stranger = ecdsa(keys.curve_key("stranger", ec.SECP256R1()))
    yield "jwk of a curve", token(head, CLAIMS, stranger)
    yield "signed by a stranger without any hint", token(HEADS["ed"], CLAIMS, STRANGER.sign)


def a_kid_that_is_none_of_the_keys() -> Vectors:
    """Rightly signed; but a kid is a name, never a path, a query or an address."""
    paths = ("../../../../dev/null", "/dev/null", "file:///dev/null", "..\\..\\nul", "keys/ed")
    queries = ("ed' OR '1'='1", "ed'; DROP TABLE keys; --", 'ed" OR 1=1 --', "%", "*", "e_")
    spelt = ("", "ED", "ed ", " ed", "ed\0", "ed\0.pem", "ed\n", "e\u0301d", "\ud800", "x" * 3000)
    addresses = ("https://issuer.test/keys#ed", "http://127.0.0.1/ed", "${jndi:ldap://a.test/x}")
    for kid in (*paths, *queries, *spelt, *addresses):
        yield f"kid {kid[:40]!r}", good(header={"kid": kid})
    for path in paths[:2]:
        head = {"alg": "HS256", "typ": "at+jwt", "kid": path}
        yield f"kid {path!r} and HMAC with what is there", token(head, CLAIMS, mac(b""))
    for value in (None, 0, 1.5, True, ["ed"], {"ed": "ed"}):
        yield f"kid is {json.dumps(value)}", good(header={"kid": value})
    yield "no kid where there are several keys", good(header={"kid": ...})


def another_issuer() -> Vectors:
    """Two issuers, and both call a key ed: a key counts for its own issuer only."""
    other = {**CLAIMS, "iss": OTHER, "aud": "betang-other"}
    yield "this issuer's key, the other's name", token(HEADS["ed"], other, ED.sign)
    other_key = keys.ed("ed of the other issuer")
    yield "the other's key, this issuer's name", token(HEADS["ed"], CLAIMS, other_key.sign)
    only = keys.ed("only-other")
    head = {**HEADS["ed"], "kid": "only-other"}
    yield "kid that only the other has", token(head, CLAIMS, only.sign)
    wrong = {**other, "aud": "betang"}
    yield "the other's token for the common audience", token(HEADS["ed"], wrong, other_key.sign)
    for issuer in (f"{OTHER}/", f"{OTHER}#ed", OTHER.upper(), f" {OTHER}", "other.test", ""):
        claimed = {**other, "iss": issuer}
        yield f"iss {issuer!r}", token(HEADS["ed"], claimed, other_key.sign)


def extensions() -> Vectors:
    """What must be understood is not, so the token is refused; b64 is not spoken at all."""
    for crit in (["exp"], ["b64"], ["kid"], ["x"], [], "exp", {}, None, [1], [["exp"]]):
        yield f"crit is {json.dumps(crit)}", good(header={"crit": crit})
    yield "crit names what is there", good(header={"crit": ["x"], "x": 1})
    yield "crit b64 true", good(header={"crit": ["b64"], "b64": True})
    yield "b64 true without crit", good(header={"b64": True})
    for flag in (False, "false", 0, None):
        head = {**HEADS["ed"], "b64": flag, "crit": ["b64"]}
        yield f"b64 {json.dumps(flag)}, payload encoded", token(head, CLAIMS, ED.sign)
    head = {**HEADS["ed"], "b64": False, "crit": ["b64"]}
    start = b64(json.dumps(head).encode())
    plain = json.dumps(CLAIMS)
    signature = b64(ED.sign(f"{start}.{plain}".encode()))
    yield "b64 false, payload as it is", f"{start}.{plain}.{signature}"
    yield "b64 false, payload detached", f"{start}..{signature}"


def members_twice() -> Vectors:
    """Which of the two counts? Readers differ, so neither does."""
    for first, second in (
        ('"alg":"none"', '"alg":"EdDSA"'),
        ('"alg":"EdDSA"', '"alg":"EdDSA"'),
        ('"alg":"HS256"', '"\\u0061lg":"EdDSA"'),
        ('"typ":"JWT"', '"typ":"at+jwt"'),
        ('"kid":"ec"', '"kid":"ed"'),
        ('"jwk":{"kty":"oct"}', '"jwk":{"kty":"OKP","kty":"oct"}'),
    ):
        rest = {k: v for k, v in HEADS["ed"].items() if f'"{k}"' not in first}
        text = json.dumps(rest)[:-1] + f",{first},{second}}}"
        yield f"header with {first} and {second}", token(text.encode(), CLAIMS, ED.sign)
    for name, value in (
        ("iss", OTHER), ("aud", "x"), ("sub", "budi"), ("exp", 1), ("iat", 1), ("jti", "2"),
        ("roles", ["admin"]), ("regions", ["62"]),
    ):  # fmt: skip
        text = json.dumps(CLAIMS)[:-1]
        first = f'{{"{name}":{json.dumps(value)},' + text[1:] + "}"
        yield (
            f"claim {name} twice, the wrong one first",
            token(HEADS["ed"], first.encode(), ED.sign),
        )
    text = json.dumps(CLAIMS)[:-1] + ',"sub":"budi"}'
    yield "claim sub twice, the other last", token(HEADS["ed"], text.encode(), ED.sign)


def algorithm_and_key() -> Vectors:
    """Each part is right by itself, but they do not belong together."""
    for which, sign in SIGN.items():
        for kid in SIGN:
            for alg in {head["alg"]: 1 for head in HEADS.values()}:
                if kid == which and alg == HEADS[which]["alg"]:
                    continue
                head = {"alg": alg, "typ": "at+jwt", "kid": kid}
                yield f"alg {alg}, kid {kid}, signed by {which}", token(head, CLAIMS, sign)


GROUPS: dict[str, Callable[[], Vectors]] = {
    "unsigned": unsigned,
    "HMAC with a public key": hmac_with_a_public_key,
    "another type": another_type,
    "a key of one's own": a_key_of_ones_own,
    "a kid that is none of the keys": a_kid_that_is_none_of_the_keys,
    "another issuer": another_issuer,
    "extensions": extensions,
    "members twice": members_twice,
    "algorithm and key": algorithm_and_key,
}
