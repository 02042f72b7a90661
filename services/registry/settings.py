"""What the registry is told by its environment: variables ``REGISTRY_*``."""

from typing import ClassVar

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.shared.settings import ServiceSettings


class RegistrySettings(ServiceSettings):
    """The settings of this service; it keeps uploaded files."""

    model_config = SettingsConfigDict(env_prefix="REGISTRY_", frozen=True, extra="ignore")

    service_name: str = "registry"
    keeps_files: ClassVar[bool] = True
    regency: str = Field(default="62.02", pattern=r"^\d{2}\.\d{2}$")
    """The regency whose regions are loaded; 62.02 is Kotawaringin Timur."""
