"""What the gateway is told by ``GATEWAY_*`` variables."""

from typing import Literal

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.shared.settings import EnvironmentSettings, Issuer


class GatewaySettings(EnvironmentSettings):
    """Addresses, trusted issuers and limits. Sizes in bytes, times in seconds."""

    model_config = SettingsConfigDict(env_prefix="GATEWAY_", frozen=True, extra="ignore")

    registry_url: str
    programs_url: str
    distribution_url: str
    indicators_url: str

    issuers: list[Issuer] = Field(min_length=1)
    audience: str = "betang"

    environment: Literal["development", "production"] = "production"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    otlp_endpoint: str | None = None
    metrics_port: int | None = Field(default=None, ge=0, le=65535)
    """Where Prometheus reads; never the public port."""

    transport: Literal["pyreqwest", "httpx"] = "pyreqwest"
    """httpx's own transport is the slow fallback: it loses most of a service's throughput."""

    allowed_origins: list[str] = Field(default_factory=list)
    """Origins of browser frontends, for CORS; ``*`` for any."""
    docs: bool = True

    calls_per_minute: int = Field(default=600, ge=1)
    anonymous_calls_per_minute: int = Field(default=60, ge=1)
    limits_storage: str = "async+memory://"
    """Where calls are counted; several gateways share a count in e.g. ``async+redis://...``."""

    body_bytes_max: int = Field(default=2_000_000, ge=1)
    upload_bytes_max: int = Field(default=100_000_000, ge=1)
    deadline_s: float = Field(default=30, gt=0)
    """How long an upstream (or a caller that sends) may be silent."""
    request_s_max: float = Field(default=900, gt=0)
    """How long a request may take in all, and an event stream may be silent."""
    connect_s: float = Field(default=2, gt=0)
    concurrent_max: int = Field(default=100, ge=1)
    """Requests under way to one upstream."""
    streams_max: int = Field(default=200, ge=0)
    streams_per_caller_max: int = Field(default=5, ge=0)

    def upstreams(self) -> dict[str, str]:
        """Return service name -> base URL without a slash at the end."""
        urls = {
            "registry": self.registry_url,
            "programs": self.programs_url,
            "distribution": self.distribution_url,
            "indicators": self.indicators_url,
        }
        return {service: url.rstrip("/") for service, url in urls.items()}
