"""``make compose-check``: build the images, run profile core, tell the story through its gateway.

Needs root and Debian's ``debootstrap docker.io docker-compose`` (README.md beside the compose
file), no image hub. Everything lies in one temporary folder and is gone at the end.
"""

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from deploy.check import images, walls
from deploy.check.docker import CannotCheck, Docker, own_docker, require_machine
from deploy.local import process
from deploy.postgres.provision import SERVICES
from services.shared.signing import TokenSigner

ROOT = Path(__file__).resolve().parents[2]
PROJECT = "betangcheck"
STORY = ("tests/e2e/test_story.py", "tests/e2e/test_story_figures.py")
AGENCIES = ("DINSOS", "DISHUB", "DISNAKER", "DLH")
PARTS = ("gateway", *(f"{service}{part}" for service in SERVICES for part in ("", "-worker")))
UP_S = 300
COMPOSE = ("docker-compose", "--profile", "core", "-f", str(ROOT / "deploy/docker-compose.yml"))


def main() -> int:
    """Read the command line and run the check."""
    parser = argparse.ArgumentParser(prog="python -m deploy.check", description=__doc__)
    parser.add_argument("--debian", type=Path, help="a root file system's tar, else debootstrap")
    parser.add_argument("--keep", action="store_true", help="wait for Enter before it stops")
    chosen = parser.parse_args()
    try:
        require_machine()
    except CannotCheck as reason:
        print(f"compose-check cannot run here: {reason}", file=sys.stderr)
        return 2
    folder = Path(tempfile.mkdtemp(prefix="betang-check-", dir="/tmp"))
    folder.chmod(0o711)
    try:
        with own_docker(folder) as docker:
            return check(docker, chosen.debian, keep=chosen.keep)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def check(docker: Docker, debian: Path | None, *, keep: bool) -> int:
    """Do all of it on a running daemon; return the exit code of the story's tests."""
    said = _steps()
    signer = TokenSigner("https://issuer.check.invalid")
    ports = process.free_port(), process.free_port()
    docker.env.update(_settings(signer, *ports))
    try:
        said("stand-ins for the hub's images, from Debian and wheels")
        images.build_stand_ins(docker, debian)
        said("the images of Betang")
        docker.run(*COMPOSE, "build")
        said("profile core starts")
        docker.run(*COMPOSE, "up", "--detach", "--no-build")
        _wait_until_all_work(docker)
        said("agencies get their accounts, keys are looked at, by the operator's container")
        for agency in AGENCIES:
            issue = ("python", "-m", "deploy.nats", "issue", agency)
            docker.run(*COMPOSE, "run", "--rm", "operator", *issue)
        status = ("python", "-m", "deploy.betang", "key", "status", "registry")
        docker.run(*COMPOSE, "run", "--rm", "operator", *status)
        said("walls between the containers")
        walls.check(docker, PROJECT)
        said("the story, through the gateway")
        code = _tell_the_story(docker, signer, *ports)
        said("what it weighs")
        print(walls.table(docker, PROJECT))
        if keep:
            input(f"DOCKER_HOST={docker.env['DOCKER_HOST']}; Enter ends it ")
    except (RuntimeError, subprocess.CalledProcessError) as fault:
        print(f"{fault}\n{_last_words(docker)}", file=sys.stderr)
        return 1
    finally:
        said("everything stops")
        docker.run(*COMPOSE, "down", "--volumes", "--remove-orphans", "--timeout", "30")
    said("done" if code == 0 else "the story failed")
    return code


def _settings(signer: TokenSigner, gateway: int, nats: int) -> dict[str, str]:
    """What the compose file takes from the environment."""
    return {
        "COMPOSE_PROJECT_NAME": PROJECT,
        "BETANG_VERSION": "check",
        "BASE": images.image("base"),
        "BUILDER": images.image("builder"),
        "PIP_OPTIONS": "--no-index --find-links /wheels",
        "POSTGRES_IMAGE": images.image("postgres"),
        "NATS_IMAGE": images.image("nats"),
        # The keys are given here: no identity provider can be reached.
        "BETANG_ISSUERS": json.dumps([{"issuer": signer.issuer, "jwks": signer.jwks}]),
        "GATEWAY_LISTEN": f"127.0.0.1:{gateway}",
        "NATS_LISTEN": f"127.0.0.1:{nats}",
        # The story asks again and again until an effect is there.
        "GATEWAY_CALLS_PER_MINUTE": "60000",
    }


def _wait_until_all_work(docker: Docker) -> None:
    """Wait until every container that has a health check is healthy."""
    deadline = time.monotonic() + UP_S
    while not all(health in {"healthy", "-"} for health in walls.health(docker, PROJECT).values()):
        if time.monotonic() > deadline:
            raise RuntimeError(f"not healthy: {walls.health(docker, PROJECT)}")
        time.sleep(1)


def _tell_the_story(docker: Docker, signer: TokenSigner, gateway: int, nats: int) -> int:
    """Run the end-to-end test against the containers; see ``tests/support/given.py``."""
    secrets = docker.folder / "story"
    # A copy: the test writes the agencies' creds again, as root.
    shutil.copytree(docker.volume(f"{PROJECT}_operator") / "nats", secrets / "nats")
    (secrets / "issuer.pem").write_bytes(signer.to_pem())
    running = secrets / "running.json"
    told = {
        "gateway_url": f"http://127.0.0.1:{gateway}",
        "issuer_url": signer.issuer,
        "nats_url": f"nats://127.0.0.1:{nats}",
        "authority": str(secrets / "nats"),
        "secrets": str(secrets),
    }
    running.write_text(json.dumps(told))
    command = [sys.executable, "-m", "pytest", *STORY]
    env = {**os.environ, "BETANG_RUNNING": str(running)}
    with _logs_followed(docker, secrets / "log"):
        return subprocess.run(command, cwd=ROOT, env=env, check=False).returncode


@contextlib.contextmanager
def _logs_followed(docker: Docker, folder: Path) -> Iterator[None]:
    """Write what each part logs into a file of its name: the story reads them at its end."""
    folder.mkdir()
    follow = (*COMPOSE, "logs", "--follow", "--no-color", "--no-log-prefix")
    with contextlib.ExitStack() as followed:
        for part in PARTS:
            log = followed.enter_context((folder / f"{part}.log").open("wb"))
            reader = subprocess.Popen([*follow, part], stdout=log, env=docker.env)
            followed.callback(process.stop, reader)
        yield


def _last_words(docker: Docker) -> str:
    try:
        return docker.run(*COMPOSE, "logs", "--no-color", "--tail", "40")[-20_000:]
    except RuntimeError as error:
        return str(error)


def _steps() -> Callable[[str], None]:
    begun = time.monotonic()

    def said(step: str) -> None:
        print(f"[{time.monotonic() - begun:5.0f} s] {step}", flush=True)

    return said


if __name__ == "__main__":
    sys.exit(main())
