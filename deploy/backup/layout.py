"""What a backup folder holds, and whether it holds it still.

    <folder>/<moment>/manifest.json              written last: without it the backup is none
    <folder>/<moment>/<service>/<table>.gz       rows as PostgreSQL's COPY writes them, compressed
    <folder>/<moment>/<service>/stored-files.gz a line of JSON for each file: name, size, sha256
    <folder>/<moment>/streams/IN_<CODE>.gz       a line of JSON for each message of an agency
    <folder>/blobs/<service>/blobs/ab/...        the encrypted files, shared by all backups

Keys are not in it: whoever has the backup alone can read no number and open no file.
"""

import gzip
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from services.shared.cli.language import t
from services.shared.key_files import write_private
from services.shared.sealing import Keyring

MANIFEST = "manifest.json"
BLOBS = "blobs"
LISTED = "stored-files.gz"
FORMAT = 1
READ_BYTES = 1024 * 1024

Manifest = dict[str, Any]


class Damaged(ValueError):
    """A file of the backup is missing or is not what was written."""


class Packed:
    """A compressed file being written, with the hash of what lands on the disk."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._path = path
        self._file = path.open("xb")
        self._out = _Hashed(self._file)
        self._gzip = gzip.GzipFile(fileobj=self._out, mode="wb", compresslevel=1, mtime=0)
        self.write = self._gzip.write

    def close(self) -> dict[str, Any]:
        """Finish, and return the name, size and hash for the manifest."""
        self._gzip.close()
        self._file.flush()
        self._file.close()
        return {"size": self._out.size, "sha256": self._out.hash.hexdigest()}


class _Hashed:
    def __init__(self, file: BinaryIO) -> None:
        self.hash, self.size = hashlib.sha256(), 0
        self._file = file

    def write(self, data: bytes) -> int:
        self.hash.update(data)
        self.size += len(data)
        return self._file.write(data)

    def flush(self) -> None:
        self._file.flush()


async def write_lines(path: Path, lines: AsyncIterator[dict[str, Any]]) -> dict[str, Any]:
    """Write JSON lines, compressed; return the file's entry with their number."""
    packed, count = Packed(path), 0
    async for line in lines:
        packed.write(json.dumps(line).encode() + b"\n")
        count += 1
    return packed.close() | {"rows": count}


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the JSON lines of a compressed file."""
    with gzip.open(path, "rb") as file:
        for line in file:
            yield json.loads(line)


def write_manifest(backup: Path, manifest: Manifest) -> None:
    """Make the backup one: last of all, with its own hash."""
    text = json.dumps(manifest, indent=1, sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()
    write_private(backup / MANIFEST, json.dumps({"sha256": digest, "manifest": text}))


def read_manifest(backup: Path) -> Manifest:
    """Return the manifest. Raise ``Damaged`` when it is missing or was changed."""
    try:
        outer = json.loads((backup / MANIFEST).read_text(encoding="utf-8"))
        whole = hashlib.sha256(outer["manifest"].encode()).hexdigest() == outer["sha256"]
        manifest: Manifest = json.loads(outer["manifest"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Damaged(t(f"{backup}: bukan cadangan utuh", f"{backup}: no whole backup")) from error
    if not whole or manifest.get("format") != FORMAT:
        raise Damaged(t(f"{backup}: manifes berubah", f"{backup}: the manifest was changed"))
    return manifest


def find(folder: Path, moment: str | None) -> Path:
    """Return the backup of a moment, or the newest whole one."""
    if moment:
        return folder / moment
    whole = sorted(each.parent for each in folder.glob(f"*/{MANIFEST}"))
    if not whole:
        raise Damaged(t(f"{folder}: tidak ada cadangan", f"{folder}: there is no backup"))
    return whole[-1]


def faults(folder: Path, backup: Path) -> list[str]:
    """Return what is missing or changed, in words; read everything once."""
    manifest = read_manifest(backup)
    found = [
        fault
        for name, entry in sorted(files_of(manifest).items())
        if (fault := _fault(backup / name, entry))
    ]
    for service, told in sorted(manifest["services"].items()):
        listed = backup / service / LISTED
        if _fault(listed, told["blobs"]):
            continue
        files = ((folder / BLOBS / service / line["name"], line) for line in read_lines(listed))
        found += [fault for path, line in files if (fault := _fault(path, line))]
    return found


def files_of(manifest: Manifest) -> dict[str, dict[str, Any]]:
    """Return every file of the backup by name, with its size and hash."""
    files = {f"streams/{name}.gz": entry for name, entry in manifest["streams"].items()}
    for service, told in manifest["services"].items():
        files |= {f"{service}/{name}.gz": entry for name, entry in told["tables"].items()}
        files[f"{service}/{LISTED}"] = told["blobs"]
    return files


def hash_file(path: Path) -> dict[str, Any]:
    """Return size and hash of a file."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(READ_BYTES):
            digest.update(chunk)
            size += len(chunk)
    return {"size": size, "sha256": digest.hexdigest()}


def prints(keyring: Keyring) -> dict[str, dict[str, str]]:
    """Return a name for each key by which a restore knows it; it tells nothing of the key."""
    return {
        purpose: {
            str(key_id): hmac.digest(key, b"betang backup", "sha256").hex()[:16]
            for key_id, key in keys.keys.items()
        }
        for purpose, keys in keyring.purposes.items()
    }


def _fault(path: Path, entry: dict[str, Any]) -> str | None:
    try:
        found = hash_file(path)
    except OSError:
        return t(f"{path.name}: tidak ada", f"{path.name}: missing")
    if any(found[name] != entry[name] for name in ("size", "sha256")):
        return t(f"{path.name}: isinya berubah", f"{path.name}: its content was changed")
    return None
