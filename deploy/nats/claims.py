"""NATS JWTs (version 2) in pure Python: operator, account, user, activation; creds files.

Field names are those of the Go library nats-io/jwt v2, which the server reads them with.
"""

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nkeys

from services.shared import clock

UNLIMITED = -1
SECRET_FILE_MODE = 0o600


@dataclass(frozen=True, slots=True)
class Key:
    """An Ed25519 key in NATS's text form. ``public`` begins with O, A or U; ``seed`` is secret."""

    public: str
    seed: str

    @classmethod
    def new(cls, prefix: int) -> "Key":
        """Make a key of a kind: ``nkeys.PREFIX_BYTE_OPERATOR``, ``_ACCOUNT`` or ``_USER``."""
        return cls.of(nkeys.encode_seed(secrets.token_bytes(32), prefix).decode())

    @classmethod
    def of(cls, seed: str) -> "Key":
        """Return the key of a seed."""
        pair = nkeys.from_seed(bytearray(seed.encode()))
        return cls(public=bytes(pair.public_key).decode(), seed=seed)

    @classmethod
    def load_or_new(cls, file: Path, prefix: int) -> "Key":
        """Read the key from ``file`` (mode 0600), or make it and keep it there."""
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            write_secret(file, cls.new(prefix).seed)
        return cls.of(file.read_text().strip())

    def sign(self, data: bytes) -> bytes:
        """Return the 64 bytes of the signature."""
        return bytes(nkeys.from_seed(bytearray(self.seed.encode())).sign(data))


@dataclass(frozen=True, slots=True)
class Permissions:
    """Subjects that a user may publish to and subscribe to. What is not allowed is refused."""

    publish: tuple[str, ...]
    subscribe: tuple[str, ...]
    publish_denied: tuple[str, ...] = ()

    def claim(self) -> dict[str, Any]:
        """Return the ``pub`` and ``sub`` parts of a user's claims."""
        publish: dict[str, list[str]] = {"allow": list(self.publish)}
        if self.publish_denied:
            publish["deny"] = list(self.publish_denied)
        return {"pub": publish, "sub": {"allow": list(self.subscribe)}}


@dataclass(frozen=True, slots=True)
class AccountLimits:
    """What one account may use of the server; sizes in bytes. JetStream is off where disk is 0."""

    connections: int = UNLIMITED
    subscriptions: int = UNLIMITED
    payload: int = UNLIMITED
    imports: int = UNLIMITED
    exports: int = UNLIMITED
    disk: int = 0
    memory: int = 0

    def claim(self) -> dict[str, Any]:
        """Return the ``limits`` part of an account's claims."""
        streams = UNLIMITED if self.disk or self.memory else 0
        return {
            "subs": self.subscriptions,
            "data": UNLIMITED,
            "payload": self.payload,
            "imports": self.imports,
            "exports": self.exports,
            "wildcards": True,
            "conn": self.connections,
            "leaf": 0,
            "mem_storage": self.memory,
            "disk_storage": self.disk,
            "streams": streams,
            "consumer": streams,
        }


@dataclass(frozen=True, slots=True)
class Role:
    """A signing key of an account whose users all have these permissions, as of now.

    The permissions stand in the account and not in the users' creds: a change of them needs no
    new creds, and a creds file stays below the server's limit of 4 KiB for a CONNECT line.
    """

    name: str
    key: Key
    permissions: Permissions

    def claim(self) -> dict[str, Any]:
        """Return the ``user_scope`` entry of an account's signing keys."""
        limits = {"subs": UNLIMITED, "data": UNLIMITED, "payload": UNLIMITED}
        return {
            "kind": "user_scope",
            "key": self.key.public,
            "role": self.name,
            "template": {**self.permissions.claim(), **limits},
        }


@dataclass(frozen=True, slots=True)
class Account:
    """An account's claims: what it exports and imports (jwt v2 dictionaries) and its limits."""

    name: str
    limits: AccountLimits
    exports: tuple[dict[str, Any], ...] = ()
    imports: tuple[dict[str, Any], ...] = ()
    roles: tuple["Role", ...] = ()
    revocations: dict[str, int] = field(default_factory=dict)


def operator_token(operator: Key, *, system_account: str) -> str:
    """Return the self-signed operator JWT that the server trusts."""
    body = {"type": "operator", "version": 2, "system_account": system_account}
    return _encode(operator, operator.public, "betang", body)


def account_token(operator: Key, account: Key, claims: Account) -> str:
    """Return an account JWT signed by the operator."""
    body: dict[str, Any] = {
        "type": "account",
        "version": 2,
        "limits": claims.limits.claim(),
        "default_permissions": {"pub": {}, "sub": {}},
    }
    if claims.exports:
        body["exports"] = list(claims.exports)
    if claims.imports:
        body["imports"] = list(claims.imports)
    if claims.roles:
        body["signing_keys"] = [role.claim() for role in claims.roles]
    if claims.revocations:
        body["revocations"] = claims.revocations
    return _encode(operator, account.public, claims.name, body)


def user_token(
    account: Key, user: Key, name: str, permissions: Permissions | None, *, payload: int = UNLIMITED
) -> str:
    """Return a user JWT signed by its account. ``permissions`` of None allow everything in it."""
    rights = permissions.claim() if permissions else {"pub": {}, "sub": {}}
    body = {
        "type": "user",
        "version": 2,
        **rights,
        "subs": UNLIMITED,
        "data": UNLIMITED,
        "payload": payload,
    }
    return _encode(account, user.public, name, body)


def role_user_token(account: str, role: Key, user: Key, name: str) -> str:
    """Return the JWT of a user whose permissions are those of ``role`` in ``account``."""
    body = {"type": "user", "version": 2, "issuer_account": account}
    return _encode(role, user.public, name, body)


def activation_token(exporter: Key, importer: str, subject: str, kind: str) -> str:
    """Return the exporter's leave for one account to import ``subject`` (service or stream)."""
    body = {"type": "activation", "version": 2, "subject": subject, "kind": kind}
    return _encode(exporter, importer, subject, body)


def creds_text(token: str, user: Key) -> str:
    """Return the text of a ``.creds`` file: the user's JWT and its seed."""
    return (
        f"-----BEGIN NATS USER JWT-----\n{token}\n------END NATS USER JWT------\n\n"
        f"-----BEGIN USER NKEY SEED-----\n{user.seed}\n------END USER NKEY SEED------\n"
    )


def write_secret(file: Path, text: str) -> None:
    """Write ``text`` for the owner only, never half: into a file beside, then renamed."""
    partial = file.with_name(f"{file.name}.new")
    partial.unlink(missing_ok=True)
    partial.touch(mode=SECRET_FILE_MODE)
    partial.write_text(text)
    partial.rename(file)


def _encode(issuer: Key, subject: str, name: str, nats: dict[str, Any]) -> str:
    claims: dict[str, Any] = {
        "iat": int(clock.now().timestamp()),
        "iss": issuer.public,
        "name": name,
        "sub": subject,
        "nats": nats,
    }
    digest = hashlib.new("sha512_256", _json(claims)).digest()
    claims["jti"] = base64.b32encode(digest).decode().rstrip("=")
    header = {"typ": "JWT", "alg": "ed25519-nkey"}
    signed = f"{_base64(_json(header))}.{_base64(_json(claims))}"
    return f"{signed}.{_base64(issuer.sign(signed.encode()))}"


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
