"""Keeping identity numbers unreadable at rest: sealed text, keyed index, mask.

Sealed form: one byte key id, 12 bytes nonce, AES-256-GCM ciphertext with its 16-byte tag. The
context (for example ``person.nik``) is authenticated, so that a value cannot be moved to another
column. The keyed index is HMAC-SHA256: equal numbers meet in it, nobody without the key can
compute it. Both rotate: a keyring holds the active key of each purpose beside the old ones.
"""

import base64
import binascii
import hmac
import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

Purpose = Literal["seal", "index", "cursor", "blob"]
PURPOSES: tuple[Purpose, ...] = ("seal", "index", "cursor", "blob")
KEY_BYTES = 32
KEY_ID_MAX = 255
NONCE_BYTES = 12
NIK_SHAPE = re.compile(r"^[0-9]{16}$")


class SealError(Exception):
    """A key is missing or malformed, or a sealed value was damaged or moved."""


@dataclass(frozen=True, slots=True)
class PurposeKeys:
    """The keys of one purpose by id (1-255); new values use ``active``."""

    active: int
    keys: dict[int, bytes] = field(repr=False)

    @property
    def active_key(self) -> bytes:
        return self.keys[self.active]


@dataclass(frozen=True, slots=True)
class Keyring:
    """All keys of one service. Its file is JSON: purpose -> {active, keys: {id: base64}}."""

    purposes: dict[Purpose, PurposeKeys]

    @classmethod
    def load(cls, path: Path) -> "Keyring":
        """Read a keyring file. Raise ``SealError`` when it is not complete and well formed."""
        try:
            return cls.parse(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise SealError(f"key file: {type(error).__name__}") from error

    @classmethod
    def parse(cls, text: str) -> "Keyring":
        """Read keyring JSON; see ``load``."""
        try:
            document = json.loads(text)
            return cls({purpose: _purpose_keys(document[purpose]) for purpose in PURPOSES})
        except (KeyError, TypeError, ValueError, AttributeError, binascii.Error) as error:
            # The error's text could hold a piece of a key, so it is not passed on.
            raise SealError("key file: not a keyring of seal, index, cursor and blob") from error

    def __getitem__(self, purpose: Purpose) -> PurposeKeys:
        return self.purposes[purpose]

    def dump(self) -> str:
        """Return the JSON of the key file."""
        return json.dumps(
            {
                purpose: {
                    "active": keys.active,
                    "keys": {
                        str(key_id): base64.b64encode(key).decode()
                        for key_id, key in keys.keys.items()
                    },
                }
                for purpose, keys in self.purposes.items()
            },
            indent=2,
        )

    def with_key(self, purpose: Purpose, key_id: int, key: bytes) -> "Keyring":
        """Return a keyring that can also read by ``key``; the active one stays."""
        if key_id > KEY_ID_MAX:
            raise SealError(f"{purpose}: all key ids are used")
        old = self.purposes[purpose]
        return self._with(purpose, PurposeKeys(old.active, {**old.keys, key_id: key}))

    def activated(self, purpose: Purpose, key_id: int) -> "Keyring":
        """Return a keyring that writes by a key that it holds."""
        keys = self.purposes[purpose].keys
        if key_id not in keys:
            raise SealError(f"{purpose}: the key is not in the ring")
        return self._with(purpose, PurposeKeys(key_id, keys))

    def only_active(self, purpose: Purpose) -> "Keyring":
        """Return a keyring without the old keys of ``purpose``."""
        keys = self.purposes[purpose]
        return self._with(purpose, PurposeKeys(keys.active, {keys.active: keys.active_key}))

    def rotated(self, purpose: Purpose) -> "Keyring":
        """Return a keyring with a new active key for ``purpose``; the old ones stay readable."""
        key_id = max(self.purposes[purpose].keys) + 1
        return self.with_key(purpose, key_id, os.urandom(KEY_BYTES)).activated(purpose, key_id)

    def _with(self, purpose: Purpose, keys: PurposeKeys) -> "Keyring":
        return Keyring({**self.purposes, purpose: keys})


def generate_keyring() -> Keyring:
    """Make a keyring with one fresh key for each purpose."""
    return Keyring(
        {purpose: PurposeKeys(1, {1: os.urandom(KEY_BYTES)}) for purpose in PURPOSES},
    )


class Sealer:
    """Seals short texts with the active key and opens those of any key in the ring."""

    def __init__(self, keyring: Keyring) -> None:
        keys = keyring["seal"]
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.keys.items()}
        self.active_key_id = keys.active

    def seal(self, text: str, context: str) -> bytes:
        """Encrypt ``text``; it opens only with the same ``context``."""
        nonce = os.urandom(NONCE_BYTES)
        cipher = self._ciphers[self.active_key_id]
        sealed = cipher.encrypt(nonce, text.encode(), context.encode())
        return bytes((self.active_key_id,)) + nonce + sealed

    def seal_column(self, texts: Sequence[str | None], context: str) -> list[bytes | None]:
        """Seal a column; ``None`` stays ``None``."""
        associated = context.encode()
        encrypt = self._ciphers[self.active_key_id].encrypt
        prefix = bytes((self.active_key_id,))
        noise = os.urandom(NONCE_BYTES * len(texts))
        sealed: list[bytes | None] = []
        for position, text in enumerate(texts):
            if text is None:
                sealed.append(None)
                continue
            nonce = noise[position * NONCE_BYTES : (position + 1) * NONCE_BYTES]
            sealed.append(prefix + nonce + encrypt(nonce, text.encode(), associated))
        return sealed

    def open(self, sealed: bytes, context: str) -> str:
        """Decrypt. Raise ``SealError`` when damaged, moved, or sealed by an unknown key."""
        cipher = self._ciphers.get(sealed[0]) if sealed else None
        if cipher is None:
            raise SealError("sealed by a key that is not in the ring")
        nonce, body = sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
        try:
            return cipher.decrypt(nonce, body, context.encode()).decode()
        except (InvalidTag, ValueError) as error:
            raise SealError("damaged, or sealed in another context") from error

    def open_column(self, sealed: Sequence[bytes | None], context: str) -> list[str | None]:
        """Open a column; ``None`` stays ``None``."""
        return [None if value is None else self.open(value, context) for value in sealed]


class KeyedIndex:
    """Finds equal numbers without knowing them: HMAC-SHA256 over kind and value."""

    def __init__(self, keyring: Keyring) -> None:
        self._keys = keyring["index"]

    @property
    def key_version(self) -> int:
        """The version that new rows get."""
        return self._keys.active

    def index(self, kind: str, value: str) -> tuple[bytes, int]:
        """Return (32 bytes, key version) by the active key."""
        return _hmac(self._keys.active_key, kind, value), self._keys.active

    def all_versions(self, kind: str, value: str) -> list[tuple[bytes, int]]:
        """Return the index by every key, the active one first: rows of both sides of a rotation."""
        versions = sorted(self._keys.keys, key=lambda version: version != self._keys.active)
        return [(_hmac(self._keys.keys[version], kind, value), version) for version in versions]

    def index_column(self, kind: str, values: Sequence[str | None]) -> list[bytes | None]:
        """Index a column by the active key (``key_version``); ``None`` stays ``None``."""
        key, prefix = self._keys.active_key, kind.encode() + b"\0"
        return [
            None if value is None else hmac.digest(key, prefix + value.encode(), "sha256")
            for value in values
        ]


def mask_nik(number: str) -> str:
    """Show a NIK or KK number as ``6202********0001``; anything of another shape as stars."""
    if not NIK_SHAPE.match(number):
        return "*" * len(number)
    return f"{number[:4]}********{number[-4:]}"


def _hmac(key: bytes, kind: str, value: str) -> bytes:
    return hmac.digest(key, kind.encode() + b"\0" + value.encode(), "sha256")


def _purpose_keys(document: dict[str, object]) -> PurposeKeys:
    keys: dict[int, bytes] = {}
    raw_keys = document["keys"]
    active = document["active"]
    if not isinstance(raw_keys, dict) or not isinstance(active, int):
        raise TypeError("keys and active")
    for key_id, text in raw_keys.items():
        keys[int(key_id)] = base64.b64decode(text, validate=True)
    whole = all(0 < key_id <= KEY_ID_MAX for key_id in keys) and all(
        len(key) == KEY_BYTES for key in keys.values()
    )
    if active not in keys or not whole:
        raise ValueError("active key or key size")
    return PurposeKeys(active, keys)
