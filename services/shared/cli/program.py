"""Puts the commands together and turns every end into an exit code."""

import json
from collections.abc import Callable, Sequence

import asyncpg
from sqlalchemy.exc import SQLAlchemyError

from services.shared import migrations
from services.shared.cli import keys, orders, trail
from services.shared.cli.language import t
from services.shared.cli.shape import FAILED, USAGE, Commands, Parser, complain
from services.shared.sealing import SealError

Add = Callable[[Commands], None]
OWN: tuple[Add, ...] = (orders.add, keys.add, trail.add)


def parser(more: Sequence[Add] = ()) -> Parser:
    """Return the parser of the command line; ``more`` adds commands of outer layers."""
    top = Parser(
        prog="betang",
        description=t("Mengoperasikan Betang.", "Operates Betang."),
        epilog=t(
            "Kode keluar: 0 selesai, 1 gagal atau tidak terbukti, 2 salah pakai atau konfigurasi,"
            " 3 perintah masih menunggu pekerja.",
            "Exit codes: 0 done, 1 failed or not verified, 2 wrong use or configuration,"
            " 3 the order still waits for the worker.",
        ),
    )
    commands = Commands(top, t("perintah", "command"))
    for add in (*OWN, *more):
        add(commands)
    return top


def main(arguments: Sequence[str] | None = None, more: Sequence[Add] = ()) -> int:
    """Run the command line and return the exit code; a fault is one sentence on stderr."""
    options = parser(more).parse_args(arguments)
    try:
        return int(options.run(options))
    except migrations.NotConfigured as error:
        complain(str(error))
        return USAGE
    except (asyncpg.PostgresError, asyncpg.InterfaceError, SQLAlchemyError) as error:
        # Without its text: PostgreSQL quotes the row that failed, which may be personal data.
        complain(t("basis data menolak: ", "the database refused: ") + type(error).__name__)
        return FAILED
    except json.JSONDecodeError as error:
        complain(t("isi berkas bukan JSON", "the file's content is not JSON") + f" ({error.pos})")
        return FAILED
    except (OSError, ValueError, LookupError, SealError) as error:
        complain(str(error) or type(error).__name__)
        return FAILED
