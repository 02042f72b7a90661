"""The three NATS servers of profile full, as real processes: they keep what one of them loses."""

import asyncio
import json
import os
import signal
import subprocess
import urllib.request
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nats
import nats.errors
import pytest

from deploy.local import process
from deploy.local.nats import find_server
from deploy.nats import agency
from deploy.nats.authority import Authority
from deploy.nats.config import KEY_VARIABLE, Cluster, server_config
from deploy.prepare import CLUSTER
from services.shared import broker, streams
from tests.support.waiting import wait_until

# An election takes the servers seconds by itself; a slow machine many more.
ELECTED_S = 90
PASSWORD = "test-of-the-routes"
MESSAGES = 200


@dataclass(slots=True)
class Server:
    """One of the three. ``route`` is where the others find it."""

    name: str
    folder: Path
    port: int
    monitor: int
    route: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.folder / "nats.log"

    def start(self, authority: Authority, peers: list[int], password: str = PASSWORD) -> None:
        cluster = Cluster(
            listen=f"127.0.0.1:{self.route}",
            password=password,
            peers=tuple(f"127.0.0.1:{peer}" for peer in peers),
        )
        self.folder.mkdir(exist_ok=True)
        config = self.folder / "nats.conf"
        config.write_text(
            server_config(
                authority,
                name=self.name,
                listen=f"127.0.0.1:{self.port}",
                monitor=f"127.0.0.1:{self.monitor}",
                store=self.folder / "jetstream",
                accounts=self.folder / "accounts",
                cluster=cluster,
            )
        )
        env = {"PATH": os.environ["PATH"], KEY_VARIABLE: "k-of-this-test"}
        command = [find_server(), "-c", str(config)]
        self.process = process.spawn(command, log=self.log, env=env, cwd=self.folder)

    def healthy(self) -> bool:
        """Whether this server has found the others and a leader, and keeps up."""
        with suppress(OSError):
            url = f"http://127.0.0.1:{self.monitor}/healthz"
            with urllib.request.urlopen(url, timeout=2) as answer:
                return bool(answer.status == 200)
        return False

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(20)


def a_server(name: str, folder: Path) -> Server:
    ports = [process.free_port() for _ in range(3)]
    return Server(name, folder / name, *ports)


def routes(servers: list[Server], server: Server) -> list[int]:
    return [each.route for each in servers if each is not server]


@pytest.fixture(scope="module")
async def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    made = Authority(tmp_path_factory.mktemp("authority"))
    made.write_creds()
    return made


@pytest.fixture(scope="module")
async def servers(
    authority: Authority, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[list[Server]]:
    folder = tmp_path_factory.mktemp("cluster")
    started = [a_server(name, folder) for name in CLUSTER]
    try:
        for server in started:
            server.start(authority, routes(started, server))
        await wait_until(lambda: all(each.healthy() for each in started), within_s=ELECTED_S)
        yield started
    finally:
        for server in started:
            if server.process is not None:
                process.stop(server.process)


async def connected(servers: list[Server], creds: Path, prefix: str) -> Any:
    """Return a client that knows all three, as one name does in the containers."""
    return await nats.connect(
        [server.url for server in servers],
        user_credentials=str(creds),
        inbox_prefix=prefix.encode(),
        reconnect_time_wait=0.1,
        max_reconnect_attempts=-1,
    )


async def publish(client: Any, subjects: list[str]) -> None:
    """Publish each until it is acknowledged, as the relay does, under one id."""
    for subject in subjects:

        async def acknowledged(subject: str = subject) -> bool:
            with suppress(nats.errors.Error, TimeoutError):
                headers = {"Nats-Msg-Id": subject}
                await client.jetstream(timeout=2).publish(subject, b"{}", headers=headers)
                return True
            return False

        await wait_until(acknowledged, within_s=ELECTED_S)


async def stream_of(client: Any, name: str) -> dict[str, Any]:
    found: dict[str, Any] = {}

    async def told() -> bool:
        with suppress(nats.errors.Error, TimeoutError, broker.ApiError):
            found.update(await broker.request_api(client, f"STREAM.INFO.{name}", {}))
            return bool(found["cluster"].get("leader"))
        return False

    await wait_until(told, within_s=ELECTED_S)
    return found


async def test_a_stream_on_three_servers_survives_the_loss_of_its_leader(authority, servers):
    creds = authority.creds("registry")
    client = await connected(servers, creds, "_INBOX_registry")
    try:
        await streams.ensure_streams(client, "registry", replicas=3)
        stream = await stream_of(client, "REGISTRY_STATE")
        assert stream["config"]["num_replicas"] == 3
        subjects = [f"registry.family.state.v1.{number}" for number in range(MESSAGES)]
        await publish(client, subjects[: MESSAGES // 2])
        leader = next(s for s in servers if s.name == stream["cluster"]["leader"])
        leader.kill()
        await publish(client, subjects[MESSAGES // 2 :])
        stream = await stream_of(client, "REGISTRY_STATE")
        assert stream["cluster"]["leader"] != leader.name
        # Each once: what was sent again under its id was known to the servers that were left.
        assert stream["state"]["messages"] == stream["state"]["last_seq"] == MESSAGES

        leader.start(authority, routes(servers, leader))
        await wait_until(leader.healthy, within_s=ELECTED_S)

        async def all_current() -> bool:
            cluster = (await stream_of(client, "REGISTRY_STATE"))["cluster"]
            return len(cluster["replicas"]) == 2 and all(r["current"] for r in cluster["replicas"])

        await wait_until(all_current, within_s=ELECTED_S)
    finally:
        await client.close()


async def test_an_agency_issued_at_one_server_is_known_at_all_and_its_stream_kept_thrice(
    authority, servers
):
    door = await agency.issue(authority, servers[0].url, "DINSOS", replicas=3)
    for number, server in enumerate(servers):
        client = await connected([server], door.creds, door.inbox_prefix)
        try:
            subject = f"events.skpd.program.reported.v1.{number}"
            await publish(client, [subject])
        finally:
            await client.close()
    admin = await connected(servers, authority.creds("core-admin"), "_INBOX_admin")
    try:
        stream = await stream_of(admin, "IN_DINSOS")
        assert stream["config"]["num_replicas"] == 3
        assert stream["state"]["messages"] == len(servers)
    finally:
        await admin.close()


async def test_every_server_syncs_always(servers):
    for server in servers:
        await broker.require_sync_always(f"http://127.0.0.1:{server.monitor}")


async def test_a_server_without_the_password_of_the_routes_is_not_let_in(
    authority, servers, tmp_path
):
    stranger = a_server("stranger", tmp_path)
    stranger.start(authority, [server.route for server in servers], password="another")
    try:
        await wait_until(lambda: "authentication error" in _told(servers), within_s=ELECTED_S)
        for server in servers:
            assert "stranger" not in json.dumps(await asyncio.to_thread(_routes_of, server))
    finally:
        assert stranger.process is not None
        process.stop(stranger.process)


def _told(servers: list[Server]) -> str:
    return "".join(server.log.read_text() for server in servers).lower()


def _routes_of(server: Server) -> Any:
    url = f"http://127.0.0.1:{server.monitor}/routez"
    with urllib.request.urlopen(url, timeout=5) as answer:
        return json.load(answer)["routes"]
