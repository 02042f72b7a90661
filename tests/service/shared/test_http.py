import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI, Header
from fastapi.responses import JSONResponse
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import REGISTRY
from pydantic import BaseModel
from sqlalchemy import text

from deploy.local.environment import service_environment
from deploy.postgres.provision import Urls
from services.shared.auth import Actor, allow
from services.shared.db import Database
from services.shared.http import Tx, create_service_app, etag, require_match, service_router
from services.shared.ids import new_id
from services.shared.outbox import Relay
from services.shared.problems import ProblemType
from services.shared.roles import Role
from services.shared.settings import ServiceSettings
from tests.service.shared.conftest import SecretStateV1, Side, ThingSoldV1, ThingStateV1
from tests.support.service import Broker, environment
from tests.support.serving import serving
from tests.support.stack import Stack
from tests.support.waiting import wait_until

ADMIN = Annotated[Actor, allow(Role.ADMIN_DINSOS, Role.PETUGAS_SKPD)]


class NewThing(BaseModel):
    label: str = "a"


class ThingView(BaseModel):
    id: UUID


class ThingExists(Exception):
    params = {"label": "a"}  # noqa: RUF012 - as a domain error has it


def router() -> Any:
    routes = service_router(tags=["things"])

    @routes.post("/v1/things", status_code=201, response_model=ThingView)
    async def add(body: NewThing, tx: Tx, actor: ADMIN) -> ThingView | JSONResponse:
        thing = new_id()
        await tx.execute(
            text("INSERT INTO things VALUES (:id, :label, 1, 1)"),
            {"id": thing, "label": body.label},
        )
        tx.emit(ThingStateV1(thing_id=thing, label=body.label))
        tx.audit("thing.added", f"thing/{thing}", {"label": body.label}, actor.id)
        if body.label == "exists":
            raise ThingExists
        if body.label == "returned":
            return JSONResponse({"code": "returned"}, 409)
        if body.label == "slow":
            await asyncio.sleep(0.5)
        return ThingView(id=thing)

    @routes.put("/v1/things/{thing_id}", openapi_extra={"x-no-idempotency": "If-Match is enough"})
    async def change(
        thing_id: UUID, tx: Tx, actor: ADMIN, if_match: Annotated[str | None, Header()] = None
    ) -> ThingView:
        require_match(if_match, 7)
        tx.emit(ThingStateV1(thing_id=thing_id), version=8)
        return ThingView(id=thing_id)

    return routes


class DistributionSettings(ServiceSettings):
    model_config = ServiceSettings.model_config | {"env_prefix": "DISTRIBUTION_"}
    service_name: str = "distribution"


class Api:
    def __init__(self, app: FastAPI, stack: Stack) -> None:
        self.app = app
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://service.test")
        self.stack = stack

    def headers(self, *, key: str | None = None, **claims: Any) -> dict[str, str]:
        claims = {"subject": "ani", "roles": ("admin_dinsos",), "regions": ("62.02",), **claims}
        token = self.stack.signer.token(name="Ani", **claims)
        return {"Authorization": f"Bearer {token}"} | ({"Idempotency-Key": key} if key else {})

    async def add(self, label: str = "a", *, key: str | None = "", **claims: Any) -> httpx.Response:
        key = str(uuid4()) if key == "" else key
        return await self.client.post(
            "/v1/things", json={"label": label}, headers=self.headers(key=key, **claims)
        )


@pytest.fixture
async def api(
    shared_stack: Stack, broker: Broker, producer: Side, tmp_path: Path
) -> AsyncIterator[Api]:
    urls = Urls(owner=producer.admin_url, app=producer.db.url)
    around = shared_stack.around(broker.server)
    with environment(service_environment("distribution", urls, around)):
        settings = DistributionSettings()
    kind = ProblemType("thing_exists", 409, "Sudah ada", "It exists", "{label} ada", "{label} is")
    app = create_service_app(
        settings, title="Things", routers=[router()], errors={ThingExists: kind}
    )
    api = Api(app, shared_stack)
    yield api
    await api.client.aclose()
    await app.state.db.close()
    await app.state.verifier.close()


async def test_a_write_answers_after_its_commit_with_its_position(api: Api, producer: Side) -> None:
    answer = await api.add()
    assert answer.status_code == 201
    thing = answer.json()["id"]
    assert answer.headers["Betang-Position"] == f"distribution.thing.state.v1/{thing}/1/1"
    for table in ("things", "outbox", "audit_entries", "idempotency"):
        assert await producer.count(table) == 1
    [entry] = await producer.rows("SELECT actor, trace_id FROM audit_entries")
    assert entry["actor"].endswith("#ani")
    assert entry["trace_id"]


@pytest.mark.parametrize(("label", "code"), [("exists", "thing_exists"), ("returned", "returned")])
async def test_an_error_rolls_everything_back(
    api: Api, producer: Side, label: str, code: str
) -> None:
    answer = await api.add(label)
    assert (answer.status_code, answer.json()["code"]) == (409, code)
    for table in ("things", "outbox", "audit_entries", "idempotency"):
        assert await producer.count(table) == 0


async def test_a_commit_that_fails_is_a_5xx_and_leaves_nothing(api: Api, producer: Side) -> None:
    await producer.as_admin(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'at commit'; END $$"
    )
    await producer.as_admin(
        "CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON things DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION refuse()"
    )
    key = str(uuid4())
    answer = await api.add(key=key)
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    for table in ("things", "outbox", "audit_entries", "idempotency"):
        assert await producer.count(table) == 0
    await producer.as_admin("DROP TRIGGER refuse ON things")
    assert (await api.add(key=key)).status_code == 201


async def test_the_same_key_gives_the_same_answer_and_one_effect(api: Api, producer: Side) -> None:
    first = await api.add(key="k1")
    second = await api.add(key="k1")
    assert (second.status_code, second.content) == (first.status_code, first.content)
    assert second.headers["Betang-Position"] == first.headers["Betang-Position"]
    assert second.headers["Idempotency-Replayed"] == "true"
    assert await producer.count("things") == 1
    assert await producer.count("outbox") == 1


async def test_a_stored_answer_is_not_kept_in_clear(api: Api, producer: Side) -> None:
    answer = await api.add(key="k1")
    [row] = await producer.db.pool.fetch("SELECT body FROM idempotency")
    assert answer.json()["id"].encode() in answer.content
    assert answer.json()["id"].encode() not in row["body"]


async def test_a_key_reused_for_another_payload_is_422(api: Api) -> None:
    await api.add(key="k1")
    answer = await api.add("b", key="k1")
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")


async def test_a_key_belongs_to_its_caller(api: Api, producer: Side) -> None:
    await api.add(key="k1")
    answer = await api.add(key="k1", subject="budi")
    assert answer.status_code == 201
    assert "Idempotency-Replayed" not in answer.headers
    assert await producer.count("things") == 2


async def test_a_concurrent_request_with_the_same_key_is_409_at_once(
    api: Api, producer: Side
) -> None:
    first = asyncio.create_task(api.add("slow", key="k1"))
    await asyncio.sleep(0.25)
    second = await api.add("slow", key="k1")
    assert not first.done()
    assert (second.status_code, second.json()["code"]) == (409, "idempotency_in_progress")
    assert (await first).status_code == 201
    assert await producer.count("things") == 1


async def test_twenty_requests_with_one_key_have_one_effect(api: Api, producer: Side) -> None:
    answers = await asyncio.gather(*(api.add(key="k1") for _ in range(20)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
    assert await producer.count("things") == 1
    assert await producer.count("outbox") == 1


async def _send(api: Api, url: str, body: bytes, length: int) -> asyncio.StreamWriter:
    """Send a request of ``length`` bytes, of which only ``body`` comes."""
    _, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
    lines = {
        "Host": "service.test",
        "Content-Type": "application/json",
        "Content-Length": str(length),
        **api.headers(key="k1"),
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    writer.write(f"POST /v1/things HTTP/1.1\r\n{head}\r\n".encode() + body)
    await writer.drain()
    return writer


async def test_a_request_that_is_cut_off_does_nothing_and_is_no_fault_of_ours(
    api: Api, producer: Side
) -> None:
    def answered(status: int) -> float:
        labels = {"service": "distribution", "method": "POST", "route": "/v1/things"}
        found = REGISTRY.get_sample_value(
            "betang_http_requests_total", {**labels, "status": str(status)}
        )
        return found or 0

    refused, failed = answered(400), answered(500)
    async with serving(api.app) as url:
        (await _send(api, url, b'{"label":', 500)).close()
        await wait_until(lambda: answered(400) > refused or answered(500) > failed)
    assert (answered(400), answered(500)) == (refused + 1, failed)
    assert await producer.count("things") == 0


async def test_who_leaves_before_the_answer_finds_it_under_the_key(
    api: Api, producer: Side
) -> None:
    body = b'{"label":"slow"}'
    async with serving(api.app) as url:
        writer = await _send(api, url, body, len(body))
        await asyncio.sleep(0.2)
        writer.close()

        async def stored() -> bool:
            return await producer.count("idempotency") == 1

        await wait_until(stored)
        again = await api.client.post(
            "/v1/things", content=body,
            headers={**api.headers(key="k1"), "Content-Type": "application/json"},
        )  # fmt: skip
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (201, "true")
    assert await producer.count("things") == 1


async def test_a_write_without_a_key_is_400(api: Api, producer: Side) -> None:
    answer = await api.add(key=None)
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_missing")
    assert await producer.count("things") == 0


async def test_a_key_is_forgotten_after_a_day(api: Api, producer: Side) -> None:
    await api.add(key="k1")
    await producer.db.pool.fetch(
        "UPDATE idempotency SET created_at = created_at - interval '25 hours'"
    )
    assert (await api.add("b", key="k1")).status_code == 201
    assert await producer.count("things") == 2


async def test_a_route_freed_from_the_key_needs_if_match(api: Api) -> None:
    path = f"/v1/things/{uuid4()}"
    headers = api.headers()
    assert (await api.client.put(path, headers=headers)).status_code == 428
    stale = {**headers, "If-Match": etag(6)}
    assert (await api.client.put(path, headers=stale)).status_code == 412
    fresh = {**headers, "If-Match": f'"x", {etag(7)}'}
    answer = await api.client.put(path, headers=fresh)
    assert answer.status_code == 200
    assert answer.headers["Betang-Position"].endswith("/1/8")


async def test_a_nul_in_a_text_is_422(api: Api, producer: Side) -> None:
    answer = await api.add("a\0b")
    assert (answer.status_code, answer.json()["code"]) == (422, "text_not_storable")
    assert await producer.count("outbox") == 0


async def test_a_database_that_is_away_is_503_with_retry_after(api: Api, producer: Side) -> None:
    working = api.app.state.db
    api.app.state.db = Database(
        "postgresql://nobody:x@127.0.0.1:1/nothing", schema="x", service="distribution"
    )
    answer = await api.add()
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "1"
    await api.app.state.db.close()
    api.app.state.db = working


async def test_the_openapi_document_names_the_key_only_where_it_is_needed(api: Api) -> None:
    document = (await api.client.get("/openapi.json")).json()
    post = document["paths"]["/v1/things"]["post"]
    assert [p["name"] for p in post["parameters"]] == ["Idempotency-Key"]
    put = document["paths"]["/v1/things/{thing_id}"]["put"]
    assert "Idempotency-Key" not in {p["name"] for p in put["parameters"]}
    assert post["x-roles"] == ["admin_dinsos", "petugas_skpd"]


async def test_a_service_is_ready_when_database_and_jetstream_are(api: Api) -> None:
    answer = await api.client.get("/health/ready")
    assert answer.json() == {
        "status": "ready", "checks": {"database": "ok", "jetstream": "ok"},
    }  # fmt: skip


async def test_the_feed_shows_published_events_of_the_callers_regions_only(
    api: Api, producer: Side, relay: Relay
) -> None:
    async with producer.db.transaction() as tx:
        for label, region in (("own", "62.02.06"), ("other", "62.03.01"), ("lookalike", "62.021")):
            tx.emit(ThingStateV1(thing_id=new_id(), label=label, region_code=region))
        tx.emit(ThingStateV1(thing_id=new_id(), label="no region"))
        tx.emit(ThingStateV1(
            thing_id=new_id(), label="sensitive", sensitive=True, owner_code="DINKES",
            region_code="62.02",
        ))  # fmt: skip
        tx.emit(SecretStateV1(thing_id=new_id(), region_code="62.02"))
        tx.emit(ThingSoldV1(sale_id=new_id(), region_code="62.02"))
    path = "/v1/changes/distribution"
    assert (await api.client.get(path, headers=api.headers())).json() == {"data": [], "next": 0}
    await relay.drain_once()
    answer = await api.client.get(path, headers=api.headers())
    labels = [event["data"].get("label", "sale") for event in answer.json()["data"]]
    assert labels == ["own", "no region", "sale"]
    after = answer.json()["next"]
    again = await api.client.get(f"{path}?after={after}", headers=api.headers())
    assert again.json() == {"data": [], "next": after}
    owner = api.headers(agency="DINKES", roles=("petugas_skpd",))
    labels = [
        event["data"].get("label", "sale")
        for event in (await api.client.get(path, headers=owner)).json()["data"]
    ]
    assert "sensitive" in labels
    one = await api.client.get(f"{path}?types=distribution.thing.sold.v1", headers=api.headers())
    assert len(one.json()["data"]) == 1
    wrong = await api.client.get(
        f"{path}?types=distribution.secret.state.v1", headers=api.headers()
    )
    assert wrong.status_code == 400


async def test_parked_events_are_listed_without_their_content_and_ordered_again(
    api: Api, producer: Side
) -> None:
    parked = new_id()
    await producer.db.pool.fetch(
        "INSERT INTO parked_events (id, consumer, stream, stream_sequence, subject, raw, digest,"
        " reason_code, reason_detail, deliveries, parked_at, last_seen_at)"
        " VALUES ($1, 'c', 's', 1, 'x', '6202', '1', 'r', 'd', 1, now(), now())",
        parked,
    )
    path = "/v1/parked-events/distribution"
    answer = await api.client.get(path, headers=api.headers())
    assert [row["id"] for row in answer.json()["data"]] == [str(parked)]
    assert "raw" not in json.dumps(answer.json())
    answer = await api.client.post(f"{path}/{parked}/replay", headers=api.headers(key=str(uuid4())))
    assert answer.status_code == 202
    [order] = await producer.rows("SELECT name, argument, actor FROM commands")
    assert (order["name"], order["argument"]) == ("replay", str(parked))
    missing = await api.client.post(
        f"{path}/{uuid4()}/replay", headers=api.headers(key=str(uuid4()))
    )
    assert missing.status_code == 404


async def test_the_framework_sends_no_path_and_no_query_to_the_traces(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    answer = await api.client.get("/health/live?nama=Siti")
    assert answer.status_code == 200
    assert exporter.get_finished_spans() == ()
