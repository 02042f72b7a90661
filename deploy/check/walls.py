"""What the running containers may and may not do, seen from inside and from the daemon."""

import json
from typing import Any

from deploy.check.docker import Docker

ASK = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), 3).close()
except OSError as error:
    print("closed", error)
else:
    print("reached")
"""
REACHED = (
    ("gateway", "registry", 8000),
    ("registry", "postgres", 5432),
    ("registry-worker", "nats", 4222),
)
CLOSED = (
    ("gateway", "postgres", 5432),
    ("gateway", "nats", 4222),
    ("registry", "programs", 8000),
    ("registry", "programs-worker", 8000),
    ("programs-worker", "gateway", 8000),
)
"""Pairs without business with each other. A name that is unknown is closed as well."""


def check(docker: Docker, project: str) -> None:
    """Raise ``RuntimeError`` naming the wall that does not stand."""
    faults = [
        f"{source} does not reach {target}:{port}"
        for source, target, port in REACHED
        if not _reaches(docker, f"{project}_{source}_1", target, port)
    ]
    faults += [
        f"{source} reaches {target}:{port}"
        for source, target, port in CLOSED
        if _reaches(docker, f"{project}_{source}_1", target, port)
    ]
    # Both are on the network `outside`, by which each reaches the identity provider.
    peer = _inspect(docker, f"{project}_programs_1")["NetworkSettings"]["Networks"]
    address = peer[f"{project}_outside"]["IPAddress"]
    if _reaches(docker, f"{project}_registry_1", address, 8000):
        faults.append(f"registry reaches programs at {address}, beside the names")
    for name in _containers(docker, project):
        faults += _faults_of(_inspect(docker, name))
    if faults:
        raise RuntimeError("; ".join(faults))


def health(docker: Docker, project: str) -> dict[str, str]:
    """Return name -> health of the containers that run; ``-`` where an image has no check."""
    found = {}
    for name in _containers(docker, project):
        state = _inspect(docker, name)["State"]
        found[name] = state.get("Health", {}).get("Status", "-")
    return found


def table(docker: Docker, project: str) -> str:
    """Return the size of each image and the memory of each container."""
    images = docker.run(
        *("docker", "images", "--filter", "reference=betang/*"),
        *("--format", "{{.Repository}}\t{{.Size}}"),
    )
    columns = "{{.Name}}\t{{.MemUsage}}\t{{.CPUPerc}}"
    stats = docker.run("docker", "stats", "--no-stream", "--format", columns)
    lines = [line for line in stats.splitlines() if line.startswith(project)]
    return images + "\n".join(sorted(lines))


def _faults_of(container: dict[str, Any]) -> list[str]:
    """A process of ours is no root, writes to no root file system, and gains no rights."""
    name, host = container["Name"].lstrip("/"), container["HostConfig"]
    wrong = {
        "writes to its root": not host["ReadonlyRootfs"],
        "has capabilities": "ALL" not in (host["CapDrop"] or []),
        "may gain rights": "no-new-privileges:true" not in (host["SecurityOpt"] or []),
        "has no memory limit": host["Memory"] == 0,
        "runs as root": container["Config"]["User"] == "" and "postgres" not in name,
    }
    return [f"{name} {fault}" for fault, is_so in wrong.items() if is_so]


def _reaches(docker: Docker, container: str, host: str, port: int) -> bool:
    # A container that is not there is an error, and no wall.
    said = docker.run("docker", "exec", container, "python", "-c", ASK, host, str(port))
    return said.startswith("reached")


def _containers(docker: Docker, project: str) -> list[str]:
    label = f"label=com.docker.compose.project={project}"
    return docker.run("docker", "ps", "--filter", label, "--format", "{{.Names}}").split()


def _inspect(docker: Docker, name: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = json.loads(docker.run("docker", "inspect", name))
    return found[0]
