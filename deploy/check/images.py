"""The images of the check, without a hub: Debian from its own mirror, Python from wheels."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from deploy.check.docker import CannotCheck, Docker
from deploy.local import nats

HERE = Path(__file__).parent
DEPLOY = HERE.parent
SUITE = "bookworm"
STAGES = ("base", "builder", "postgres", "nats")
MIRROR = re.compile(r"\bhttps?://\S+/debian/?(?=\s|$)")


def image(stage: str) -> str:
    """Return the name of a stand-in."""
    return f"betang-check/{stage}"


def build_stand_ins(docker: Docker, debian: Path | None) -> None:
    """Build an image of each of ``STAGES``, from a root file system's tar or from the mirror."""
    context = docker.folder / "context"
    context.mkdir()
    if debian is None:
        debian = _bootstrap(docker)
    docker.run("docker", "import", str(debian), image("debian"))
    _download_wheels(context / "wheels")
    shutil.copy2(nats.find_server(), context / "nats-server")
    shutil.copy2(HERE / "postgres.sh", context / "postgres.sh")
    for stage in STAGES:
        # The host's network, and with it the host's way to the mirror.
        docker.run(
            *("docker", "build", "--network", "host", "--target", stage, "--tag", image(stage)),
            *("--file", str(HERE / "Dockerfile"), str(context)),
        )


def _bootstrap(docker: Docker) -> Path:
    root, archive = docker.folder / "debian", docker.folder / "debian.tar"
    docker.run("debootstrap", "--variant=minbase", SUITE, str(root), mirror())
    docker.run("tar", "-C", str(root), "-cf", str(archive), ".")
    shutil.rmtree(root)
    return archive


def mirror(sources: Iterable[Path] | None = None) -> str:
    """Return the Debian mirror that this machine's apt uses."""
    etc = Path("/etc/apt")
    for file in sources or [etc / "sources.list", *sorted((etc / "sources.list.d").glob("*"))]:
        if not file.is_file():
            continue
        for line in file.read_text().splitlines():
            if not line.lstrip().startswith("#") and (found := MIRROR.search(line)):
                return found[0]
    raise CannotCheck("apt's sources name no mirror that ends in /debian")


def _download_wheels(folder: Path) -> None:
    """Get what is pinned, for Debian's Python, from the package registry of this machine."""
    pinned = [DEPLOY / "requirements-build.txt", DEPLOY / "requirements.txt"]
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--require-hashes", "--no-deps"),
            *("--python-version", "3.11", "--dest", str(folder)),
            *(word for file in pinned for word in ("--requirement", str(file))),
        ],
        check=True,
    )
