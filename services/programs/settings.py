"""What a process of programs is told by its environment: ``PROGRAMS_*``."""

from pydantic_settings import SettingsConfigDict

from services.shared.settings import ServiceSettings


class ProgramsSettings(ServiceSettings):
    """The common settings; programs needs no others."""

    model_config = SettingsConfigDict(env_prefix="PROGRAMS_", frozen=True, extra="ignore")

    service_name: str = "programs"
