"""Bringing a backup back: rows, files, what agencies said; then orders that make all agree again.

The databases were read one after the other and some may be restored alone, so each service's
epoch rises, its streams begin anew from its tables, and every service reads everything anew.
"""

import getpass
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from deploy.backup import layout, places, streams, tables
from deploy.backup.layout import BLOBS, LISTED, Manifest
from deploy.nats.authority import Authority
from services.shared import commands, epochs, migrations
from services.shared.blobs import once
from services.shared.cli.language import t
from services.shared.cli.shape import SERVICES, database, say


async def restore(
    folder: Path,
    backup: Path,
    services: Sequence[str],
    authority: Authority,
    nats_url: str,
    *,
    replace: bool,
) -> None:
    """Restore ``services`` from ``backup``. Raise ``ValueError`` before anything is changed."""
    manifest = layout.read_manifest(backup)
    if found := layout.faults(folder, backup):
        raise layout.Damaged("; ".join(found[:5]))
    for service in services:
        await _check(service, manifest, replace=replace)
    for service in services:
        await _load(service, backup, manifest)
        count = await _put_files_back(service, folder, backup)
        say(
            t(
                f"{service}: dipulihkan, {count} berkas kembali",
                f"{service}: restored, {count} files put back",
            )
        )
    async with streams.operator(authority, nats_url) as operator:
        await streams.remove_own_streams(operator, services)
        for name in manifest["streams"]:
            lines = layout.read_lines(backup / "streams" / f"{name}.gz")
            count = await streams.put_back(operator, name, lines)
            say(t(f"{name}: {count} pesan kembali", f"{name}: {count} messages put back"))
    for service in SERVICES:
        await _order(service, restored=service in services)


async def _check(service: str, manifest: Manifest, *, replace: bool) -> None:
    """Raise ``ValueError`` when this service cannot be restored as asked."""
    told = manifest["services"].get(service)
    if told is None:
        raise ValueError(t(f"{service}: tidak ada di cadangan", f"{service}: not in the backup"))
    now = layout.prints(places.keyring(service))
    for purpose, keys in told["keys"].items():
        if missing := [i for i, mark in keys.items() if now[purpose].get(i) != mark]:
            text = t(
                "kunci cadangan tidak ada di berkas kunci", "the key file lacks the backup's key"
            )
            raise ValueError(f"{service}: {text}: {purpose} {', '.join(missing)}")
    target = places.target(service)
    connection = await target.connect()
    try:
        if await tables.strangers(connection, places.app_role(service)):
            text = t("masih berjalan: hentikan dahulu", "still runs: stop it first")
            raise ValueError(f"{service} {text}")
        if not replace and await tables.holds_data(connection, target.schema):
            text = t(
                "basis data berisi; --replace menggantinya",
                "the database holds data; --replace replaces them",
            )
            raise ValueError(f"{service}: {text}")
    finally:
        await connection.close()


async def _load(service: str, backup: Path, manifest: Manifest) -> None:
    told, target = manifest["services"][service], places.target(service)
    connection = await target.connect()
    try:
        has_migrations = find_spec(f"services.{service}") is not None
        if has_migrations:
            await tables.drop(connection, target.schema)
            migrations.upgrade(service, revision=told["revision"])
        elif await _revision(connection) != told["revision"]:
            # The image of the operator has no migrations of services.
            command = f"betang migrate {service} --to {told['revision']}"
            raise ValueError(
                t(f"{service}: jalankan dahulu {command}", f"{service}: first run {command}")
            )
        await tables.load(connection, target.schema, backup / service, told)
        if has_migrations:
            migrations.upgrade(service)
    finally:
        await connection.close()


async def _revision(connection: Any) -> str | None:
    if await connection.fetchval("SELECT to_regclass('alembic_version')") is None:
        return None
    found = await connection.fetchval("SELECT version_num FROM alembic_version")
    return None if found is None else str(found)


async def _put_files_back(service: str, folder: Path, backup: Path) -> int:
    """Store the files that the rows name and the store lacks. Return how many."""
    backend, count = places.files(service), 0
    for line in layout.read_lines(backup / service / LISTED):
        if backend is None:
            raise ValueError(f"{service.upper()}_BLOB_DIR / _BLOB_S3")
        if not await backend.exists(line["name"]):
            content = (folder / BLOBS / service / line["name"]).read_bytes()
            await backend.write(line["name"], once(content))
            count += 1
    return count


async def _order(service: str, *, restored: bool) -> None:
    """Leave the orders for the worker: tell all again, and read all anew."""
    db, actor = database(service), f"cli:{getpass.getuser()}"
    try:
        if restored:
            epoch = await epochs.raise_epoch(db)
            say(f"{service}: epoch {epoch}")
        async with db.transaction() as tx:
            if restored:
                tx.audit("backup.restored", f"service/{service}", {"epoch": epoch}, actor)
                await commands.order(tx, commands.REPUBLISH, None, actor)
            await commands.order(tx, commands.REBUILD, commands.EVERY, actor)
    finally:
        await db.close()
