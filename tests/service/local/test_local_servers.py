"""PostgreSQL and NATS of ``deploy.local``: killed, restarted, kept to their folder."""

import os
import pwd
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import asyncpg
import pytest

from deploy.local import nats, postgres, process
from deploy.nats import agency
from tests.support.service import Broker

START_AND_STAY = """
import sys, time
from pathlib import Path
from deploy.local import nats, postgres
state = Path(sys.argv[1])
server = postgres.start(state / "postgres"), nats.start(state / "nats")
print(server[0].process.pid, server[1].process.pid, flush=True)
time.sleep(600)
"""

START_AND_STOP = """
import sys; sys.path.insert(0, sys.argv[2])
from pathlib import Path
from deploy.local import nats, postgres
state = Path(sys.argv[1])
servers = postgres.start(state / "postgres"), nats.start(state / "nats")
for server in servers:
    server.stop()
    print(server.process.returncode)
"""
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def private(tmp_path) -> Path:
    """A folder below one that no other account may enter, as a private home is."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    return home / "state"


@pytest.fixture
def given_bindir(tmp_path, monkeypatch) -> Path:
    """Another folder of PostgreSQL's programs than the one that is taken by itself."""
    bindir = tmp_path / "given" / "bin"
    bindir.mkdir(parents=True)
    for program in postgres.find_bindir().iterdir():
        (bindir / program.name).symlink_to(program)
    monkeypatch.setenv("PG_BINDIR", str(bindir))
    return bindir


def modes_above(folder: Path) -> list[int]:
    return [stat.S_IMODE(parent.stat().st_mode) for parent in folder.parents]


async def query(server: postgres.Postgres, sql: str):
    connection = await asyncpg.connect(server.url())
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def test_the_programs_that_pg_bindir_names_are_used_even_below_a_private_home(
    given_bindir, private
):
    server = postgres.start(private)
    try:
        assert process.command_of(server.process.pid).startswith(f"{given_bindir}/postgres ")
        assert await query(server, "SHOW data_directory") == str(private / "data")
    finally:
        server.stop()


async def test_postgresql_survives_being_killed_and_changes_no_folder_above_its_own(private):
    before = modes_above(private)
    server = postgres.start(private)
    try:
        assert modes_above(private) == before
        await query(server, "CREATE TABLE kept AS SELECT generate_series(1, 500) AS n")
        os.killpg(server.process.pid, signal.SIGKILL)
        server.process.wait()
        server = postgres.start(private)
        assert await query(server, "SELECT count(*) FROM kept") == 500
    finally:
        server.stop()
    assert server.process.returncode == 0
    assert stat.S_IMODE((private / "password").stat().st_mode) == 0o600


async def test_postgresql_listens_on_the_loopback_address_with_scram_only(stack):
    server = stack.postgres
    assert await query(server, "SHOW listen_addresses") == "127.0.0.1"
    assert await query(server, "SHOW unix_socket_directories") == ""
    lines = (server.data / "pg_hba.conf").read_text().splitlines()
    methods = {line.split()[-1] for line in lines if line.strip() and not line.startswith("#")}
    assert methods == {"scram-sha-256"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to hand PostgreSQL to somebody")
def test_root_does_not_run_postgresql_itself(stack):
    owner = Path(f"/proc/{stack.postgres.process.pid}").stat().st_uid
    assert owner != 0
    assert pwd.getpwuid(owner).pw_name in {"postgres", "nobody", os.environ.get("BETANG_PG_USER")}


@pytest.mark.skipif(os.geteuid() != 0, reason="every other test here runs as an ordinary user")
def test_an_ordinary_user_runs_both_servers(tmp_path):
    """The same code run by an account without rights but that of reading this checkout."""
    nobody = pwd.getpwnam("nobody")
    state = tmp_path / "state"
    state.mkdir()
    os.chown(state, nobody.pw_uid, nobody.pw_gid)
    log = tmp_path / "nobody.log"
    user = process.spawn(
        [sys.executable, "-c", START_AND_STOP, str(state), str(ROOT)],
        log=log,
        env={"PYTHONDONTWRITEBYTECODE": "1", "PATH": os.environ["PATH"]},
        cwd=state,
        account=process.Account(nobody.pw_uid, nobody.pw_gid),
    )
    try:
        assert user.wait(60) == 0, log.read_text()
    finally:
        process.stop(user)
    assert log.read_text().split() == ["0", "0"]
    assert (state / "postgres" / "data").stat().st_uid == nobody.pw_uid
    assert not (state / "postgres" / "binaries").exists()


async def test_nats_survives_being_killed_with_its_messages_and_its_agencies(tmp_path):
    server = nats.start(tmp_path / "nats")
    try:
        await agency.issue(server.authority, server.url, "DINSOS")
        broker = Broker(server)
        await broker.publish_bytes("events.a.b.v1", b"1", agency_code="DINSOS", message_id="m-1")
        await broker.close()
        server.process.kill()
        server.process.wait()
        server = nats.start(tmp_path / "nats")
        broker = Broker(server)
        again = (await broker.connect("skpd-dinsos")).jetstream()
        ack = await again.publish("events.a.b.v1", b"1", headers={"Nats-Msg-Id": "m-1"})
        assert ack.duplicate
        state = (await (await broker.admin()).stream_info("IN_DINSOS")).state
        assert state.messages == 1
        await broker.close()
    finally:
        server.stop()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the next start ends leftovers")
def test_the_servers_end_when_their_starter_is_killed(tmp_path):
    starter = subprocess.Popen(
        [sys.executable, "-c", START_AND_STAY, str(tmp_path)], stdout=subprocess.PIPE, cwd=ROOT
    )
    try:
        assert starter.stdout is not None
        pids = [int(word) for word in starter.stdout.readline().split()]
        assert all(process.command_of(pid) for pid in pids)
    finally:
        starter.kill()
        starter.wait()
        starter.stdout.close()
    deadline = time.monotonic() + 15
    while any(process.command_of(pid) for pid in pids):
        assert time.monotonic() < deadline
        time.sleep(process.POLL_S)


async def test_a_server_left_by_a_killed_run_is_ended_by_the_next(tmp_path):
    first = postgres.start(tmp_path / "postgres")
    second = postgres.start(tmp_path / "postgres")
    try:
        assert first.process.wait(10) == 0
        assert await query(second, "SELECT 1") == 1
    finally:
        second.stop()


def test_a_recycled_pid_is_never_taken_for_ours(tmp_path):
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        assert not process.end_leftover(stranger.pid, mark=str(tmp_path))
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()
