"""Audit: entries chained by hashes, sealed in batches, the head signed each day with Ed25519.

The chain runs over payload hashes (salted), so a payload can be erased and the chain stays whole.
The signing key is outside the database: who can write the database cannot forge a root, and a root
that was exported shows when entries are missing at the end. ``audit_files`` exports and verifies.
"""

import base64
import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import rfc8785
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from services.shared import clock
from services.shared.db import Database
from services.shared.outgoing import lock_number

SEAL_MAX = 1_000
log = structlog.get_logger("audit")

_WAITING = """
SELECT e.id, e.occurred_at, e.actor, e.action, e.subject, e.payload_hash, e.trace_id
FROM audit_queue q JOIN audit_entries e ON e.id = q.entry_id
ORDER BY e.occurred_at, e.id LIMIT $1
"""


def genesis(service: str) -> bytes:
    """Return the hash before the first entry of a service."""
    return hashlib.sha256(f"betang audit {service}".encode()).digest()


def entry_hash(index: int, previous: bytes, entry: Mapping[str, Any]) -> bytes:
    """Return the hash of an entry at ``index`` after ``previous``; see ``entry_document``."""
    document = {**entry_document(entry), "index": index, "previous": previous.hex()}
    return hashlib.sha256(rfc8785.dumps(document)).digest()


def entry_document(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entry's sealed part as JSON values."""
    return {
        "id": str(entry["id"]),
        "occurred_at": instant(entry["occurred_at"]),
        "actor": entry["actor"],
        "action": entry["action"],
        "subject": entry["subject"],
        "payload_hash": bytes(entry["payload_hash"]).hex(),
        "trace_id": entry["trace_id"],
    }


def instant(value: datetime) -> str:
    """Return an instant as text, in one form only."""
    return value.astimezone(UTC).isoformat(timespec="microseconds")


async def seal(db: Database) -> int:
    """Append waiting entries to the chain, at most 1,000 a transaction. Return how many."""
    total = 0
    while sealed := await _seal_batch(db):
        total += sealed
        if sealed < SEAL_MAX:
            break
    return total


async def _seal_batch(db: Database) -> int:
    async with db.transaction() as tx:
        connection = await tx.raw()
        # The sealing job and the daily signature, in one process or two, seal one after another.
        await connection.execute(
            "SELECT pg_advisory_xact_lock($1)", lock_number("audit", db.schema)
        )
        waiting = await connection.fetch(_WAITING, SEAL_MAX)
        if not waiting:
            return 0
        head = await connection.fetchrow(
            "SELECT index, hash FROM audit_chain ORDER BY index DESC LIMIT 1"
        )
        index, previous = (head["index"], head["hash"]) if head else (0, genesis(db.service))
        links = []
        for entry in waiting:
            index += 1
            previous = entry_hash(index, previous, entry)
            links.append((index, entry["id"], previous, tx.now))
        await tx.copy("audit_chain", ["index", "entry_id", "hash", "sealed_at"], links)
        await connection.execute(
            "DELETE FROM audit_queue WHERE entry_id = ANY($1)", [link[1] for link in links]
        )
        return len(links)


def root_document(service: str, root: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a root signs."""
    return {
        "service": service,
        "day": root["day"].isoformat(),
        "last_index": root["last_index"],
        "hash": bytes(root["hash"]).hex(),
        "key_id": root["key_id"],
        "signed_at": instant(root["signed_at"]),
    }


async def sign_root(db: Database, key: Ed25519PrivateKey) -> bool:
    """Sign the head of the chain, once a day (WIB). Return whether a root was signed now.

    The root also goes to the log, which leaves the machine: that is its export of every day.
    """
    await seal(db)
    async with db.transaction() as tx:
        connection = await tx.raw()
        head = await connection.fetchrow(
            "SELECT index, hash FROM audit_chain ORDER BY index DESC LIMIT 1"
        )
        today = clock.today()
        if head is None or await connection.fetchval(
            "SELECT 1 FROM audit_roots WHERE day = $1", today
        ):
            return False
        root = {
            "day": today,
            "last_index": head["index"],
            "hash": head["hash"],
            "key_id": key_id(key.public_key()),
            "signed_at": tx.now,
        }
        document = root_document(db.service, root)
        signature = key.sign(rfc8785.dumps(document))
        await connection.execute(
            "INSERT INTO audit_roots (day, last_index, hash, key_id, signed_at, signature)"
            " VALUES ($1, $2, $3, $4, $5, $6)",
            *root.values(),
            signature,
        )
    line = rfc8785.dumps({"kind": "root", **document, "signature": signature.hex()})
    # In base64, because the log strikes out long numbers, and hex digits may look like one.
    log.info("audit_root", day=document["day"], signed=base64.urlsafe_b64encode(line).decode())
    return True


def load_private_key(path: Path) -> Ed25519PrivateKey:
    """Read the signing key (PEM). Raise ``ValueError`` when it is no Ed25519 key."""
    key = load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError(f"{path.name} is not an Ed25519 private key")  # noqa: TRY004 - a bad file
    return key


def load_public_key(path: Path) -> Ed25519PublicKey:
    """Read a public key (PEM), or that of a private key. Raise ``ValueError``."""
    raw = path.read_bytes()
    if b"PRIVATE KEY" in raw:
        return load_private_key(path).public_key()
    key = load_pem_public_key(raw)
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError(f"{path.name} is not an Ed25519 public key")  # noqa: TRY004 - a bad file
    return key


def key_id(key: Ed25519PublicKey) -> str:
    """Return 16 hex digits that name a public key."""
    raw = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    return hashlib.sha256(raw).hexdigest()[:16]
