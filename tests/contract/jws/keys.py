"""Test keys, the same on every machine and worth nothing: each follows from a label in this file.

Never use one of them, or the issuers that publish them, outside of tests.
"""

import base64
import hashlib
import json
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

RSA_OFFSETS = {
    2048: (470, 733),
    1024: (10, 52),
}
"""Where the primes are: so many steps of 2 after the number that the label gives."""


def b64(data: bytes) -> str:
    """Return base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _number(label: str, bits: int) -> int:
    digest = hashlib.shake_256(f"betang TEST KEY {label}".encode()).digest(bits // 8)
    return int.from_bytes(digest, "big")


def ed(label: str) -> ed25519.Ed25519PrivateKey:
    """Return the Ed25519 key of a label."""
    return ed25519.Ed25519PrivateKey.from_private_bytes(_number(label, 256).to_bytes(32, "big"))


def curve_key(label: str, curve: ec.EllipticCurve) -> ec.EllipticCurvePrivateKey:
    """Return the key of a label on a curve."""
    return ec.derive_private_key(_number(label, 248), curve)


def rsa_start(bits: int, name: str) -> int:
    """Return the odd number with both top bits set after which a prime is looked for."""
    half = bits // 2
    return _number(f"rsa {bits} {name}", half) | 1 | (3 << (half - 2))


def rsa_key(bits: int) -> rsa.RSAPrivateKey:
    """Return the RSA key of this size."""
    p, q = (rsa_start(bits, n) + 2 * o for n, o in zip("pq", RSA_OFFSETS[bits], strict=True))
    d = pow(65537, -1, (p - 1) * (q - 1))
    public = rsa.RSAPublicNumbers(65537, p * q)
    crt = (rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q))
    return rsa.RSAPrivateNumbers(p, q, d, *crt, public).private_key()


def jwk(key: Any, kid: str, **more: Any) -> dict[str, Any]:
    """Return the public JWK of a private key."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        algorithm = jwt.algorithms.OKPAlgorithm
    elif isinstance(key, rsa.RSAPrivateKey):
        algorithm = jwt.algorithms.RSAAlgorithm
    else:
        algorithm = jwt.algorithms.ECAlgorithm
    public = json.loads(algorithm.to_jwk(key.public_key()))
    public.pop("key_ops", None)
    return {**public, "kid": kid, **more}
