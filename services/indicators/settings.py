"""What a process of indicators is told by its environment: ``INDICATORS_*``."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.indicators.domain.targeting import TARGET_DESIL_MAX
from services.shared.settings import ServiceSettings


class IndicatorsSettings(ServiceSettings):
    """The common settings and the few numbers that a regency may choose."""

    model_config = SettingsConfigDict(env_prefix="INDICATORS_", frozen=True, extra="ignore")

    service_name: str = "indicators"
    reach_window_months: int = Field(default=12, ge=1, le=60)
    """A family counts as reached by a handover within these months, DESIGN section 1."""
    target_desil_max: int = Field(default=TARGET_DESIL_MAX, ge=1, le=9)
    """Keluarga sasaran are desil 1 up to this one."""
