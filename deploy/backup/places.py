"""What a backup needs of the environment: databases as their owners see them, files, keys."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict
from sqlalchemy import make_url

from deploy.backup.tables import Target
from services.shared import migrations
from services.shared.blob_places import S3Backend
from services.shared.blobs import BlobBackend, FolderBackend
from services.shared.sealing import Keyring
from services.shared.settings import EnvironmentSettings, S3Place

SNAPSHOT_ORDER = ("indicators", "distribution", "programs", "registry")
"""Who refers to others before those: what one snapshot names, the next ones know already."""


class _Files(EnvironmentSettings):
    """Where a service's files lie; both empty for a service that keeps none."""

    blob_dir: Path | None = None
    blob_s3: S3Place | None = Field(default=None)


def target(service: str) -> Target:
    """Return the database of a service, by its owner's URL."""
    found = migrations.target_from_environment(service)
    return Target(service, found.owner_url, found.schema)


def app_role(service: str) -> str:
    """Return the role that the service itself uses."""
    return make_url(migrations.variable(f"{service.upper()}_DATABASE_URL")).username or ""


def keyring(service: str) -> Keyring:
    """Return the keys of a service."""
    return Keyring.load(Path(migrations.variable(f"{service.upper()}_KEY_FILE")))


def files(service: str) -> BlobBackend | None:
    """Return where the service's encrypted files lie, None when it keeps none."""
    config = SettingsConfigDict(env_prefix=f"{service.upper()}_", frozen=True, extra="ignore")
    found = type("Files", (_Files,), {"model_config": config})()
    if found.blob_s3 is not None:
        return S3Backend(found.blob_s3)
    return FolderBackend(found.blob_dir) if found.blob_dir is not None else None
