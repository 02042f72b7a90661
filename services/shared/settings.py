"""What a process is told by its environment, read once; a wrong environment stops the start.

``REGISTRY_DATABASE_URL`` fills ``database_url`` of a class with ``env_prefix="REGISTRY_"``. Any
variable may instead be given as a file: ``REGISTRY_DATABASE_URL_FILE=/run/secrets/url``.
"""

import os
import sys
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)
from pydantic_settings import SettingsError as UnreadableVariable


class SettingsError(SystemExit):
    """The environment is incomplete or wrong. Unhandled, it ends the process with code 2."""

    def __init__(self, message: str) -> None:
        super().__init__(2)
        self.message = message

    def __str__(self) -> str:
        return self.message


class Issuer(BaseModel):
    """One identity provider whose tokens are trusted.

    Its keys come from ``jwks`` (given here), ``jwks_file``, ``jwks_uri``, or, when none of them
    is set, from OIDC discovery below ``issuer``. ``audience`` overrides the common one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    issuer: str = Field(min_length=1)
    jwks_uri: str | None = None
    jwks_file: Path | None = None
    jwks: dict[str, Any] | None = None
    audience: str | None = None


class S3Place(BaseModel):
    """A bucket of an S3-compatible store. It holds a secret: give it as a file, ``BLOB_S3_FILE``.

    ``endpoint`` is the store's address (``https://...``); addresses are path-style.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    endpoint: str = Field(pattern=r"^https?://[^/]+/?$")
    bucket: str = Field(min_length=3, max_length=63)
    region: str = "us-east-1"
    access_key_id: str = Field(min_length=1)
    secret_access_key: SecretStr


class _SecretFiles(EnvSettingsSource):
    """Reads ``<VARIABLE>_FILE``: the file's text, without its last newline, is the value."""

    def _path(self, field_name: str) -> str | None:
        prefix = str(self.config.get("env_prefix") or "")
        return os.environ.get(f"{prefix}{field_name}_FILE".upper())

    def get_field_value(
        self,
        field: FieldInfo,  # noqa: ARG002 - the base class gives it
        field_name: str,
    ) -> tuple[Any, str, bool]:
        path = self._path(field_name)
        if path is None:
            return None, field_name, False
        try:
            text = Path(path).read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            variable = f"{self.config.get('env_prefix') or ''}{field_name}_FILE".upper()
            raise UnreadableVariable(f"{variable}: {type(error).__name__}") from error
        # False: what a field needs decoded, the base class knows, also of a model or None.
        return text, field_name, False

    def __call__(self) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, field in self.settings_cls.model_fields.items():
            value, key, is_complex = self.get_field_value(field, name)
            if value is None:
                continue
            try:
                values[key] = self.prepare_field_value(name, field, value, is_complex)
            except ValueError:
                # Without its cause, which quotes the secret.
                variable = f"{self.config.get('env_prefix') or ''}{name}_FILE".upper()
                raise UnreadableVariable(f"{variable}: not JSON") from None
        return values


class EnvironmentSettings(BaseSettings):
    """Base of all settings. A wrong or missing variable raises one ``SettingsError`` naming all."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    def __init__(self, **given: Any) -> None:
        try:
            super().__init__(**given)
        except ValidationError as error:
            message = _explain(error, str(self.model_config.get("env_prefix") or ""))
        except UnreadableVariable as error:
            message = f"Konfigurasi tidak terbaca / configuration is unreadable: {error}"
        else:
            return
        sys.stderr.write(message + "\n")
        raise SettingsError(message)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic passes it by name
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - as above
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, _SecretFiles(settings_cls)


class ServiceSettings(EnvironmentSettings):
    """What every service needs. A service inherits it, sets ``env_prefix`` and ``service_name``."""

    service_name: str
    environment: Literal["development", "production"] = "production"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    database_url: str
    """The app role's URL, ``postgresql://...``: it may not change the schema."""
    owner_database_url: str | None = None
    """The owner role's URL; migrations only."""
    database_schema: str = ""
    """Where the tables are; empty means the service's name."""

    nats_url: str
    nats_creds: Path
    nats_monitor_url: str
    """The server's monitoring address: it alone shows whether JetStream syncs always."""
    nats_replicas: int = Field(default=1, ge=1, le=5)
    """On how many servers each of the service's streams is kept; 3 where NATS is a cluster."""

    issuers: list[Issuer] = Field(min_length=1)
    audience: str = "betang"

    key_file: Path
    """JSON of sealing, index, cursor and blob keys; see ``sealing.Keyring``."""
    audit_key_file: Path
    """Ed25519 private key (PEM) that signs the daily audit roots."""
    blob_dir: Path | None = None
    """Folder of encrypted files."""
    blob_s3: S3Place | None = None
    """Instead of the folder: a bucket of an S3-compatible store."""
    keeps_files: ClassVar[bool] = False
    """Whether the service keeps files, and so must be told where."""

    otlp_endpoint: str | None = None
    metrics_port: int | None = Field(default=None, ge=0, le=65535)
    """Where a worker shows its metrics and health; the API shows them on its own port."""

    @model_validator(mode="before")
    @classmethod
    def _schema_defaults_to_the_service(cls, values: dict[str, Any]) -> dict[str, Any]:
        if not values.get("database_schema"):
            name = values.get("service_name") or cls.model_fields["service_name"].default
            return {**values, "database_schema": name}
        return values

    @model_validator(mode="after")
    def _files_have_one_place(self) -> Self:
        if self.keeps_files and (self.blob_dir is None) == (self.blob_s3 is None):
            raise ValueError("set either BLOB_DIR or BLOB_S3")
        return self


def _explain(error: ValidationError, prefix: str) -> str:
    """Name each variable and its fault, never its value: it may be a secret."""
    missing: list[str] = []
    wrong: list[str] = []
    for fault in error.errors(include_input=False, include_url=False, include_context=False):
        variable = f"{prefix}{fault['loc'][0]}".upper() if fault["loc"] else prefix
        if fault["type"] == "missing" and len(fault["loc"]) == 1:
            missing.append(variable)
        else:
            inner = ".".join(str(part) for part in fault["loc"][1:])
            wrong.append(f"{variable}{' ' + inner if inner else ''}: {fault['msg']}")
    parts = []
    if missing:
        parts.append(f"Variabel belum diisi / missing variables: {', '.join(sorted(missing))}")
    if wrong:
        parts.append(f"Variabel keliru / wrong variables: {'; '.join(sorted(wrong))}")
    return ". ".join(parts)
