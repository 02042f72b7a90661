"""Rotating the keys that seal and index identity numbers, while everything runs.

Keys are shared: what the registry seals and indexes travels to programs and distribution. So a
rotation names one service and changes all that share its key; the files of all services must be at
hand. No key is ever printed.
"""

import asyncio
import getpass
import json
from collections.abc import Sequence
from pathlib import Path

from services.shared import commands, migrations
from services.shared.cli import orders
from services.shared.cli.language import t
from services.shared.cli.shape import (
    DONE,
    FAILED,
    SERVICES,
    WAITING,
    Commands,
    Options,
    Parser,
    complain,
    database,
    rows_of,
    say,
)
from services.shared.key_files import GRACE_S, KeyFiles
from services.shared.sealing import Purpose

ROTATED: tuple[Purpose, ...] = ("index", "seal")
RETIRE_WAIT_S = 3600.0
COUNT_WAIT_S = 120.0
COUNT_PAUSE_S = 2.0

Old = list[tuple[str, str, str, int]]
"""Values that an old key wrote: service, kind, key id, number."""


def key_files() -> KeyFiles:
    """Return the key files of all services, as the environment names them."""
    return KeyFiles(
        {each: Path(migrations.variable(f"{each.upper()}_KEY_FILE")) for each in SERVICES}
    )


def status(options: Options) -> int:
    """Show which keys a service has, and how many values each has written."""
    keys = key_files().ring(options.service)
    for purpose in ROTATED:
        known = ", ".join(str(key_id) for key_id in sorted(keys[purpose].keys))
        active = t("kunci", "keys") + f" {known}; " + t("aktif", "active")
        say(f"{options.service} {purpose}: {active} {keys[purpose].active}")
    counted = asyncio.run(_count(options.service, options.wait or COUNT_WAIT_S))
    if counted is None:
        return _still_waits(options.service)
    say(
        *rows_of(
            [
                (kind, purpose, key_id, number)
                for kind, purposes in counted.items()
                for purpose, numbers in purposes.items()
                for key_id, number in numbers.items()
            ]
        )
    )
    return DONE


def rotate(options: Options) -> int:
    """Add a key, wait until every process reads by it, write by it, and renew what is older."""
    files, service, purpose = key_files(), options.service, options.purpose
    sharing = files.sharing(service, purpose)
    if files.pending(service, purpose) is None:
        asyncio.run(_grace(files, options))
    key_id = files.add(service, purpose)
    names = ", ".join(sharing)
    say(t(f"{purpose}: kunci {key_id} ditambahkan untuk", f"{purpose}: key {key_id} added for")
        + f" {names}")  # fmt: skip
    asyncio.run(_grace(files, options))
    files.activate(service, purpose, key_id)
    say(t(f"{purpose}: kunci {key_id} aktif", f"{purpose}: key {key_id} is active"))
    return asyncio.run(_renew(sharing, options, note=("key.activated", purpose, key_id)))


def retire(options: Options) -> int:
    """Renew what is left of older keys, and remove them once they have written nothing."""
    files, service, purpose = key_files(), options.service, options.purpose
    if files.pending(service, purpose) is not None:
        raise ValueError(
            t("rotasi belum selesai: jalankan betang key rotate lagi",
              "the rotation is not finished: run betang key rotate again")
        )  # fmt: skip
    sharing = files.sharing(service, purpose)
    asyncio.run(_grace(files, options))
    if (end := asyncio.run(_renew(sharing, options))) != DONE:
        return end
    active = files.ring(service)[purpose].active
    left = asyncio.run(_wait_for_none(sharing, purpose, active, options.wait))
    if left is None:
        return _still_waits(service)
    if left:
        for each, kind, key_id, number in left:
            say(
                f"{each} {kind}: {number} "
                + t("masih memakai kunci", "still by key")
                + f" {key_id}"
            )
        complain(t("kunci lama masih dipakai", "an old key is still in use"))
        return FAILED
    gone = files.retire(service, purpose)
    asyncio.run(_note(sharing, ("key.retired", purpose, gone)))
    say(t(f"{purpose}: kunci {gone} dihapus", f"{purpose}: keys {gone} removed"))
    return DONE


async def _grace(files: KeyFiles, options: Options) -> None:
    """Let work that began with the former keys end."""
    left = files.grace_left(options.service, options.purpose, options.grace)
    if left > 0:
        say(t(f"menunggu {left:.0f} detik", f"waiting {left:.0f} seconds"))
        await asyncio.sleep(left)


async def _renew(
    sharing: Sequence[str], options: Options, note: tuple[str, str, object] | None = None
) -> int:
    """Order every sharing service to renew; the worst end counts."""
    if note:
        await _note(sharing, note)
    ends = []
    for service in sharing:
        db = database(service)
        try:
            ends.append(await orders.order(db, commands.RENEW_KEYS, None, options.wait))
        finally:
            await db.close()
    return max(ends)


async def _note(sharing: Sequence[str], note: tuple[str, str, object]) -> None:
    """Leave an audit entry in each sharing service: who changed its keys."""
    action, purpose, key = note
    for service in sharing:
        db = database(service)
        try:
            async with db.transaction() as tx:
                tx.audit(action, f"key/{purpose}", {"key": key}, f"cli:{getpass.getuser()}")
        finally:
            await db.close()


async def _wait_for_none(
    sharing: Sequence[str], purpose: Purpose, active: int, wait_s: float
) -> Old | None:
    """Return what is left of old keys, giving events ``wait_s`` to reach the other services."""
    deadline = asyncio.get_running_loop().time() + wait_s
    while True:
        left: Old = []
        for service in sharing:
            counted = await _count(service, COUNT_WAIT_S)
            if counted is None:
                return None
            left += [
                (service, kind, key_id, number)
                for kind, purposes in counted.items()
                for key_id, number in purposes.get(purpose, {}).items()
                if key_id != str(active)
            ]
        if not left or asyncio.get_running_loop().time() > deadline:
            return left
        await asyncio.sleep(COUNT_PAUSE_S)


async def _count(service: str, wait_s: float) -> dict[str, dict[str, dict[str, int]]] | None:
    db = database(service)
    try:
        command_id = await orders.give(db, commands.COUNT_KEYS)
        result = await orders.outcome(db, command_id, wait_s)
    finally:
        await db.close()
    if result is None:
        return None
    if not result.startswith("ok "):
        raise ValueError(f"{service}: {result}")
    counted: dict[str, dict[str, dict[str, int]]] = json.loads(result.removeprefix("ok "))
    return counted


def _still_waits(service: str) -> int:
    complain(t(f"pekerja {service} tidak menjawab", f"the worker of {service} does not answer"))
    return WAITING


def _purpose(parser: Parser) -> None:
    parser.add_argument("purpose", choices=ROTATED, metavar="|".join(ROTATED))
    parser.add_argument("service", choices=SERVICES, metavar="service")
    help_ = t("jeda antara dua perubahan kunci", "pause between two changes of the keys")
    parser.add_argument("--grace", type=float, default=GRACE_S, metavar="S", help=help_)


def add(to: Commands) -> None:
    """Add these commands."""
    text = t("Kunci yang menyegel dan mengindeks NIK.", "The keys that seal and index NIKs.")
    group = to.group("key", text, "status|rotate|retire")
    text = t("Jumlah nilai menurut kunci.", "How many values each key has written.")
    one = group.plain("status", text, status)
    one.add_argument("service", choices=SERVICES, metavar="service")
    _wait(one, COUNT_WAIT_S)
    text = t(
        "Kunci baru; yang lama tetap terbaca, isinya diperbarui.",
        "A new key; old ones stay readable, what they wrote is renewed.",
    )
    one = group.plain("rotate", text, rotate)
    _purpose(one)
    _wait(one, 0)
    text = t("Hapus kunci lama bila tidak dipakai lagi.", "Remove old keys that nothing needs.")
    one = group.plain("retire", text, retire)
    _purpose(one)
    _wait(one, RETIRE_WAIT_S)


def _wait(parser: Parser, default: float) -> None:
    help_ = t("tunggu pekerja sekian detik", "wait so many seconds for the workers")
    parser.add_argument("--wait", type=float, default=default, metavar="S", help=help_)
