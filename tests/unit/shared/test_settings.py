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


def test_an_object_that_may_be_missing_also_comes_from_a_file(environment, tmp_path):
    place = tmp_path / "place.json"
    place.write_text(
        '{"endpoint": "http://store:8333", "bucket": "trial", "access_key_id": "trial",'
        ' "secret_access_key": "rahasia"}'
    )
    environment.setenv("TRIAL_BLOB_S3_FILE", str(place))
    settings = TrialSettings()
    assert settings.blob_s3 is not None
    assert settings.blob_s3.secret_access_key.get_secret_value() == "rahasia"
    assert "rahasia" not in repr(settings)


@pytest.mark.parametrize("name", ["ISSUERS", "BLOB_S3"])
def test_a_file_that_is_not_json_is_named_and_not_quoted(environment, tmp_path, name):
    file = tmp_path / "place.json"
    file.write_text('{"secret_access_key": "rahasia"')
    environment.delenv("TRIAL_ISSUERS")
    environment.setenv(f"TRIAL_{name}_FILE", str(file))
    with pytest.raises(SettingsError, match=f"TRIAL_{name}") as caught:
        TrialSettings()
    assert "rahasia" not in caught.value.message
