"""Tokens made by hand: any header, any payload, any signature, which no library would write."""

import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, padding, utils
from cryptography.hazmat.primitives.hashes import SHA256, HashAlgorithm

from tests.contract.jws import keys
from tests.contract.jws.keys import b64

Sign = Callable[[bytes], bytes]
Part = dict[str, Any] | bytes

ISSUER = "https://issuer.test"
OTHER = "https://other.test"
AUDIENCE = "betang"
ISSUED, EXPIRES = 1_700_000_000, 4_102_444_800
"""November 2023 and the year 2100: the vectors are the same every day."""

ED = keys.ed("ed")
ED_OTHER = keys.ed("ed of the other issuer")
STRANGER = keys.ed("stranger")
EC = keys.curve_key("ec", ec.SECP256R1())
EC_384 = keys.curve_key("ec384", ec.SECP384R1())
EC_K1 = keys.curve_key("k1", ec.SECP256K1())
RSA = keys.rsa_key(2048)
RSA_SMALL = keys.rsa_key(1024)
EC_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
ED_ORDER = 2**252 + 27742317777372353535851937790883648493

CLAIMS: dict[str, Any] = {
    "iss": ISSUER,
    "aud": AUDIENCE,
    "sub": "siti",
    "jti": "1",
    "iat": ISSUED,
    "exp": EXPIRES,
    "roles": ["operator_desa"],
    "regions": ["62.02.06.2005"],
}
HEADS: dict[str, dict[str, Any]] = {
    "ed": {"alg": "EdDSA", "typ": "at+jwt", "kid": "ed"},
    "ec": {"alg": "ES256", "typ": "at+jwt", "kid": "ec"},
    "rsa": {"alg": "RS256", "typ": "at+jwt", "kid": "rsa"},
}
ISSUERS: list[dict[str, Any]] = [
    {
        "issuer": ISSUER,
        "jwks": {
            "keys": [
                keys.jwk(ED, "ed", use="sig", alg="EdDSA"),
                keys.jwk(EC, "ec", use="sig", alg="ES256"),
                keys.jwk(RSA, "rsa"),
                keys.jwk(EC_384, "ec384"),
                keys.jwk(EC_K1, "k1"),
                keys.jwk(RSA_SMALL, "rsa-small"),
                keys.jwk(keys.ed("encryption"), "enc", use="enc"),
                keys.jwk(keys.ed("wrapping"), "wrap", key_ops=["wrapKey"]),
                keys.jwk(EC, "ec-misnamed", alg="Ed25519"),
                {"kty": "oct", "k": b64(b"a secret that is in the key set!"), "kid": "oct"},
            ]
        },
    },
    {
        "issuer": OTHER,
        "audience": "betang-other",
        "jwks": {"keys": [keys.jwk(ED_OTHER, "ed"), keys.jwk(keys.ed("only-other"), "only-other")]},
    },
]


def compact(part: Part) -> bytes:
    """Return the bytes of a header or payload: as given, or as JSON."""
    return part if isinstance(part, bytes) else json.dumps(part, separators=(",", ":")).encode()


def token(header: Part, payload: Part, sign: Sign) -> str:
    """Return the compact form, signed by ``sign`` over what really is sent."""
    signed = f"{b64(compact(header))}.{b64(compact(payload))}"
    return f"{signed}.{b64(sign(signed.encode()))}"


def ecdsa(key: ec.EllipticCurvePrivateKey, hashed: HashAlgorithm | None = None) -> Sign:
    """Sign with ECDSA, deterministically, as R and S side by side."""
    size = (key.curve.key_size + 7) // 8

    def sign(data: bytes) -> bytes:
        r, s = utils.decode_dss_signature(ecdsa_der(key, hashed)(data))
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")

    return sign


def ecdsa_der(key: ec.EllipticCurvePrivateKey, hashed: HashAlgorithm | None = None) -> Sign:
    """Sign with ECDSA in the form of X.509, which JWS does not have."""
    algorithm = ec.ECDSA(hashed or SHA256(), deterministic_signing=True)
    return lambda data: key.sign(data, algorithm)


def rs(hashed: HashAlgorithm, key: Any = RSA) -> Sign:
    """Sign with PKCS #1 v1.5."""
    return lambda data: key.sign(data, padding.PKCS1v15(), hashed)


def rsa_raw(encoded: Callable[[bytes], bytes]) -> Sign:
    """Sign whatever ``encoded`` gives for a SHA-256: padding of one's own."""
    numbers = RSA.private_numbers()
    n = numbers.public_numbers.n

    def sign(data: bytes) -> bytes:
        block = int.from_bytes(encoded(hashlib.sha256(data).digest()), "big")
        return pow(block, numbers.d, n).to_bytes(256, "big")

    return sign


def mac(secret: bytes, name: str = "sha256") -> Sign:
    """Sign with HMAC."""
    return lambda data: hmac.digest(secret, data, name)


SIGN: dict[str, Sign] = {"ed": ED.sign, "ec": ecdsa(EC), "rsa": rs(SHA256())}


def good(which: str = "ed", header: dict[str, Any] | None = None, **claims: Any) -> str:
    """Return a rightly signed token with these changes; a claim of ``...`` is left out."""
    payload = {name: value for name, value in {**CLAIMS, **claims}.items() if value is not ...}
    head = {name: v for name, v in {**HEADS[which], **(header or {})}.items() if v is not ...}
    return token(head, payload, SIGN[which])
