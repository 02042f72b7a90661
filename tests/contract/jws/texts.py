"""Other texts than three base64url parts, and parts that are not JSON objects in UTF-8."""

import base64
import json
from collections.abc import Callable, Iterator

from tests.contract.jws.forge import CLAIMS, ED, HEADS, compact, good, token
from tests.contract.jws.keys import b64

Vectors = Iterator[tuple[str, str]]


def shapes() -> Vectors:
    """Not the compact form."""
    token_ = good()
    head, body, signature = token_.split(".")
    flat = {"protected": head, "payload": body, "signature": signature}
    general = {"payload": body, "signatures": [{"protected": head, "signature": signature}]}
    forms = {
        "JSON, flattened": json.dumps(flat),
        "JSON, general": json.dumps(general),
        "JSON in base64url": b64(json.dumps(flat).encode()),
        "in quotes": f'"{token_}"',
        "one part": head,
        "two parts": f"{head}.{body}",
        "payload and signature": f"{body}.{signature}",
        "four parts": f"{token_}.{signature}",
        "a dot after it": f"{token_}.",
        "a dot before it": f".{token_}",
        "five parts, as JWE": f"{head}.{body}.{signature}.{signature}.{signature}",
        "empty header": f".{body}.{signature}",
        "empty payload": f"{head}..{signature}",
        "dots": "..",
        "SD-JWT": f"{token_}~",
        "two tokens": f"{token_},{token_}",
        "the scheme twice": f"Bearer {token_}",
        "too large": good(name="x" * 7000),
        "of no meaning": "garbage",
    }
    yield from forms.items()
    nested = token({**HEADS["ed"], "cty": "JWT"}, token_.encode(), ED.sign)
    yield "a token in a token", nested
    yield (
        "a token in a token, as a JSON text",
        token(HEADS["ed"], json.dumps(token_).encode(), ED.sign),
    )


def base64url() -> Vectors:
    """The same bytes, written otherwise: a token has one form only."""
    token_ = good(name="\u00fb\u00ff\u00fe~~~???")
    parts = token_.split(".")
    for at, name in enumerate(("header", "payload", "signature")):
        raw = base64.urlsafe_b64decode(parts[at] + "=" * (-len(parts[at]) % 4))

        def with_part(text: str, at: int = at, name: str = name) -> str:
            written = [*parts[:at], text, *parts[at + 1 :]]
            if name != "signature":
                # Signed as it is written: refused for its form, not for a wrong signature.
                written[2] = b64(ED.sign(".".join(written[:2]).encode()))
            return ".".join(written)

        part = parts[at]
        pad = "=" * (-len(part) % 4) or "===="
        forms = {
            "padding": part + pad,
            "padding, percent-encoded": part + pad.replace("=", "%3D"),
            "too much padding": part + "=" * 5,
            "a space inside": f"{part[:4]} {part[4:]}",
            "a tab inside": f"{part[:4]}\t{part[4:]}",
            "a line break inside": f"{part[:4]}\r\n{part[4:]}",
            "a NUL inside": f"{part[:4]}\0{part[4:]}",
            "a letter too many": part + "A" * ((1 - len(part)) % 4 or 4),
            "a wide letter": f"{part[:4]}\uff21{part[5:]}",
            "a space without width": f"{part[:4]}\u200b{part[4:]}",
            "a mark of byte order": f"\ufeff{part}",
            "a sign of no alphabet": f"{part[:4]}!{part[4:]}",
            "hexadecimal": raw.hex(),
        }
        for form, text in forms.items():
            yield f"{name}: {form}", with_part(text)
        standard = base64.b64encode(raw).rstrip(b"=").decode()
        if standard != part:
            yield f"{name}: the standard alphabet", with_part(standard)
    # 64 bytes leave four bits of the last letter unused; they must be zero.
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    last = alphabet[alphabet.index(parts[2][-1]) + 1]
    yield "signature: unused bits set", f"{token_[:-1]}{last}"


def contents() -> Vectors:
    """Rightly signed, but not a JSON object in UTF-8."""
    usual = {"header": compact(HEADS["ed"]), "payload": compact(CLAIMS)}
    for at, own in usual.items():

        def of(content: bytes, at: str = at) -> str:
            sent = {**usual, at: content}
            return token(sent["header"], sent["payload"], ED.sign)

        for name, content in {
            "a list": b"[" + own + b"]",
            "a text": json.dumps(own.decode()).encode(),
            "a number": b"1",
            "null": b"null",
            "an empty object": b"{}",
            "not JSON": b"siti",
            "single quotes": own.replace(b'"', b"'"),
            "cut off": own[:-1],
            "two objects": own + own,
            "a comma too many": own[:-1] + b",}",
            "a comment": own + b"/* */",
            "UTF-16": own.decode().encode("utf-16"),
            "UTF-16 without its mark": own.decode().encode("utf-16-le"),
            "UTF-32": own.decode().encode("utf-32"),
            "a mark of byte order": b"\xef\xbb\xbf" + own,
            "bytes that are not UTF-8": own[:-1] + b',"x":"\xff\xfe"}',
            "a NaN": own[:-1] + b',"x":NaN}',
            "an infinity": own[:-1] + b',"x":-Infinity}',
            "a number of 5000 digits": own[:-1] + b',"x":' + b"9" * 5000 + b"}",
            "deeply nested": own[:-1] + b',"x":' + b"[" * 2000 + b"]" * 2000 + b"}",
        }.items():
            yield f"{at}: {name}", of(content)


GROUPS: dict[str, Callable[[], Vectors]] = {
    "not the compact form": shapes,
    "base64url": base64url,
    "not a JSON object": contents,
}
