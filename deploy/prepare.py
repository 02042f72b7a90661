"""Secrets for the containers: ``python -m deploy.prepare /out``, run once before everything else.

One folder per container, each mounted there and nowhere else: a service sees its own keys, creds
and app URL; only the migration job sees the owner's URL. Running it again changes nothing but
``nats.conf``, which follows today's permissions.
"""

import secrets
import shutil
import sys
from pathlib import Path

from deploy.local.secret_files import SecretFiles
from deploy.nats.__main__ import init
from deploy.nats.authority import Authority
from deploy.nats.claims import write_secret
from deploy.postgres import provision
from deploy.postgres.provision import SERVICES

POSTGRES_HOST = "postgres:5432"


def prepare(out: Path) -> None:
    """Write everything below ``out``."""
    operator = out / "operator"
    files = SecretFiles(operator / "secrets")
    files.ensure()
    init(operator / "nats", "betang")
    authority = Authority(operator / "nats")
    admin = _kept(operator / "postgres-password", secrets.token_urlsafe(24))
    admin_url = f"postgresql://postgres:{admin}@{POSTGRES_HOST}/postgres"
    _put(operator / "admin_database_url", admin_url)
    _put(out / "postgres" / "password", admin)
    _put(out / "nats" / "nats.conf", (operator / "nats" / "nats.conf").read_text())
    _put(
        out / "nats" / "jetstream.key",
        _kept(operator / "jetstream.key", "k" + secrets.token_hex(32)),
    )
    for service in SERVICES:
        urls = provision.urls(admin_url, service, files.passwords()[service])
        folder = out / service
        _put(folder / "database_url", urls.app)
        _put(out / f"{service}-migrations" / "database_url", urls.app)
        _put(out / f"{service}-migrations" / "owner_database_url", urls.owner)
        _copy(files.keyring(service), folder / "keys.json")
        _copy(files.audit_key(service), folder / "audit.pem")
        _copy(authority.creds(service), folder / "nats.creds")


def _kept(file: Path, fresh: str) -> str:
    if not file.exists():
        _put(file, fresh)
    return file.read_text()


def _put(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    write_secret(file, text)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target)


if __name__ == "__main__":
    prepare(Path(sys.argv[1]))
