"""Secrets for the containers: ``python -m deploy.prepare /out``, run once before everything else.

One folder per container, each mounted there and nowhere else: a service sees its own keys, creds
and app URL; only the migration job sees the owners' URLs. Running it again changes nothing but the
servers' configuration of NATS, which follows today's permissions, and the operator's copy of keys
that were rotated.
"""

import json
import secrets
import shutil
import sys
from pathlib import Path
from typing import Any

from deploy.local.secret_files import SecretFiles
from deploy.nats.__main__ import container_config, init
from deploy.nats.authority import Authority
from deploy.nats.claims import write_secret
from deploy.nats.config import Cluster
from deploy.postgres import provision
from deploy.postgres.provision import SERVICES

POSTGRES_HOST = "postgres:5432"
CLUSTER = ("nats-1", "nats-2", "nats-3")
ROUTE_PORT = 6222
OBJECT_STORE_URL = "http://object-store:8333"
KEEP_FILES = ("registry", "distribution")
"""The services with a bucket of their own; a test holds it against their settings."""


def prepare(out: Path) -> None:
    """Write everything below ``out``."""
    kept = out / "operator"
    files = SecretFiles(kept / "secrets")
    files.ensure()
    init(kept / "nats", "betang")
    authority = Authority(kept / "nats")
    _prepare_nats(out, authority)
    _prepare_databases(out, files)
    for service in SERVICES:
        _share_keys(files.keyring(service), out / service / "keys.json")
        _copy(files.audit_key(service), out / service / "audit.pem")
        _copy(authority.creds(service), out / service / "nats.creds")
    _prepare_object_store(out)
    _prepare_keycloak(out)


def _prepare_nats(out: Path, authority: Authority) -> None:
    """The one server of profile core, and the three of profile full."""
    key = _kept(out / "operator" / "jetstream.key", "k" + secrets.token_hex(32))
    _put(out / "nats" / "jetstream.key", key)
    _put(out / "nats" / "nats.conf", container_config(authority, "betang"))
    password = _kept(out / "operator" / "nats-route-password", secrets.token_hex(24))
    for name in CLUSTER:
        cluster = Cluster(
            listen=f"0.0.0.0:{ROUTE_PORT}",
            password=password,
            peers=tuple(f"{peer}:{ROUTE_PORT}" for peer in CLUSTER if peer != name),
        )
        _put(out / name / "jetstream.key", key)
        _put(out / name / "nats.conf", container_config(authority, name, cluster))


def _prepare_databases(out: Path, files: SecretFiles) -> None:
    admin = _kept(out / "operator" / "postgres-password", secrets.token_urlsafe(24))
    admin_url = f"postgresql://postgres:{admin}@{POSTGRES_HOST}/postgres"
    _put(out / "postgres" / "password", admin)
    job = out / "migrate"
    _put(job / "admin_database_url", admin_url)
    passwords = files.passwords()
    _copy(files.folder / "database-passwords.json", job / "database-passwords.json")
    for service in SERVICES:
        urls = provision.urls(admin_url, service, passwords[service])
        _put(out / service / "database_url", urls.app)
        _put(job / f"{service}_database_url", urls.app)
        _put(job / f"{service}_owner_database_url", urls.owner)


def _prepare_object_store(out: Path) -> None:
    """A bucket and a key for each service that keeps files; no key opens another's bucket."""
    identities: list[dict[str, Any]] = []
    for service in KEEP_FILES:
        bucket = f"betang-{service}"
        secret = _kept(out / "operator" / f"{service}-bucket-key", secrets.token_hex(24))
        place = {
            "endpoint": OBJECT_STORE_URL,
            "bucket": bucket,
            "access_key_id": service,
            "secret_access_key": secret,
        }
        for reader in (service, "migrate"):
            _put(out / reader / f"{service}_blob_s3.json", json.dumps(place))
        rights = [f"{right}:{bucket}" for right in ("Read", "Write", "List")]
        credentials = [{"accessKey": service, "secretKey": secret}]
        identities.append({"name": service, "credentials": credentials, "actions": rights})
    _put(out / "object-store" / "s3.json", json.dumps({"identities": identities}))


def _prepare_keycloak(out: Path) -> None:
    database = _kept(out / "operator" / "keycloak-database-password", secrets.token_urlsafe(24))
    admin = _kept(out / "operator" / "keycloak-admin-password", secrets.token_urlsafe(24))
    _put(out / "keycloak-postgres" / "password", database)
    _put(out / "keycloak" / "database_password", database)
    _put(out / "keycloak" / "admin_password", admin)


def _share_keys(kept: Path, used: Path) -> None:
    """Hand the keys out once; from then on ``betang key rotate`` writes the service's file."""
    if used.exists():
        _copy(used, kept)
    else:
        _copy(kept, used)


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
