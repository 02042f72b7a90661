"""Taking a backup while everything runs.

All snapshots are opened first, one right after the other, in the order in which services refer to
each other. Then rows are copied, then the files that they name (which nobody deletes meanwhile),
then what agencies said: later than the rows, so that nothing falls between.
"""

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from deploy.backup import layout, places, streams
from deploy.backup.layout import BLOBS, LISTED, Manifest
from deploy.backup.tables import Snapshot
from deploy.nats.authority import Authority
from services.shared import clock
from services.shared.blobs import BlobBackend


async def make(folder: Path, authority: Authority, nats_url: str) -> tuple[Path, Manifest]:
    """Take a backup into ``folder``. Return where it lies and its manifest."""
    known = _known_files(folder)
    now = clock.now()
    backup = folder / f"{now:%Y%m%dT%H%M%SZ}"
    backup.mkdir(parents=True, mode=0o700)
    manifest: Manifest = {"format": layout.FORMAT, "taken_at": now.isoformat(), "services": {}}
    async with AsyncExitStack() as open_:
        snapshots = []
        for service in places.SNAPSHOT_ORDER:
            snapshot = await Snapshot(places.target(service)).open()
            open_.push_async_callback(snapshot.close)
            snapshots.append(snapshot)
        for snapshot in snapshots:
            service = snapshot.target.service
            manifest["services"][service] = {
                "revision": await snapshot.revision(),
                "tables": await snapshot.dump(backup / service),
                "sequences": await snapshot.sequences(),
                "keys": layout.prints(places.keyring(service)),
                "blobs": await layout.write_lines(
                    backup / service / LISTED,
                    _copied(snapshot, folder, known.get(service, {})),
                ),
            }
    async with streams.operator(authority, nats_url) as operator:
        manifest["streams"] = {
            name: await layout.write_lines(
                backup / "streams" / f"{name}.gz", streams.messages(operator, name)
            )
            for name in await streams.ingest_streams(operator)
        }
    layout.write_manifest(backup, manifest)
    return backup, manifest


async def _copied(
    snapshot: Snapshot, folder: Path, known: dict[str, dict[str, Any]]
) -> AsyncIterator[dict[str, Any]]:
    """Yield all files that the snapshot names; those that are not in the folder are copied."""
    service = snapshot.target.service
    backend = places.files(service)
    async for name in snapshot.files():
        copy = folder / BLOBS / service / name
        if name in known and copy.exists():
            yield known[name]
            continue
        if backend is None:
            raise ValueError(f"{service.upper()}_BLOB_DIR / _BLOB_S3: {name}")
        if not copy.exists():
            await _copy(backend, name, copy)
        yield {"name": name, **layout.hash_file(copy)}


async def _copy(backend: BlobBackend, name: str, copy: Path) -> None:
    """Copy one encrypted object as it is; it is there whole or not at all."""
    copy.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial = copy.with_name(f".{copy.name}.part")
    with partial.open("wb") as file:
        async for piece in backend.read(name):
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    partial.rename(copy)


def _known_files(folder: Path) -> dict[str, dict[str, dict[str, Any]]]:
    """Return the files of the newest whole backup, by service and name."""
    whole = sorted(each.parent for each in folder.glob(f"*/{layout.MANIFEST}"))
    if not whole:
        return {}
    return {
        service: {line["name"]: line for line in layout.read_lines(whole[-1] / service / LISTED)}
        for service in layout.read_manifest(whole[-1])["services"]
    }
