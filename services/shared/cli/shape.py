"""The shape that all commands share: how they are declared, what they need, how they end."""

import argparse
import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NoReturn

from services.shared import migrations
from services.shared.cli.language import t
from services.shared.db import Database

SERVICES = ("registry", "programs", "distribution", "indicators")
DONE, FAILED, USAGE, WAITING = 0, 1, 2, 3

Options = argparse.Namespace
Run = Callable[[Options], int]
Action = Callable[[Options, Database], Awaitable[int]]


class Parser(argparse.ArgumentParser):
    """argparse, in the operator's language where it is ours to say."""

    def __init__(self, **how: Any) -> None:
        super().__init__(**how, add_help=False)
        self._positionals.title = t("argumen", "arguments")
        self._optionals.title = t("pilihan", "options")
        self.add_argument(
            "-h", "--help", action="help", help=t("tampilkan bantuan ini", "show this help")
        )

    def error(self, message: str) -> NoReturn:
        """End with one sentence and the code of wrong use."""
        wrong = t("salah pakai", "wrong use")
        hint = t("lihat", "see")
        self.exit(USAGE, f"betang: {wrong}: {message}; {hint}: {self.prog} --help\n")


class Commands:
    """Commands below one word; ``group`` opens another word below it."""

    def __init__(self, parser: Parser, metavar: str) -> None:
        self._below = parser.add_subparsers(
            required=True, metavar=metavar, title=t("perintah", "commands"), parser_class=Parser
        )

    def group(self, name: str, text: str, metavar: str) -> "Commands":
        """Add a word that has commands of its own."""
        return Commands(self._below.add_parser(name, help=text, description=text), metavar)

    def plain(self, name: str, text: str, run: Run) -> Parser:
        """Add a command that connects to no service's database by itself."""
        parser: Parser = self._below.add_parser(name, help=text, description=text)
        parser.set_defaults(run=run)
        return parser

    def service(self, name: str, text: str, action: Action, *, wait: bool = False) -> Parser:
        """Add a command on one service's database; ``wait``: it gives the worker an order."""
        parser = self.plain(name, text, in_database(action))
        parser.add_argument(
            "service", choices=SERVICES, metavar="service", help=", ".join(SERVICES)
        )
        parser.set_defaults(action=action)
        if wait:
            add_wait(parser)
        return parser


def add_wait(parser: argparse.ArgumentParser) -> None:
    """Add ``--wait``."""
    parser.add_argument(
        "--wait",
        type=float,
        default=0,
        metavar="S",
        help=t("tunggu pekerja sekian detik", "wait so many seconds for the worker"),
    )


def in_database(action: Action) -> Run:
    """Return what runs ``action`` with the database of the service in the options."""

    async def run(options: Options) -> int:
        db = database(options.service)
        try:
            return await action(options, db)
        finally:
            await db.close()

    return lambda options: asyncio.run(run(options))


def database(service: str) -> Database:
    """Return the database of ``service`` as the environment names it."""
    name = service.upper()
    return Database(
        migrations.variable(f"{name}_DATABASE_URL"),
        schema=os.environ.get(f"{name}_DATABASE_SCHEMA") or service,
        service=service,
        pool_size=2,
    )


def say(*lines: str) -> None:
    """Print what was done."""
    for line in lines:
        print(line)


def complain(text: str) -> None:
    """Print what went wrong."""
    print(f"betang: {text}", file=sys.stderr)


def rows_of(table: Sequence[Sequence[object]]) -> list[str]:
    """Return lines with aligned columns."""
    widths = [max(len(str(row[n])) for row in table) for n in range(len(table[0]))] if table else []
    return [
        "  ".join(str(cell).ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in table
    ]
