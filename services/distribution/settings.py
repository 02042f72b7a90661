"""What a process of distribution is told by its environment: ``DISTRIBUTION_*``."""

from pathlib import Path

from pydantic_settings import SettingsConfigDict

from services.shared.settings import ServiceSettings


class DistributionSettings(ServiceSettings):
    """The common settings; proofs of handovers need a folder."""

    model_config = SettingsConfigDict(env_prefix="DISTRIBUTION_", frozen=True, extra="ignore")

    service_name: str = "distribution"
    blob_dir: Path
