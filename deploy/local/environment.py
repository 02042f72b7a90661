"""The environment variables of a service on one machine; the tests use the same ones."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.local.secret_files import SecretFiles
from deploy.postgres.provision import Urls


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where the shared parts are: NATS, the trusted issuers, secrets and files."""

    nats_url: str
    nats_monitor_url: str
    creds: Path
    issuers: tuple[dict[str, Any], ...]
    secrets: SecretFiles
    blobs: Path


def operator_environment(
    services: Mapping[str, Mapping[str, str]],
    databases: Mapping[str, Urls],
    *,
    nats_url: str,
    authority: Path,
    admin_url: str | None,
) -> str:
    """Return the shell lines after which ``betang`` finds everything: ``. operator.env``."""
    values = {name: value for env in services.values() for name, value in env.items()}
    for service, urls in databases.items():
        values[f"{service.upper()}_OWNER_DATABASE_URL"] = urls.owner
    values |= {"NATS_URL": nats_url, "NATS_AUTHORITY": str(authority)}
    if admin_url is not None:
        values["ADMIN_DATABASE_URL"] = admin_url
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in values.items())


def service_environment(
    service: str, database: Urls, around: Surroundings, *, migrates: bool = False
) -> dict[str, str]:
    """Return ``<SERVICE>_*`` for one service; the owner's URL only for a process that migrates."""
    prefix = service.upper()
    values = {
        "DATABASE_URL": database.app,
        "NATS_URL": around.nats_url,
        "NATS_CREDS": str(around.creds / f"{service}.creds"),
        "NATS_MONITOR_URL": around.nats_monitor_url,
        "ISSUERS": json.dumps(around.issuers),
        "AUDIENCE": "betang",
        "KEY_FILE": str(around.secrets.keyring(service)),
        "AUDIT_KEY_FILE": str(around.secrets.audit_key(service)),
        "BLOB_DIR": str(around.blobs / service),
        "ENVIRONMENT": "development",
    }
    if migrates:
        values["OWNER_DATABASE_URL"] = database.owner
    return {f"{prefix}_{name}": value for name, value in values.items()}
