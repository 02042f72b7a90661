"""The Dockerfile's COPY lines, replayed into a folder: what they give starts there, alone."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from deploy.local import process
from deploy.local.environment import service_environment
from tests.architecture.source import ROOT, SERVICES, text
from tests.support.processes import running
from tests.support.waiting import wait_until

DOCKERFILE = Path("deploy/Dockerfile")
STAGE = re.compile(r"^FROM \S+ AS (\w+)$")
COPY = re.compile(r"^COPY (\S+) (\S+)$")
START_S = 60

FOREIGN = """
import importlib, json, sys
module = importlib.import_module(sys.argv[1])
loaded = [m.__file__ for m in list(sys.modules.values()) if getattr(m, "__file__", None)]
print(json.dumps([f for f in loaded if f.startswith(sys.argv[2]) and "/.venv/" not in f]))
"""


def copies(stage: str) -> list[tuple[str, str]]:
    """Return (source, target) of each COPY of a stage, those of its base stage left out."""
    found: list[tuple[str, str]] = []
    current = ""
    for line in text(DOCKERFILE).splitlines():
        if start := STAGE.match(line):
            current = start[1]
        elif current == stage and (copy := COPY.match(line)):
            found.append((copy[1], copy[2]))
    assert found, f"no COPY in stage {stage}"
    return found


def replay(stage: str, folder: Path, service: str = "") -> Path:
    """Do what the stage's COPY lines do, below ``folder``."""
    for source, target in copies(stage):
        origin = ROOT / source.replace("${SERVICE}", service)
        copy = folder / target.replace("${SERVICE}", service)
        copy.parent.mkdir(parents=True, exist_ok=True)
        if origin.is_dir():
            shutil.copytree(origin, copy, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(origin, copy)
    return folder


def alone(folder: Path) -> dict[str, str]:
    """Return the environment in which ``folder`` is /app."""
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}


def uses_the_checkout(module: str, folder: Path) -> list[str]:
    result = subprocess.run(
        [sys.executable, "-c", FOREIGN, module, str(ROOT)],
        cwd=folder,
        env=alone(folder),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-3000:]
    files: list[str] = json.loads(result.stdout)
    return files


def uvicorn(factory: str, port: int) -> list[str]:
    return [
        *(sys.executable, "-m", "uvicorn", "--factory", factory),
        *("--host", "127.0.0.1", "--port", str(port)),
    ]


def last_words(log: Path) -> str:
    return log.read_text()[-3000:]


async def answers(url: str, server: subprocess.Popen[bytes], log: Path) -> bool:
    assert server.poll() is None, last_words(log)
    try:
        async with httpx.AsyncClient() as client:
            return (await client.get(url)).status_code == 200
    except httpx.TransportError:
        return False


def test_the_service_stage_copies_one_service_and_what_it_shares():
    assert {source for source, _ in copies("service")} == {
        "alembic.ini",
        "services/__init__.py",
        "services/shared",
        "services/contracts",
        "services/${SERVICE}",
    }


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_starts_from_its_own_image_alone(service, stack, broker, tmp_path):
    folder = replay("service", tmp_path / "app", service)
    others = [name for name in SERVICES if name != service]
    assert not any((folder / "services" / other).exists() for other in others)
    assert uses_the_checkout(f"services.{service}.main", folder) == []

    around = stack.around(broker.server)
    (around.blobs / service).mkdir(parents=True)
    env = {
        **alone(folder),
        **service_environment(service, await stack.database(service), around),
    }
    port, log = process.free_port(), tmp_path / "api.log"
    command = uvicorn(f"services.{service}.main:create_app", port)
    with running(command, env=env, cwd=folder, log=log) as api:
        live = f"http://127.0.0.1:{port}/health/live"
        await wait_until(lambda: answers(live, api, log), within_s=START_S)

    port, log = process.free_port(), tmp_path / "worker.log"
    env[f"{service.upper()}_METRICS_PORT"] = str(port)
    command = [sys.executable, "-m", f"services.{service}.main"]
    with running(command, env=env, cwd=folder, log=log) as worker:
        ready = f"http://127.0.0.1:{port}/health/ready"
        await wait_until(lambda: answers(ready, worker, log), within_s=START_S)
        worker.send_signal(signal.SIGTERM)
        await wait_until(lambda: worker.poll() is not None, within_s=15)
        assert worker.returncode == 0, last_words(log)


async def test_the_gateway_starts_from_its_own_image_alone(tmp_path):
    folder = replay("gateway", tmp_path / "app")
    assert not any((folder / "services" / name).exists() for name in (*SERVICES, "contracts"))
    assert uses_the_checkout("gateway.main", folder) == []
    issuers = json.dumps([{"issuer": "https://issuer.test", "jwks": {"keys": []}}])
    env = {**alone(folder), "GATEWAY_ISSUERS": issuers}
    env |= {f"GATEWAY_{name.upper()}_URL": "http://127.0.0.1:9" for name in SERVICES}
    port, log = process.free_port(), tmp_path / "gateway.log"
    command = uvicorn("gateway.main:create_app", port)
    with running(command, env=env, cwd=folder, log=log) as gateway:
        live = f"http://127.0.0.1:{port}/health/live"
        await wait_until(lambda: answers(live, gateway, log), within_s=START_S)


@pytest.mark.parametrize("service", SERVICES)
def test_a_process_without_settings_names_all_that_are_missing(service, tmp_path):
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    result = subprocess.run(
        [sys.executable, "-m", f"services.{service}.main"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 2
    for variable in ("DATABASE_URL", "NATS_URL", "NATS_CREDS", "ISSUERS", "KEY_FILE"):
        assert f"{service.upper()}_{variable}" in result.stderr
    assert "Traceback" not in result.stderr
