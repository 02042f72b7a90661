"""A Docker of its own in one folder: started, asked, stopped by its pid, its traces removed."""

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.local import process

START_S = 60
STOP_S = 120
PROGRAMS = ("debootstrap", "dockerd", "docker", "docker-compose", "iptables", "ip")
DAEMON_FOLDERS = "/usr/sbin:/usr/bin:/sbin:/bin"
"""Debian's client goes with Debian's daemon; another ``docker`` may come first on PATH."""


class CannotCheck(Exception):
    """This machine lacks what the check needs; the message says what."""


def require_machine() -> None:
    """Raise ``CannotCheck`` unless this is root on a machine with Docker's programs, and no other.

    A second Docker would share the bridge and the firewall's chains with ours.
    """
    if os.geteuid() != 0:
        raise CannotCheck("root is needed: a Docker daemon is started, and a Debian is unpacked")
    missing = [name for name in PROGRAMS if shutil.which(name, path=DAEMON_FOLDERS) is None]
    if missing:
        raise CannotCheck(
            f"{', '.join(missing)} missing: apt-get install --no-install-recommends"
            " debootstrap docker.io docker-compose iptables iproute2"
        )
    if Path("/sys/class/net/docker0").exists():
        raise CannotCheck("docker0 exists: another Docker runs here (or left it: ip link delete)")


@dataclass(frozen=True, slots=True)
class Docker:
    """Our daemon. ``env`` is what its client needs."""

    folder: Path
    env: dict[str, str]

    def run(self, *command: str, env: Mapping[str, str] | None = None, quiet: bool = False) -> str:
        """Run a program against the daemon and return its output. Raise when it fails."""
        done = subprocess.run(
            ["nice", "-n", "15", *command],
            env=self.env | dict(env or {}),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if not quiet else subprocess.DEVNULL,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command[:6])} ...: {done.stdout[-6000:]}")
        return done.stdout

    def volume(self, name: str) -> Path:
        """Return where a volume's files are on this machine."""
        return self.folder / "data" / "volumes" / name / "_data"


@contextlib.contextmanager
def own_docker(folder: Path) -> Iterator[Docker]:
    """Start a daemon whose data, sockets and pid are in ``folder``; stop it at the end."""
    socket = folder / "docker.sock"
    env = {**os.environ, "PATH": DAEMON_FOLDERS, "DOCKER_HOST": f"unix://{socket}"}
    # The legacy builder: Debian 12 has no other.
    env |= {"DOCKER_BUILDKIT": "0", "COMPOSE_DOCKER_CLI_BUILD": "0"}
    options = ["--data-root", str(folder / "data"), "--exec-root", str(folder / "exec")]
    options += ["--host", env["DOCKER_HOST"], "--pidfile", str(folder / "docker.pid")]
    policy = _iptables("filter", "-S", "FORWARD").split()[2]
    daemon = process.spawn(
        ["/usr/sbin/dockerd", *options], log=folder / "dockerd.log", env=env, cwd=folder
    )
    try:
        process.wait_ready(daemon, lambda: _answers(env), what="dockerd", within_s=START_S)
        yield Docker(folder, env)
    finally:
        process.stop(daemon, within_s=STOP_S)
        _remove_traces(folder)
        _iptables("filter", "-P", "FORWARD", policy)


def _answers(env: dict[str, str]) -> bool:
    asked = subprocess.run(["docker", "version"], env=env, capture_output=True, check=False)
    return asked.returncode == 0


def _remove_traces(folder: Path) -> None:
    """Remove what a daemon leaves behind: mounts below its folder, its bridge, its chains."""
    mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for place in sorted((m for m in mounts if m.startswith(f"{folder}/")), reverse=True):
        subprocess.run(["umount", "--lazy", place], check=False)
    subprocess.run(["ip", "link", "delete", "docker0"], check=False)
    for table in ("nat", "filter"):
        _remove_chains(table)
    # The kernel lets go of network namespaces a moment after their containers ended.
    for _ in range(10):
        shutil.rmtree(folder / "exec", ignore_errors=True)
        if not (folder / "exec").exists():
            break
        time.sleep(0.5)


def _remove_chains(table: str) -> None:
    rules = [line.split() for line in _iptables(table, "-S").splitlines()]
    # Since no Docker was here before, whatever names it is ours.
    for rule in rules:
        if rule[0] == "-A" and any("docker" in word.lower() for word in rule):
            _iptables(table, "-D", *rule[1:])
    for rule in rules:
        if rule[0] == "-N" and rule[1].startswith("DOCKER"):
            _iptables(table, "-X", rule[1])


def _iptables(table: str, *options: str) -> str:
    command = ["iptables", "-w", "-t", table, *options]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout
