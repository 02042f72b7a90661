"""The supervisor restarts what dies, says so, and leaves nothing behind."""

import json
import sys
from pathlib import Path

import pytest

from deploy.local import process
from deploy.local.supervisor import Part, Supervisor, answers
from deploy.local.system import given_databases
from tests.support.waiting import wait_until

SERVER = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
    def log_message(self, *a): pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def supervisor(tmp_path, said):
    supervisor = Supervisor(tmp_path, tmp_path / "parts.json", tmp_path / "held", said.append)
    yield supervisor
    supervisor.stop()


@pytest.fixture
def part(tmp_path) -> Part:
    port = process.free_port()
    return Part(
        name="door",
        command=[sys.executable, "-c", SERVER, str(port)],
        env={},
        cwd=tmp_path,
        mark=f" {port} ",
        ready_url=f"http://127.0.0.1:{port}/",
    )


def pid_of(supervisor: Supervisor, name: str = "door") -> int:
    return int(json.loads(supervisor.pid_file.read_text())[name][0])


async def tended(supervisor: Supervisor, condition) -> None:
    def look():
        supervisor.tend()
        return condition()

    await wait_until(look, within_s=15)


async def test_a_part_that_dies_is_started_again_and_said_so(supervisor, part, said):
    supervisor.start(part)
    supervisor.wait_ready()
    first = pid_of(supervisor)
    process.end_leftover(first, mark="serve_forever")
    await tended(supervisor, lambda: pid_of(supervisor) != first and answers(part.ready_url))
    assert "door ended with code" in said[0]
    assert "door runs again" in said[1]


async def test_a_part_that_keeps_dying_waits_longer_each_time(supervisor, part, said):
    broken = Part("broken", [sys.executable, "-c", "raise SystemExit(3)"], {}, part.cwd, "broken")
    supervisor.start(broken)
    await tended(supervisor, lambda: len([text for text in said if "ended" in text]) == 3)
    assert [text.split(" in ")[1] for text in said if "ended" in text] == ["0.5 s", "1 s", "2 s"]
    assert "code 3" in said[0]


async def test_a_held_part_stays_stopped_until_it_is_resumed(supervisor, part, said):
    supervisor.start(part)
    supervisor.wait_ready()
    supervisor.held.mkdir()
    (supervisor.held / "door").touch()
    for _ in range(3):
        supervisor.tend()
    assert not answers(part.ready_url)
    (supervisor.held / "door").unlink()
    await tended(supervisor, lambda: answers(part.ready_url))


def test_a_part_that_cannot_start_is_reported_with_its_log(supervisor, part):
    supervisor.start(Part("broken", [sys.executable, "-c", "1/0"], {}, part.cwd, "x", "http://x/"))
    with pytest.raises(process.StartError, match=r"broken ended with code 1 .*broken\.log"):
        supervisor.wait_ready()
    assert "ZeroDivisionError" in (supervisor.logs / "broken.log").read_text()


async def test_what_a_killed_supervisor_left_is_ended_by_the_next(supervisor, part, tmp_path, said):
    supervisor.start(part)
    supervisor.wait_ready()
    next_one = Supervisor(tmp_path, supervisor.pid_file, Path("none"), said.append)
    next_one.end_leftovers()
    assert not answers(part.ready_url)
    assert said == ["door of an earlier run was still there and was stopped"]


def test_databases_of_the_environment_need_both_roles():
    one = {"REGISTRY_DATABASE_URL": "postgresql://a@h/registry"}
    with pytest.raises(process.StartError, match="REGISTRY_OWNER_DATABASE_URL"):
        given_databases(one)
    both = one | {"REGISTRY_OWNER_DATABASE_URL": "postgresql://o@h/registry"}
    assert set(given_databases(both)) == {"registry"}
    assert given_databases({}) == {}
