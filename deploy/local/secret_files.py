"""The secrets of the services on one machine: made once, kept in 0600 files of the state folder."""

import json
import secrets
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from deploy.nats.claims import write_secret
from deploy.postgres.provision import SERVICES, Passwords
from services.shared.sealing import Keyring, generate_keyring
from services.shared.signing import TokenSigner

HANDLES_IDENTITIES = ("registry", "programs", "distribution")
"""They share the keys that seal and index identity numbers: programs and distribution match
agencies' lists and print handover lists. Indicators has keys of its own and can open nothing."""


class SecretFiles:
    """Keyrings, audit keys, database passwords and the issuer's key below ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def ensure(self) -> None:
        """Make what is missing."""
        self._ensure_keyrings()
        for service in SERVICES:
            if not self.audit_key(service).exists():
                write_secret(self.audit_key(service), _new_private_key())

    def keyring(self, service: str) -> Path:
        """Return the JSON file of a service's keys; see ``services.shared.sealing``."""
        return self.folder / f"{service}-keys.json"

    def audit_key(self, service: str) -> Path:
        """Return the PEM file of the key that signs a service's audit roots."""
        return self.folder / f"{service}-audit.pem"

    def passwords(self) -> dict[str, Passwords]:
        """Return the passwords of all services' database roles."""
        file = self.folder / "database-passwords.json"
        if not file.exists():
            made = {
                service: {"owner": secrets.token_urlsafe(24), "app": secrets.token_urlsafe(24)}
                for service in SERVICES
            }
            write_secret(file, json.dumps(made))
        kept = json.loads(file.read_text())
        return {service: Passwords(**kept[service]) for service in SERVICES}

    def issuer_key(self) -> Path:
        """Return the PEM file of the development token issuer's key."""
        file = self.folder / "issuer.pem"
        if not file.exists():
            write_secret(file, TokenSigner("unused").to_pem().decode())
        return file

    def _ensure_keyrings(self) -> None:
        registry = self.keyring("registry")
        if not registry.exists():
            write_secret(registry, generate_keyring().dump())
        shared = Keyring.load(registry)
        for service in SERVICES:
            if self.keyring(service).exists():
                continue
            keyring = generate_keyring()
            if service in HANDLES_IDENTITIES:
                common = {"seal": shared["seal"], "index": shared["index"]}
                keyring = Keyring({**keyring.purposes, **common})  # type: ignore[dict-item]
            write_secret(self.keyring(service), keyring.dump())


def _new_private_key() -> str:
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
