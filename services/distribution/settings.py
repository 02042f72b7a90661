"""What a process of distribution is told by its environment: ``DISTRIBUTION_*``."""

from typing import ClassVar

from pydantic_settings import SettingsConfigDict

from services.shared.settings import ServiceSettings


class DistributionSettings(ServiceSettings):
    """The common settings; it keeps the proofs of handovers."""

    model_config = SettingsConfigDict(env_prefix="DISTRIBUTION_", frozen=True, extra="ignore")

    service_name: str = "distribution"
    keeps_files: ClassVar[bool] = True
