"""The audit chain as a file of JSON lines: exported by an operator, verified without a database.

Lines: one ``header``, then ``entry`` in the order of the chain, ``unsealed``, and ``root``.
"""

import base64
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from services.shared import audit, clock
from services.shared.db import Database

CHUNK = 5_000
UNSEALED_MAX = timedelta(hours=1)
ROOT_FIELDS = ("service", "day", "last_index", "hash", "key_id", "signed_at")

_ENTRIES = """
SELECT c.index, c.hash, e.id, e.occurred_at, e.actor, e.action, e.subject, e.payload_hash,
       e.trace_id, p.salt, p.payload::text AS payload
FROM audit_chain c JOIN audit_entries e ON e.id = c.entry_id
LEFT JOIN audit_payloads p ON p.entry_id = e.id AND $3
WHERE c.index > $1 ORDER BY c.index LIMIT $2
"""


async def export(db: Database, out: Path, *, with_payloads: bool = False) -> int:
    """Write the chain to ``out``. Return the number of entries.

    Payloads may hold personal data; they are left out unless asked for.
    """
    count = 0
    async with db.reading() as reader:
        connection = await reader.raw()
        with out.open("wb") as file:
            header = {"kind": "header", "service": db.service, "at": audit.instant(clock.now())}
            file.write(orjson.dumps(header) + b"\n")
            while rows := await connection.fetch(_ENTRIES, count, CHUNK, with_payloads):
                for row in rows:
                    line = {"kind": "entry", "index": row["index"], "hash": row["hash"].hex()}
                    line |= audit.entry_document(row)
                    if row["payload"] is not None:
                        line |= {"salt": row["salt"].hex(), "payload": json.loads(row["payload"])}
                    file.write(orjson.dumps(line) + b"\n")
                count = rows[-1]["index"]
            for row in await connection.fetch(
                "SELECT e.id, e.occurred_at FROM audit_entries e"
                " WHERE NOT EXISTS (SELECT 1 FROM audit_chain c WHERE c.entry_id = e.id)"
            ):
                line = {"kind": "unsealed", "id": str(row["id"])}
                line["occurred_at"] = audit.instant(row["occurred_at"])
                file.write(orjson.dumps(line) + b"\n")
            for row in await connection.fetch("SELECT * FROM audit_roots ORDER BY day"):
                line = {"kind": "root", **audit.root_document(db.service, row)}
                line["signature"] = row["signature"].hex()
                file.write(orjson.dumps(line) + b"\n")
    return count


@dataclass(slots=True)
class Report:
    """What a verification found; ``faults`` is empty when everything fits."""

    service: str = ""
    entries: int = 0
    payloads: int = 0
    roots: int = 0
    faults: list[str] = field(default_factory=list)


def verify(exported: Path, key: Ed25519PublicKey, known_roots: Path | None = None) -> Report:
    """Verify chain, payloads, roots and truncation of an exported file.

    ``known_roots`` holds roots kept elsewhere (root lines, or the ``audit_root`` lines of the
    log): with it a chain that was cut and signed again is found too. Raise ``ValueError`` when the
    file cannot be read.
    """
    report = Report()
    hashes: dict[int, str] = {}
    roots: list[dict[str, Any]] = []
    exported_at = ""
    previous = b""
    for line in _lines(exported):
        match line.get("kind"):
            case "header":
                report.service, exported_at = line["service"], line["at"]
                previous = audit.genesis(report.service)
            case "entry":
                previous = _verify_entry(report, line, previous)
                hashes[line["index"]] = previous.hex()
            case "unsealed":
                waited = _instant(exported_at) - _instant(line["occurred_at"])
                if waited > UNSEALED_MAX:
                    report.faults.append(f"entry {line['id']} was never sealed")
            case "root":
                roots.append(line)
            case other:
                raise ValueError(f"unknown kind of line: {other!r}")
    if not report.service:
        raise ValueError("the header is missing")
    known = _known_roots(known_roots) if known_roots else []
    for root in (*roots, *known):
        _verify_root(report, root, hashes, key)
    missing = {root["day"] for root in known} - {root["day"] for root in roots}
    report.faults += [f"root of {day} is missing" for day in sorted(missing)]
    report.roots = len(roots)
    return report


def _verify_entry(report: Report, line: dict[str, Any], previous: bytes) -> bytes:
    """Return the hash that the entry should have, so that each fault is told once."""
    report.entries += 1
    if line["index"] != report.entries:
        report.faults.append(f"entry {report.entries} is missing; {line['index']} follows")
        report.entries = line["index"]
    entry = {
        **line,
        "occurred_at": _instant(line["occurred_at"]),
        "payload_hash": bytes.fromhex(line["payload_hash"]),
    }
    found = audit.entry_hash(line["index"], previous, entry)
    if found.hex() != line["hash"]:
        report.faults.append(f"entry {line['index']} does not fit its hash")
    if "payload" in line:
        report.payloads += 1
        payload = bytes.fromhex(line["salt"]) + rfc8785.dumps(line["payload"])
        if hashlib.sha256(payload).hexdigest() != line["payload_hash"]:
            report.faults.append(f"payload of entry {line['index']} was changed")
    return found


def _verify_root(
    report: Report, root: dict[str, Any], hashes: dict[int, str], key: Ed25519PublicKey
) -> None:
    document = {name: root[name] for name in ROOT_FIELDS}
    day, last = root["day"], root["last_index"]
    if root["service"] != report.service:
        report.faults.append(f"root of {day} belongs to {root['service']}")
        return
    try:
        key.verify(bytes.fromhex(root["signature"]), rfc8785.dumps(document))
    except InvalidSignature:
        report.faults.append(f"root of {day} has a wrong signature")
    if last not in hashes:
        report.faults.append(f"the chain ends before entry {last}, which the root of {day} signs")
    elif hashes[last] != root["hash"]:
        report.faults.append(f"the chain differs from the root of {day}")


def _known_roots(path: Path) -> list[dict[str, Any]]:
    """Read root lines, and the roots inside of ``audit_root`` log lines; skip other lines."""
    found = []
    for line in _lines(path):
        if "signed" in line:
            found.append(json.loads(base64.urlsafe_b64decode(line["signed"])))
        elif line.get("kind") == "root":
            found.append(line)
    return found


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as file:
        for number, raw in enumerate(file, 1):
            try:
                line = json.loads(raw)
            except ValueError as error:
                raise ValueError(f"line {number} is not JSON") from error
            if not isinstance(line, dict):
                raise ValueError(f"line {number} is no object")  # noqa: TRY004 - a bad file
            yield line
