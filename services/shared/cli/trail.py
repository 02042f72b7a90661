"""The audit trail: exported from a database, verified without one."""

from pathlib import Path

from services.shared import audit, audit_files
from services.shared.cli.language import t
from services.shared.cli.shape import DONE, FAILED, Commands, Options, say
from services.shared.db import Database


async def audit_export(options: Options, db: Database) -> int:
    """Write the audit chain to a file."""
    count = await audit_files.export(db, options.out, with_payloads=options.with_payloads)
    say(t(f"{count} catatan ditulis ke", f"{count} entries written to") + f" {options.out}")
    return DONE


def audit_verify(options: Options) -> int:
    """Verify an exported audit chain, without a database."""
    key = audit.load_public_key(options.key)
    report = audit_files.verify(options.file, key, options.known_roots)
    say(*(f"FAULT {fault}" for fault in report.faults))
    say(
        f"{report.service}: {report.entries} entries, {report.payloads} payloads,"
        f" {report.roots} roots, {len(report.faults)} faults"
    )
    return FAILED if report.faults else DONE


def add(to: Commands) -> None:
    """Add these commands."""
    group = to.group("audit", t("Jejak audit.", "The audit trail."), "export|verify")
    text = t("Tulis rantai audit ke berkas.", "Write the audit chain to a file.")
    one = group.service("export", text, audit_export)
    one.add_argument("out", type=Path)
    help_ = t("dapat memuat data pribadi", "may hold personal data")
    one.add_argument("--with-payloads", action="store_true", help=help_)
    text = t("Periksa rantai tanpa basis data.", "Verify a chain without a database.")
    one = group.plain("verify", text, audit_verify)
    one.add_argument("file", type=Path)
    help_ = t("PEM kunci publik penanda", "PEM of the signing key's public half")
    one.add_argument("--key", type=Path, required=True, help=help_)
    help_ = t("akar yang disimpan di tempat lain", "roots kept elsewhere, or the worker's log")
    one.add_argument("--known-roots", type=Path, help=help_)
