"""The compose file as a container sees it: variables filled in, ``env_file`` read, secrets made."""

import re
from pathlib import Path
from typing import Any

import yaml

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "docker-compose.yml").read_text())
CONTAINERS: dict[str, dict[str, Any]] = COMPOSE["services"]
VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")
SECRETS = "/run/betang"


def profile_values(profile: str) -> dict[str, str]:
    """Return what ``deploy/<profile>.env`` sets."""
    return env_file(DEPLOY / f"{profile}.env")


def env_file(file: Path) -> dict[str, str]:
    """Return the variables of a file of ``NAME=value`` lines."""
    lines = [line for line in file.read_text().splitlines() if line and not line.startswith("#")]
    return {name: value.strip("'") for name, value in (line.split("=", 1) for line in lines)}


def filled(text: Any, values: dict[str, str]) -> str:
    """Replace ``${NAME}``, ``${NAME:-default}`` and ``${NAME:?reason}`` as docker-compose does."""

    def value(found: re.Match[str]) -> str:
        name, kind, rest = found.groups()
        if name in values:
            return values[name]
        assert kind == "-", f"{name} is set by nobody: {rest}"
        return str(rest)

    return VARIABLE.sub(value, str(text))


def environment(container: str, profile: str) -> dict[str, str]:
    """Return the variables of a container under a profile."""
    values, entry = profile_values(profile), CONTAINERS[container]
    found = {name: filled(text, values) for name, text in entry.get("environment", {}).items()}
    if name := entry.get("env_file"):
        found = env_file(DEPLOY / filled(name, values)) | found
    return found


def of_profile(profile: str) -> list[str]:
    """Return the containers that a profile starts."""
    return [name for name, entry in CONTAINERS.items() if profile in entry["profiles"]]


def mounts(container: str) -> dict[str, str]:
    """Return path in the container -> volume or file of what it mounts."""
    pairs = [volume.split(":") for volume in CONTAINERS[container].get("volumes", [])]
    return {pair[1]: pair[0] for pair in pairs}


def networks(container: str) -> set[str]:
    """Return the names of the networks that a container is on."""
    return set(CONTAINERS[container].get("networks", ()))
