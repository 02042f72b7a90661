"""``betang backup`` and ``betang restore``."""

from pathlib import Path

from deploy.backup import layout, make, restore
from deploy.nats.commands import ask, authority, nats_url
from services.shared.cli.language import t
from services.shared.cli.shape import (
    DONE,
    FAILED,
    SERVICES,
    Commands,
    Options,
    Parser,
    rows_of,
    say,
)

VERIFY = "verify"


def backup(options: Options) -> int:
    """Take a backup, or read one through."""
    if options.verify:
        return verify(options)
    place, manifest = ask(make.make(options.folder, authority(), nats_url()))
    _tell(place, manifest)
    return DONE


def verify(options: Options) -> int:
    """Compare every file of a backup with its hash."""
    place = layout.find(options.folder, options.at)
    found = layout.faults(options.folder, place)
    say(*(f"FAULT {fault}" for fault in found))
    _tell(place, layout.read_manifest(place))
    return FAILED if found else DONE


def bring_back(options: Options) -> int:
    """Restore all services, or those named."""
    place = layout.find(options.folder, options.at)
    services = options.only or list(SERVICES)
    ask(
        restore.restore(
            options.folder, place, services, authority(), nats_url(), replace=options.replace
        )
    )
    say(
        t(
            "Jalankan pekerja, lalu layanan; pekerja mengumumkan dan membaca semuanya lagi.",
            "Start the workers, then the services; the workers tell and read everything anew.",
        )
    )
    return DONE


def _tell(place: Path, manifest: layout.Manifest) -> None:
    lines: list[tuple[object, ...]] = [
        (
            service,
            told["revision"],
            t("baris", "rows") + f" {sum(table['rows'] for table in told['tables'].values())}",
            t("berkas", "files") + f" {told['blobs']['rows']}",
        )
        for service, told in sorted(manifest["services"].items())
    ]
    lines += [
        (name, "", t("pesan", "messages") + f" {told['rows']}", "")
        for name, told in sorted(manifest["streams"].items())
    ]
    say(str(place), *rows_of(lines))


def add(to: Commands) -> None:
    """Add these commands."""
    text = t(
        "Cadangkan basis data, berkas, dan pesan perangkat daerah; 'verify' memeriksanya.",
        "Back up databases, files and agencies' messages; 'verify' reads a backup through.",
    )
    one = to.plain("backup", text, backup)
    one.add_argument("verify", nargs="?", choices=(VERIFY,), metavar=VERIFY)
    _place(one)
    text = t(
        "Pulihkan dari cadangan; layanan harus berhenti.",
        "Restore from a backup; the services must be stopped.",
    )
    one = to.plain("restore", text, bring_back)
    _place(one)
    help_ = t("hanya layanan ini", "only this service; may be repeated")
    one.add_argument("--only", action="append", choices=SERVICES, metavar="SERVICE", help=help_)
    help_ = t("ganti data yang ada", "replace the data that are there")
    one.add_argument("--replace", action="store_true", help=help_)


def _place(parser: Parser) -> None:
    parser.add_argument("folder", type=Path)
    help_ = t("bukan yang terbaru, melainkan ini", "not the newest one, but this")
    parser.add_argument("--at", metavar="20261123T231500Z", help=help_)
