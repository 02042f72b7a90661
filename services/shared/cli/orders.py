"""Migrations, and orders that a service's worker carries out."""

import asyncio
import getpass
from uuid import UUID

from services.shared import commands, epochs, migrations
from services.shared.cli.language import t
from services.shared.cli.shape import (
    DONE,
    FAILED,
    SERVICES,
    WAITING,
    Commands,
    Options,
    rows_of,
    say,
)
from services.shared.db import Database

POLL_S = 0.5


def migrate(options: Options) -> int:
    """Bring databases to the newest version, or to the one asked for."""
    for service in SERVICES if options.service == "all" else (options.service,):
        migrations.upgrade(service, revision=options.to or "head")
        say(t(f"{service}: selesai dimigrasi", f"{service}: migrated"))
    return DONE


async def republish(options: Options, db: Database) -> int:
    """Order the worker to tell the current rows again."""
    return await order(db, commands.REPUBLISH, options.stream, options.wait)


async def rebuild(options: Options, db: Database) -> int:
    """Order the worker to read subscriptions' streams anew into emptied projections."""
    if bool(options.all) == bool(options.subscription):
        raise ValueError(t("sebut satu langganan, atau --all", "name a subscription, or --all"))
    name = commands.EVERY if options.all else options.subscription
    return await order(db, commands.REBUILD, name, options.wait)


async def raise_epoch(options: Options, db: Database) -> int:
    """Raise the epoch after a restore; order the worker to empty its streams and tell all again."""
    say(f"epoch {await epochs.raise_epoch(db)}")
    return await order(db, commands.START_OVER, None, options.wait)


async def parked_list(_: Options, db: Database) -> int:
    """List parked events that wait, newest first."""
    rows = await db.pool.fetch(
        "SELECT id, parked_at, consumer, stream, stream_sequence, reason_code, reason_detail,"
        " deliveries FROM parked_events WHERE replayed_at IS NULL ORDER BY parked_at DESC LIMIT 500"
    )
    table = [
        (
            row["id"],
            f"{row['parked_at']:%Y-%m-%d %H:%M:%S}",
            row["consumer"],
            f"{row['stream']}:{row['stream_sequence']}",
            f"x{row['deliveries']}",
            f"{row['reason_code']}: {row['reason_detail']}",
        )
        for row in rows
    ]
    say(*rows_of(table), t(f"{len(rows)} peristiwa diparkir", f"{len(rows)} parked"))
    return DONE


async def parked_replay(options: Options, db: Database) -> int:
    """Order the worker to try one parked event again, or all that wait."""
    if bool(options.all) == (options.id is not None):
        raise ValueError(
            t("sebut id satu peristiwa, atau --all", "give the id of a parked event, or --all")
        )
    found = [options.id]
    if options.all:
        rows = await db.pool.fetch(
            "SELECT id FROM parked_events WHERE replayed_at IS NULL ORDER BY stream_sequence"
        )
        found = [row["id"] for row in rows]
    ends = [await order(db, commands.REPLAY, str(each), options.wait) for each in found]
    return max(ends, default=DONE)


async def order(db: Database, name: str, argument: str | None, wait_s: float) -> int:
    """Leave an order, wait for it at most ``wait_s``, and return the exit code."""
    command_id = await give(db, name, argument)
    result = await outcome(db, command_id, wait_s)
    end = result or t("diperintahkan", "ordered")
    say(f"{db.service}: {name} {argument or ''}: {end} ({command_id})")
    if result is None:
        return WAITING if wait_s else DONE
    return DONE if result.startswith("ok") else FAILED


async def give(db: Database, name: str, argument: str | None = None) -> UUID:
    """Leave an order for the worker, in the name of the operating system's user."""
    async with db.transaction() as tx:
        return await commands.order(tx, name, argument, f"cli:{getpass.getuser()}")


async def outcome(db: Database, command_id: UUID, wait_s: float) -> str | None:
    """Return what became of an order, or None when it still waits after ``wait_s``."""
    deadline = asyncio.get_running_loop().time() + wait_s
    result = None
    while result is None and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(POLL_S)
        result = await commands.outcome(db, command_id)
    return result


def add(to: Commands) -> None:
    """Add these commands."""
    one = to.plain("migrate", t("Migrasikan basis data.", "Migrate databases."), migrate)
    # argparse holds an empty list against ``choices``: hence one word for all.
    one.add_argument(
        "service", nargs="?", choices=("all", *SERVICES), default="all", metavar="service"
    )
    one.add_argument("--to", metavar="REVISION", help=t("sampai versi ini", "up to this version"))

    text = t("Umumkan lagi isi tabel sekarang.", "Tell the current rows again.")
    one = to.service("republish", text, republish, wait=True)
    one.add_argument("--stream", help=t("hanya stream ini", "only the events of this stream"))

    text = t(
        "Kosongkan proyeksi dan baca lagi stream-nya.", "Empty a projection and read its stream."
    )
    one = to.service("rebuild", text, rebuild, wait=True)
    one.add_argument("subscription", nargs="?")
    one.add_argument("--all", action="store_true", help=t("semua langganan", "all subscriptions"))

    text = t(
        "Sesudah pemulihan: naikkan epoch, kosongkan stream, umumkan semuanya.",
        "After a restore: raise the epoch, empty the streams, tell everything.",
    )
    to.service("raise-epoch", text, raise_epoch, wait=True)

    text = t("Peristiwa yang tidak dapat dipakai.", "Events that could not be used.")
    parked = to.group("parked", text, "list|replay")
    parked.service("list", t("Daftar yang menunggu.", "List those that wait."), parked_list)
    text = t("Coba lagi satu, atau semua.", "Try one again, or all.")
    one = parked.service("replay", text, parked_replay, wait=True)
    one.add_argument("id", nargs="?", type=UUID)
    one.add_argument("--all", action="store_true")
