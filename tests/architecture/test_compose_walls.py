"""Who reaches whom, who reads which secret, what a container may: as the compose file says it.

``make compose-check`` tries the same on running containers.
"""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from deploy.prepare import CLUSTER
from tests.architecture.source import ROOT, SERVICES
from tests.support.compose import (
    COMPOSE,
    CONTAINERS,
    SECRETS,
    mounts,
    networks,
    of_profile,
    profile_values,
)

STAYING = [name for name, entry in CONTAINERS.items() if entry["restart"] != "no"]
JOBS = [name for name in CONTAINERS if name not in STAYING]
DATA = {f"{service}-data" for service in SERVICES}
DOORS = {"gateway", "nats", *CLUSTER}


def test_only_the_gateway_and_nats_are_reachable_from_outside():
    assert {name for name, entry in CONTAINERS.items() if "ports" in entry} == DOORS
    open_networks = {
        name for name, entry in COMPOSE["networks"].items() if not entry.get("internal")
    }
    assert open_networks == {"public", "agencies", "outside"}
    for name in DOORS:
        (port,) = CONTAINERS[name]["ports"]
        assert re.match(r"\$\{\w+:-127\.0\.0\.1:\d+\}:\d+$", port), "open to all unless told so"


def test_a_service_meets_no_other_service():
    for service in SERVICES:
        api, worker = networks(service), networks(f"{service}-worker")
        assert api == {"outside", service, f"{service}-data"}
        assert worker == {f"{service}-data"}
    # The one network that they share lets no container reach another.
    # Nothing else is on it: a name found there would be an address that nobody reaches.
    assert {name for name in CONTAINERS if "outside" in networks(name)} == set(SERVICES)
    options = COMPOSE["networks"]["outside"]["driver_opts"]
    assert options == {"com.docker.network.bridge.enable_icc": "false"}


def test_the_gateway_meets_apis_alone():
    assert networks("gateway") == {"public", *SERVICES}
    for name in (*SERVICES, "keycloak", "prometheus"):
        assert networks("gateway") & networks(name), f"it cannot reach {name}"
    for name in ("postgres", "nats", *CLUSTER, "object-store", "keycloak-postgres"):
        assert not networks("gateway") & networks(name), f"it reaches {name}"


def test_databases_and_files_are_met_by_their_users_alone():
    assert networks("postgres") == DATA
    assert networks("object-store") == {"registry-data", "distribution-data"}
    assert networks("keycloak-postgres") == {"identity-data"}
    users = {name for name in CONTAINERS if "identity-data" in networks(name)}
    assert users == {"keycloak", "keycloak-postgres"}
    assert {name for name in CONTAINERS if "nats-cluster" in networks(name)} == set(CLUSTER)
    assert CONTAINERS["prepare"]["network_mode"] == "none"


def test_a_container_mounts_no_other_containers_secrets():
    for name in CONTAINERS:
        # They make, or rotate, the secrets of all.
        if name in {"prepare", "operator"}:
            continue
        secret = {volume for volume in mounts(name).values() if volume.endswith("-secret")}
        assert secret <= {f"{name.removesuffix('-worker')}-secret"}, name
        read_only = [v for v in CONTAINERS[name].get("volumes", []) if "-secret:" in v]
        assert all(volume.endswith(f":{SECRETS}:ro") for volume in read_only)


def test_only_the_operator_sees_its_keys_and_only_jobs_see_the_owners_of_databases():
    assert {name for name in CONTAINERS if "operator" in mounts(name).values()} == {
        "prepare",
        "operator",
    }
    owners = {
        name
        for name, entry in CONTAINERS.items()
        if any("OWNER" in key or "ADMIN_D" in key for key in entry.get("environment", {}))
    }
    assert owners == {"migrate", "operator"}
    assert owners < set(JOBS)


def test_no_secret_stands_in_the_compose_file_or_in_a_profile():
    for name, entry in CONTAINERS.items():
        for variable, value in entry.get("environment", {}).items():
            if re.search(r"PASSWORD|SECRET|_KEY\b|TOKEN", variable) and variable != "SECRETS":
                assert variable.endswith("_FILE"), f"{name}: {variable}={value}"
    for profile in ("core", "full"):
        assert not any(re.search("PASSWORD|SECRET", name) for name in profile_values(profile))


@pytest.mark.parametrize("name", CONTAINERS)
def test_a_container_has_limits_and_few_rights(name):
    entry = CONTAINERS[name]
    assert entry["cap_drop"] == ["ALL"]
    assert entry["security_opt"] == ["no-new-privileges:true"]
    for limit in ("mem_limit", "cpus", "pids_limit"):
        assert entry[limit], f"{name} has no {limit}"
    # Keycloak writes its optimised server at the first start.
    assert entry["read_only"] is (name != "keycloak")
    assert ("cap_add" in entry) == (name in {"postgres", "keycloak-postgres"})
    assert entry["restart"] == (
        "no" if name in {"prepare", "migrate", "operator"} else entry["restart"]
    )
    assert entry["restart"] in {"no", "unless-stopped"}
    assert entry["logging"]["options"]["max-size"], "logs fill the disk"


@pytest.mark.parametrize("name", CONTAINERS)
def test_an_image_of_others_is_named_by_its_version(name):
    image = CONTAINERS[name]["image"]
    if not image.startswith("betang/"):
        assert re.match(r"\$\{\w+_IMAGE:-[\w./-]+:v?\d+\.\d+[\w.-]*\}$", image), image


def test_what_a_container_waits_for_is_in_its_profile():
    for profile in ("core", "full"):
        present = of_profile(profile)
        for name in present:
            for other, wait in dict(CONTAINERS[name].get("depends_on") or {}).items():
                assert other in present, f"{name} waits for {other}, which {profile} has not"
                done = wait["condition"] == "service_completed_successfully"
                assert done == (other in JOBS), f"{name} waits for {other}"


def test_every_volume_and_network_is_declared_and_used():
    used = {volume for name in CONTAINERS for volume in mounts(name).values()}
    assert {volume for volume in used if not volume.startswith("./")} == set(COMPOSE["volumes"])
    assert {each for name in CONTAINERS for each in networks(name)} == set(COMPOSE["networks"])
    for file in (volume for volume in used if volume.startswith("./")):
        assert (ROOT / "deploy" / file).exists(), f"{file} is mounted and not there"


def test_docker_compose_reads_the_file_for_each_profile():
    if shutil.which("docker-compose") is None:
        pytest.skip("docker-compose is not on this machine; make compose-check needs it too")
    for profile in ("core", "full"):
        files = ["--env-file", f"deploy/{profile}.env", "-f", "deploy/docker-compose.yml"]
        read = subprocess.run(
            ["docker-compose", *files, "config", "--quiet"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (read.returncode, read.stderr) == (0, "")


def test_nothing_is_used_that_docker_compose_1_29_does_not_know():
    top = {key for key in COMPOSE if not key.startswith("x-")}
    assert top == {"services", "networks", "volumes"}
    newer = {"develop", "attach", "annotations", "pull_policy", "deploy", "configs", "uts"}
    for name, entry in CONTAINERS.items():
        assert not newer & set(entry), name
        waits = dict(entry.get("depends_on") or {}).values()
        assert all(set(wait) == {"condition"} for wait in waits), name
        if isinstance(entry.get("build"), dict):
            assert set(entry["build"]) <= {"context", "dockerfile", "args", "target"}
    assert Path(ROOT / ".dockerignore").is_file(), "the whole checkout would be sent to the builder"
