"""Signatures that are nearly right."""

import hashlib
from collections.abc import Callable, Iterator

from cryptography.hazmat.primitives.asymmetric import padding, utils
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, SHA384, SHA512

from tests.contract.jws import keys
from tests.contract.jws.forge import (
    CLAIMS,
    EC,
    EC_384,
    EC_K1,
    EC_ORDER,
    ED,
    ED_ORDER,
    HEADS,
    RSA,
    RSA_SMALL,
    SIGN,
    Sign,
    ecdsa,
    ecdsa_der,
    good,
    rs,
    rsa_raw,
    token,
)
from tests.contract.jws.keys import b64

Vectors = Iterator[tuple[str, str]]
DIGEST_INFO = bytes.fromhex("3031300d060960864801650304020105000420")


def _flip(text: str, at: int) -> str:
    return text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]


def changed() -> Vectors:
    """One part is not what was signed."""
    for which, sign in SIGN.items():
        token_ = good(which)
        head, body, signature = token_.split(".")
        for name, at in (("header", 8), ("payload", len(head) + 8), ("signature", -20)):
            yield f"{which}: a letter of the {name}", _flip(token_, at % len(token_))
        richer = good(which, roles=["admin"]).split(".")[1]
        yield f"{which}: payload of another token", f"{head}.{richer}.{signature}"
        spaced = good(which, header={"x": 1}).split(".")[0]
        yield f"{which}: header of another token", f"{spaced}.{body}.{signature}"
        other = good(which, sub="budi").split(".")[2]
        yield f"{which}: signature of another token", f"{head}.{body}.{other}"
        for name, data in (("the payload alone", body), ("the header alone", head)):
            yield f"{which}: signed over {name}", f"{head}.{body}.{b64(sign(data.encode()))}"


def cut_or_longer() -> Vectors:
    """The signature has another length, or nothing in it."""
    for which, sign in SIGN.items():
        forms: dict[str, Callable[[bytes], bytes]] = {
            "empty": lambda _: b"",
            "one byte": lambda s: s[:1],
            "half": lambda s: s[: len(s) // 2],
            "without its first byte": lambda s: s[1:],
            "without its last byte": lambda s: s[:-1],
            "with a byte after it": lambda s: s + b"\0",
            "with a byte before it": lambda s: b"\0" + s,
            "twice": lambda s: s + s,
            "zeros": lambda s: bytes(len(s)),
            "ones": lambda s: b"\xff" * len(s),
            "backwards": lambda s: s[::-1],
        }
        for name, form in forms.items():
            made: Sign = lambda data, form=form, sign=sign: form(sign(data))  # type: ignore[misc] # noqa: E731
            yield f"{which}: {name}", token(HEADS[which], CLAIMS, made)


def _pair(r: int, s: int) -> bytes:
    return (r % 2**256).to_bytes(32, "big") + (s % 2**256).to_bytes(32, "big")


def curves() -> Vectors:
    """ECDSA: numbers out of range, another form, another curve, another hash."""

    def of(change: Callable[[int, int], bytes]) -> str:
        def sign(data: bytes) -> bytes:
            r, s = utils.decode_dss_signature(ecdsa_der(EC)(data))
            return change(r, s)

        return token(HEADS["ec"], CLAIMS, sign)

    n = EC_ORDER
    yield "DER instead of R and S", token(HEADS["ec"], CLAIMS, ecdsa_der(EC))
    numbers: dict[str, Callable[[int, int], bytes]] = {
        "R is 0": lambda r, s: _pair(0, s),
        "S is 0": lambda r, s: _pair(r, 0),
        "R is the order": lambda r, s: _pair(n, s),
        "S is the order": lambda r, s: _pair(r, n),
        "R and S are the order": lambda r, s: _pair(n, n),
        "R and S are 1": lambda r, s: _pair(1, 1),
        "R is 0, S is 1": lambda r, s: _pair(0, 1),
        "S is the order and 1": lambda r, s: _pair(r, n + 1),
        "R is negative": lambda r, s: _pair(-r, s),
        "R is the order less R": lambda r, s: _pair(n - r, s),
        "R and S are swapped": lambda r, s: _pair(s, r),
        "little-endian": lambda r, s: r.to_bytes(32, "little") + s.to_bytes(32, "little"),
        "33 bytes each": lambda r, s: r.to_bytes(33, "big") + s.to_bytes(33, "big"),
        "as text": lambda r, s: f"{r},{s}".encode(),
    }
    for name, change in numbers.items():
        yield name, of(change)
    yield "SHA-384 on P-256", token(HEADS["ec"], CLAIMS, ecdsa(EC, SHA384()))
    for alg, kid, sign in (
        ("ES256", "ec384", ecdsa(EC_384)),
        ("ES384", "ec384", ecdsa(EC_384, SHA384())),
        ("ES384", "ec", ecdsa(EC, SHA384())),
        ("ES256", "k1", ecdsa(EC_K1)),
        ("ES256K", "k1", ecdsa(EC_K1)),
        ("ES256", "ec", ecdsa(EC_K1)),
        ("ES256", "ec", ecdsa(EC_384)),
        ("ES256", "ec-misnamed", ecdsa(EC)),
    ):
        head = {"alg": alg, "typ": "at+jwt", "kid": kid}
        yield f"alg {alg}, kid {kid}, {len(sign(b''))} bytes", token(head, CLAIMS, sign)


def edwards() -> Vectors:
    """Ed25519: S out of range (else one signature could be written in two ways), small R."""

    def higher(data: bytes) -> bytes:
        signature = ED.sign(data)
        s = int.from_bytes(signature[32:], "little") + ED_ORDER
        return signature[:32] + s.to_bytes(32, "little")

    yield "S and the order", token(HEADS["ed"], CLAIMS, higher)
    identity = b"\1" + bytes(31)
    yield "R is the identity, S is 0", token(HEADS["ed"], CLAIMS, lambda _: identity + bytes(32))
    yield (
        "signed over the hash",
        token(HEADS["ed"], CLAIMS, lambda data: ED.sign(hashlib.sha512(data).digest())),
    )
    for kid in ("enc", "wrap"):
        key = keys.ed("encryption" if kid == "enc" else "wrapping")
        yield (
            f"by the key {kid}, which is not for signing",
            token({**HEADS["ed"], "kid": kid}, CLAIMS, key.sign),
        )


def rsa() -> Vectors:
    """PKCS #1 v1.5: another padding, another hash, a small key."""
    head = HEADS["rsa"]
    for hashed in (SHA1(), SHA384(), SHA512()):
        yield f"RS256 over {hashed.name}", token(head, CLAIMS, rs(hashed))

    # PSS is salted at random, which a file of fixed vectors cannot be: a salt of no length is not.
    def pss(data: bytes) -> bytes:
        return RSA.sign(data, padding.PSS(padding.MGF1(SHA256()), 0), SHA256())

    yield "PSS where RS256 is said", token(head, CLAIMS, pss)
    yield "PS256", token({**head, "alg": "PS256"}, CLAIMS, pss)
    yield "RS512", token({**head, "alg": "RS512"}, CLAIMS, rs(SHA512()))
    small = {**head, "kid": "rsa-small"}
    yield "a key of 1024 bits", token(small, CLAIMS, rs(SHA256(), RSA_SMALL))
    padded: dict[str, Callable[[bytes], bytes]] = {
        "no DigestInfo": _block,
        "garbage after the hash": lambda h: (
            b"\0\1"
            + b"\xff" * 8
            + b"\0"
            + DIGEST_INFO
            + h
            + bytes(256 - 11 - len(DIGEST_INFO) - 32)
        ),
        "padding of block type 2": lambda h: b"\0\2" + _block(DIGEST_INFO + h)[2:],
        "zeros as padding": lambda h: b"\0\1" + bytes(256 - 2 - 51) + DIGEST_INFO + h,
        "no zero after the padding": lambda h: b"\0\1" + b"\xff" * 203 + DIGEST_INFO + h,
        "hash of the hash": lambda h: _block(DIGEST_INFO + hashlib.sha256(h).digest()),
        "DigestInfo without NULL": lambda h: _block(
            bytes.fromhex("302f300b0609608648016503040201") + b"\4\x20" + h
        ),
        "SHA-1 named, SHA-256 inside": lambda h: _block(
            bytes.fromhex("302d300906052b0e03021a05000420") + h
        ),
    }
    for name, encoded in padded.items():
        yield name, token(head, CLAIMS, rsa_raw(encoded))
    n = RSA.public_key().public_numbers().n
    for name, number in (("1", 1), ("the modulus less 1", n - 1), ("the modulus", n)):
        fixed: Sign = lambda _, number=number: number.to_bytes(256, "big")  # type: ignore[misc] # noqa: E731
        yield f"the signature is {name}", token(head, CLAIMS, fixed)

    def bigger(data: bytes) -> bytes:
        return (int.from_bytes(SIGN["rsa"](data), "big") + n).to_bytes(257, "big")

    yield "signature and the modulus", token(head, CLAIMS, bigger)


def _block(content: bytes) -> bytes:
    return b"\0\1" + b"\xff" * (256 - 3 - len(content)) + b"\0" + content


GROUPS: dict[str, Callable[[], Vectors]] = {
    "changed after signing": changed,
    "cut or longer": cut_or_longer,
    "ECDSA": curves,
    "Ed25519": edwards,
    "RSA": rsa,
}
