"""The command ``betang``: what an operator does to a service's database and audit trail.

It needs the environment variables of the service (``<SERVICE>_DATABASE_URL`` ...; migrations also
``<SERVICE>_OWNER_DATABASE_URL``), each also as ``..._FILE``. Orders (republish, rebuild, replay)
are carried out by the service's worker. Exit codes: 0 done, 1 failed or not verified, 2 wrong use
or configuration, 3 the order still waits.
"""

import argparse
import asyncio
import getpass
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from uuid import UUID

from services.shared import audit, audit_files, commands, epochs, migrations
from services.shared.db import Database

SERVICES = ("registry", "programs", "distribution", "indicators")
DONE, FAILED, USAGE, WAITING = 0, 1, 2, 3
POLL_S = 0.5

Command = Callable[[argparse.Namespace, Database], Awaitable[int]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    options = _parser().parse_args(arguments)
    try:
        if options.action is migrate or options.action is audit_verify:
            return int(options.action(options))
        return asyncio.run(_with_database(options))
    except migrations.NotConfigured as error:
        print(f"betang: {error}", file=sys.stderr)
        return USAGE
    except (OSError, ValueError) as error:
        print(f"betang: {error}", file=sys.stderr)
        return FAILED


async def _with_database(options: argparse.Namespace) -> int:
    name = options.service.upper()
    db = Database(
        migrations.variable(f"{name}_DATABASE_URL"),
        schema=os.environ.get(f"{name}_DATABASE_SCHEMA") or options.service,
        service=options.service,
        pool_size=2,
    )
    try:
        action: Command = options.action
        return await action(options, db)
    finally:
        await db.close()


def migrate(options: argparse.Namespace) -> int:
    """Bring databases to the newest version."""
    for service in SERVICES if options.service == "all" else (options.service,):
        migrations.upgrade(service)
        print(f"{service}: migrated")
    return DONE


async def republish(options: argparse.Namespace, db: Database) -> int:
    """Order the worker to tell the current rows again."""
    return await _order(db, commands.REPUBLISH, options.stream, options.wait)


async def rebuild(options: argparse.Namespace, db: Database) -> int:
    """Order the worker to read a subscription's stream anew into an emptied projection."""
    return await _order(db, commands.REBUILD, options.subscription, options.wait)


async def raise_epoch(_options: argparse.Namespace, db: Database) -> int:
    """Raise the epoch after a restore; order the worker to empty its streams and tell all again."""
    print(f"epoch {await epochs.raise_epoch(db)}")
    return await _order(db, commands.START_OVER, None, 0)


async def parked_list(_options: argparse.Namespace, db: Database) -> int:
    """List parked events that wait, newest first."""
    rows = await db.pool.fetch(
        "SELECT id, parked_at, consumer, stream, stream_sequence, reason_code, reason_detail,"
        " deliveries FROM parked_events WHERE replayed_at IS NULL ORDER BY parked_at DESC LIMIT 500"
    )
    for row in rows:
        print(
            f"{row['id']}  {row['parked_at']:%Y-%m-%d %H:%M:%S}  {row['consumer']}"
            f"  {row['stream']}:{row['stream_sequence']}  x{row['deliveries']}"
            f"  {row['reason_code']}: {row['reason_detail']}"
        )
    print(f"{len(rows)} parked")
    return DONE


async def parked_replay(options: argparse.Namespace, db: Database) -> int:
    """Order the worker to try one parked event again, or all that wait."""
    if options.all:
        rows = await db.pool.fetch(
            "SELECT id FROM parked_events WHERE replayed_at IS NULL ORDER BY stream_sequence"
        )
        found = [row["id"] for row in rows]
    elif options.id is not None:
        found = [options.id]
    else:
        raise ValueError("give the id of a parked event, or --all")
    results = [await _order(db, commands.REPLAY, str(each), options.wait) for each in found]
    return max(results, default=DONE)


async def audit_export(options: argparse.Namespace, db: Database) -> int:
    """Write the audit chain to a file."""
    count = await audit_files.export(db, options.out, with_payloads=options.with_payloads)
    print(f"{count} entries written to {options.out}")
    return DONE


def audit_verify(options: argparse.Namespace) -> int:
    """Verify an exported audit chain, without a database."""
    key = audit.load_public_key(options.key)
    report = audit_files.verify(options.file, key, options.known_roots)
    for fault in report.faults:
        print(f"FAULT {fault}")
    print(
        f"{report.service}: {report.entries} entries, {report.payloads} payloads,"
        f" {report.roots} roots, {len(report.faults)} faults"
    )
    return FAILED if report.faults else DONE


async def _order(db: Database, name: str, argument: str | None, wait_s: float) -> int:
    async with db.transaction() as tx:
        command_id = await commands.order(tx, name, argument, f"cli:{getpass.getuser()}")
    deadline = asyncio.get_running_loop().time() + wait_s
    result = None
    while result is None and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(POLL_S)
        result = await commands.outcome(db, command_id)
    print(f"{name} {argument or ''}: {result or 'ordered'} ({command_id})")
    if result is None:
        return WAITING if wait_s else DONE
    return DONE if result.startswith("ok") else FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="betang", description=__doc__)
    top = parser.add_subparsers(required=True, metavar="command")

    one = top.add_parser("migrate", help=migrate.__doc__)
    # argparse holds an empty list against ``choices``: hence one word for all.
    one.add_argument("service", nargs="?", choices=("all", *SERVICES), default="all")
    one.set_defaults(action=migrate)

    one = _add(top, "republish", republish, wait=True)
    one.add_argument("--stream", help="only the events of this stream")
    one = _add(top, "rebuild", rebuild, wait=True)
    one.add_argument("subscription")
    _add(top, "raise-epoch", raise_epoch)

    parked = top.add_parser("parked", help="Events that could not be used.")
    inner = parked.add_subparsers(required=True, metavar="list|replay")
    _add(inner, "list", parked_list)
    one = _add(inner, "replay", parked_replay, wait=True)
    one.add_argument("id", nargs="?", type=UUID)
    one.add_argument("--all", action="store_true")

    trail = top.add_parser("audit", help="The audit trail.")
    inner = trail.add_subparsers(required=True, metavar="export|verify")
    one = _add(inner, "export", audit_export)
    one.add_argument("out", type=Path)
    one.add_argument("--with-payloads", action="store_true", help="may hold personal data")
    one = inner.add_parser("verify", help=audit_verify.__doc__)
    one.add_argument("file", type=Path)
    one.add_argument("--key", type=Path, required=True, help="PEM of the signing key's public half")
    one.add_argument("--known-roots", type=Path, help="roots kept elsewhere, or the worker's log")
    one.set_defaults(action=audit_verify)
    return parser


def _add(
    into: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    action: Command,
    *,
    wait: bool = False,
) -> argparse.ArgumentParser:
    parser = into.add_parser(name, help=action.__doc__)
    parser.add_argument("service", choices=SERVICES)
    if wait:
        parser.add_argument(
            "--wait", type=float, default=0, metavar="SECONDS", help="wait for the worker"
        )
    parser.set_defaults(action=action)
    return parser


if __name__ == "__main__":
    sys.exit(main())
