from pathlib import Path

import pytest
from pydantic_settings import SettingsConfigDict

from services.shared.settings import ServiceSettings, SettingsError


class TrialSettings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="TRIAL_")
    service_name: str = "trial"


REQUIRED = {
    "DATABASE_URL": "postgresql://app@db/trial",
    "NATS_URL": "nats://nats",
    "NATS_CREDS": "/creds",
    "NATS_MONITOR_URL": "http://nats:8222",
    "ISSUERS": '[{"issuer": "https://issuer.example"}]',
    "KEY_FILE": "/keys.json",
    "AUDIT_KEY_FILE": "/audit.pem",
}


@pytest.fixture
def environment(monkeypatch):
    for name, value in REQUIRED.items():
        monkeypatch.setenv(f"TRIAL_{name}", value)
    return monkeypatch


def test_settings_come_from_prefixed_variables(environment):
    settings = TrialSettings()

    assert settings.database_url == "postgresql://app@db/trial"
    assert settings.issuers[0].issuer == "https://issuer.example"
    assert settings.database_schema == "trial"
    assert settings.environment == "production"


def test_one_message_names_every_missing_variable_and_ends_with_code_2(capsys):
    with pytest.raises(SettingsError) as caught:
        TrialSettings()

    for name in REQUIRED:
        assert f"TRIAL_{name}" in caught.value.message
    assert caught.value.code == 2
    assert caught.value.message in capsys.readouterr().err


def test_a_wrong_value_is_named_but_not_shown(environment):
    environment.setenv("TRIAL_LOG_LEVEL", "geheim")

    with pytest.raises(SettingsError) as caught:
        TrialSettings()

    assert "TRIAL_LOG_LEVEL" in caught.value.message
    assert "geheim" not in caught.value.message


def test_a_variable_that_is_not_json_is_named_but_not_shown(environment):
    environment.setenv("TRIAL_ISSUERS", "rahasia")

    with pytest.raises(SettingsError) as caught:
        TrialSettings()

    assert "issuers" in caught.value.message
    assert "rahasia" not in caught.value.message


def test_a_secret_is_read_from_its_file(environment, tmp_path: Path):
    secret = tmp_path / "url"
    secret.write_text("postgresql://from-file\n")
    environment.delenv("TRIAL_DATABASE_URL")
    environment.setenv("TRIAL_DATABASE_URL_FILE", str(secret))

    assert TrialSettings().database_url == "postgresql://from-file"


def test_a_secret_file_that_is_not_there_stops_the_start(environment):
    environment.setenv("TRIAL_DATABASE_URL_FILE", "/nowhere/at/all")
    environment.delenv("TRIAL_DATABASE_URL")

    with pytest.raises(SettingsError, match="TRIAL_DATABASE_URL_FILE"):
        TrialSettings()


def test_a_list_may_come_from_a_file(environment, tmp_path: Path):
    issuers = tmp_path / "issuers.json"
    issuers.write_text('[{"issuer": "https://other.example"}]')
    environment.delenv("TRIAL_ISSUERS")
    environment.setenv("TRIAL_ISSUERS_FILE", str(issuers))

    assert TrialSettings().issuers[0].issuer == "https://other.example"
