"""Who may import what, and that importing does nothing."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.architecture.source import ROOT, modules

NEEDS_MAIN = ("deploy.local.__main__", "deploy.nats.__main__", "deploy.postgres.__main__")

IMPORT_ALL = """
import builtins, importlib, json, logging, os, socket, sys, threading

class Closed(socket.socket):
    def __init__(self, *a, **k):
        raise AssertionError("a socket was opened at import")

opened = []
really_open = builtins.open
def watched_open(file, mode="r", *a, **k):
    if any(letter in mode for letter in "wax+"):
        opened.append(str(file))
    return really_open(file, mode, *a, **k)

sys.path.insert(0, sys.argv[1])
sys.dont_write_bytecode = True
faults = {}
for name in json.loads(sys.argv[2]):
    handlers, threads = list(logging.getLogger().handlers), threading.active_count()
    environment, real_socket = dict(os.environ), socket.socket
    socket.socket, builtins.open = Closed, watched_open
    try:
        importlib.import_module(name)
    except BaseException as error:
        faults[name] = f"{type(error).__name__}: {error}"
    finally:
        socket.socket, builtins.open = real_socket, really_open
    if opened:
        faults[name] = f"wrote {opened}"
        opened.clear()
    if list(logging.getLogger().handlers) != handlers:
        faults[name] = "configured logging"
    os.environ.pop("_RJEM_MALLOC_CONF", None)  # polars tells its allocator
    if dict(os.environ) != environment:
        faults[name] = "changed the environment"
print(json.dumps({"faults": faults, "modules": len(json.loads(sys.argv[2]))}))
"""


def test_the_import_contracts_of_pyproject_hold():
    """import-linter's contracts: layers, independence, pure domain, private tables."""
    program = Path(sys.executable).with_name("lint-imports")
    result = subprocess.run(
        [program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout[-4000:]
    assert "0 broken" in result.stdout


def test_every_module_imports_with_an_empty_environment_and_a_closed_network(tmp_path):
    names = [name for name in modules("services", "gateway", "deploy") if name not in NEEDS_MAIN]
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    result = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL, str(ROOT), json.dumps(names)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-3000:]
    report = json.loads(result.stdout.splitlines()[-1])
    assert report["modules"] > 50
    assert report["faults"] == {}
    assert list(tmp_path.iterdir()) == []
