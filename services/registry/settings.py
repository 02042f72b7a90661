"""What the registry is told by its environment: variables ``REGISTRY_*``."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.shared.settings import ServiceSettings


class RegistrySettings(ServiceSettings):
    """The settings of this service; it keeps uploaded files, so it needs a folder for them."""

    model_config = SettingsConfigDict(env_prefix="REGISTRY_", frozen=True, extra="ignore")

    service_name: str = "registry"
    blob_dir: Path
    regency: str = Field(default="62.02", pattern=r"^\d{2}\.\d{2}$")
    """The regency whose regions are loaded; 62.02 is Kotawaringin Timur."""
