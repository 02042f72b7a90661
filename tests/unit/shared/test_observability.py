import asyncio
import io
import json
import logging
import sys

import httpx
import pytest
import structlog
from fastapi import FastAPI
from prometheus_client import REGISTRY

from services.shared import problems
from services.shared.health import health_router, operations_app
from services.shared.observability import (
    configure_logging,
    continued,
    current_trace_id,
    current_traceparent,
)
from services.shared.telemetry import RequestTelemetry

NIK = "6202064107909001"
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def logs(monkeypatch):
    """Configure logging as a process does, and restore everything afterwards."""
    stream = io.StringIO()
    root = logging.getLogger()
    before = root.handlers[:], root.level
    monkeypatch.setattr(sys, "stderr", stream)
    configure_logging("trial")
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers, root.level = before
    structlog.reset_defaults()


def test_a_log_entry_is_one_json_line_that_names_the_service(logs):
    structlog.get_logger("x").info("done", nama="Siti", count=3)
    (entry,) = logs()
    assert (entry["service"], entry["event"], entry["level"]) == ("trial", "done", "info")
    assert entry["count"] == 3
    assert "Siti" not in str(entry)


def test_a_traceback_shows_where_but_no_variables_and_no_numbers(logs):
    def broken(secret: str) -> None:
        raise RuntimeError(f"cannot read {NIK}")

    try:
        broken(NIK[::-1])
    except RuntimeError:
        structlog.get_logger().exception("failed")
        logging.getLogger("library").exception("failed too %s", NIK)

    assert len(logs()) == 2
    for entry in logs():
        assert "in broken" in entry["exception"]
        assert NIK not in str(entry)
        assert NIK[::-1] not in str(entry)


def test_a_trace_continues_and_a_missing_one_is_begun():
    with continued(PARENT, "x"):
        assert current_trace_id() == "0af7651916cd43dd8448eb211c80319c"
        assert current_traceparent().startswith("00-0af7651916cd43dd8448eb211c80319c-")
    with continued(None, "x"):
        first = current_trace_id()
    with continued("garbage", "x"):
        assert current_trace_id() not in (None, first)
    assert current_trace_id() is None


def build(service="trial") -> FastAPI:
    app = FastAPI()
    problems.install(app)
    app.add_middleware(RequestTelemetry, service=service)

    @app.get("/people/{person}")
    async def people(person: str) -> str | None:
        if person == "bug":
            raise RuntimeError(NIK)
        return current_trace_id()

    return app


def client_of(app) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")


async def test_a_request_runs_in_the_callers_trace_and_gets_its_ids_back():
    async with client_of(build()) as client:
        headers = {"traceparent": PARENT, "X-Request-Id": "abc-1"}
        answer = await client.get("/people/7", headers=headers)
        assert answer.json() == "0af7651916cd43dd8448eb211c80319c"
        assert answer.headers["x-request-id"] == "abc-1"

        fresh = await client.get("/people/7", headers={"X-Request-Id": "not valid\x7f"})
        assert fresh.headers["x-request-id"] == fresh.json()


async def test_a_500_carries_the_trace_id_by_which_its_log_entry_is_found(logs):
    async with client_of(build()) as client:
        answer = await client.get("/people/bug", headers={"traceparent": PARENT})
    assert answer.json()["trace_id"] == "0af7651916cd43dd8448eb211c80319c"
    failure = next(entry for entry in logs() if entry["event"] == "unhandled_error")
    assert failure["trace_id"] == answer.json()["trace_id"]
    assert NIK not in str(logs())


async def test_logs_and_metrics_name_the_route_not_the_path(logs):
    async with client_of(build("counted")) as client:
        await client.get(f"/people/{NIK}?nama=Siti")
        await client.get("/nowhere/at/all")
        await client.request("HACK", "/people/1")
    routes = [entry["route"] for entry in logs() if entry["event"] == "request"]
    assert routes[:2] == ["/people/{person}", "unmatched"]
    assert "Siti" not in str(logs())

    def count(method, route, status):
        labels = {"service": "counted", "method": method, "route": route, "status": status}
        return REGISTRY.get_sample_value("betang_http_requests_total", labels)

    assert count("GET", "/people/{person}", "200") == 1
    assert count("GET", "unmatched", "404") == 1


async def fine() -> None: ...


async def broken() -> None:
    raise ConnectionError(f"password {NIK}")


async def test_ready_is_503_and_names_the_part_that_does_not_work():
    app = FastAPI()
    problems.install(app)
    app.include_router(health_router({"database": fine, "broker": broken}))
    async with client_of(app) as client:
        assert (await client.get("/health/live")).status_code == 200
        answer = await client.get("/health/ready")
    assert answer.status_code == 503
    assert [error["pointer"] for error in answer.json()["errors"]] == ["check:broker"]
    assert NIK not in answer.text


async def test_a_check_that_hangs_fails(monkeypatch):
    monkeypatch.setattr("services.shared.health.CHECK_TIMEOUT_S", 0.01)

    async def hang() -> None:
        await asyncio.sleep(60)

    app = operations_app("worker", {"slow": hang, "database": fine})
    async with client_of(app) as client:
        assert (await client.get("/health/ready")).status_code == 503


async def test_a_worker_shows_health_and_metrics():
    async with client_of(operations_app("worker", {"database": fine})) as client:
        assert (await client.get("/health/ready")).json() == {
            "status": "ready",
            "checks": {"database": "ok"},
        }
        assert "betang_parked_events" in (await client.get("/metrics")).text
