"""Who may pass, how often, and what the gateway answers itself."""

import asyncio
import base64
import hashlib
import re
from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI

from services.shared.roles import Role
from services.shared.signing import TokenSigner
from tests.service.gateway.conftest import SIGNER
from tests.service.gateway.test_proxy import assert_problem
from tests.support.serving import free_port, serving
from tests.support.waiting import wait_until


@pytest.fixture(scope="module", params=["pyreqwest"])
def transport(request) -> str:
    """What is tested here does not depend on the transport."""
    return request.param


# --- tokens ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (None, "token_missing"),
        ("", "token_missing"),
        ("Basic YTpi", "token_missing"),
        ("Bearer", "token_missing"),
        ("Bearer garbage", "token_invalid"),
        ("Bearer " + SIGNER.token(subject="s", roles=[], audience="other"), "token_invalid"),
        (
            "Bearer " + SIGNER.token(subject="s", roles=[], lifetime=timedelta(minutes=-5)),
            "token_invalid",
        ),
        (
            "Bearer " + TokenSigner(SIGNER.issuer).token(subject="s", roles=[]),
            "token_invalid",
        ),
    ],
)
async def test_without_a_good_token_nothing_passes(make_gateway, header, code):
    gateway = await make_gateway()
    headers = {"Authorization": header} if header is not None else {}
    answer = await gateway.client.get("/v1/families", headers=headers)
    assert_problem(answer, 401, code)
    assert answer.headers["www-authenticate"].startswith('Bearer realm="betang"')
    assert gateway.upstream.seen == []


async def test_while_no_key_can_be_had_the_answer_is_503_not_401(make_gateway):
    issuer = {"issuer": SIGNER.issuer, "jwks_uri": f"http://127.0.0.1:{free_port()}/keys"}
    gateway = await make_gateway(issuers=[issuer])
    assert_problem(await gateway.call("GET", "echo"), 503, "unavailable")


async def test_keys_are_found_by_oidc_discovery_at_a_running_issuer(make_gateway):
    issuer = FastAPI()
    async with serving(issuer) as address:
        signer = TokenSigner(address)
        metadata = signer.discovery(f"{address}/keys")
        issuer.get("/.well-known/openid-configuration")(lambda: metadata)
        issuer.get("/keys")(lambda: signer.jwks)
        gateway = await make_gateway(issuers=[{"issuer": address}])
        headers = {"Authorization": f"Bearer {signer.token(subject='s', roles=[])}"}
        assert (await gateway.call("GET", "echo", headers=headers)).status_code == 200
        assert_problem(await gateway.call("GET", "echo"), 401, "token_invalid")


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/v1",
        "/v1/",
        "/v1/familiesx",
        "/v2/families",
        "/metrics",
        "/v1/uploads",
        "/v1/uploads/other",
        "/v1/families//x",
        "/v1/families/",
        "/v1/families/%2e%2e/%2e%2e/metrics",
        "/v1/families/..%2f..%2fmetrics",
        "/v1/families/a%5c..%5cb",
        "/v1/families/%00",
        "/v1/families/%252e%252e",
        "/v1/Families",
        "/health",
        "/docs/x",
    ],
)
async def test_what_is_not_in_the_table_does_not_exist(gateway, path):
    # httpx tidies paths up; what is tested is what others send.
    url = httpx.URL(gateway.url).copy_with(raw_path=path.encode())
    answer = await gateway.client.get(url, headers=gateway.auth())
    assert_problem(answer, 404, "not_found")
    assert gateway.upstream.seen == []


async def test_dot_segments_as_sent_by_hand_do_not_leave_the_prefix(gateway):
    address = httpx.URL(gateway.url)
    for path in ("/v1/families/../../metrics", "/v1/families/./x", "/v1/families/x/.."):
        reader, writer = await asyncio.open_connection(address.host, address.port)
        token = gateway.auth()["Authorization"]
        head = f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\n"
        writer.write(head.encode() + b"Connection: close\r\n\r\n")
        answer = await asyncio.wait_for(reader.read(), 5)
        writer.close()
        assert answer.startswith(b"HTTP/1.1 404")
    assert gateway.upstream.seen == []


async def test_an_unknown_path_tells_strangers_nothing(gateway):
    assert_problem(await gateway.client.get("/v1/nowhere"), 401, "token_missing")


# --- limits ------------------------------------------------------------------------------------


async def test_a_caller_over_its_limit_is_429_and_others_are_not(make_gateway):
    gateway = await make_gateway(calls_per_minute=3)
    answers = [await gateway.call("GET", "echo") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[0].headers["ratelimit-policy"] == '"default";q=3;w=60'
    assert re.fullmatch(r'"default";r=2;t=\d+', answers[0].headers["ratelimit"])
    assert answers[2].headers["ratelimit"].startswith('"default";r=0;')
    assert_problem(answers[3], 429, "too_many_requests")
    assert 1 <= int(answers[3].headers["retry-after"]) <= 60
    assert len(gateway.upstream.seen) == 3

    other = await gateway.call("GET", "echo", headers=gateway.auth(subject="budi"))
    assert other.status_code == 200


async def test_wrong_tokens_count_against_the_address_and_right_ones_still_pass(make_gateway):
    gateway = await make_gateway(anonymous_calls_per_minute=2)
    statuses = [(await gateway.client.get("/v1/families")).status_code for _ in range(4)]
    assert statuses == [401, 401, 429, 429]
    assert (await gateway.call("GET", "echo")).status_code == 200


# --- browsers ----------------------------------------------------------------------------------

PREFLIGHT = {
    "Access-Control-Request-Method": "PATCH",
    "Access-Control-Request-Headers": "authorization,idempotency-key,if-match,upload-offset",
}


async def test_a_known_frontend_may_call_and_read_what_it_needs(make_gateway):
    gateway = await make_gateway(allowed_origins=["https://betang.example"])
    origin = {"Origin": "https://betang.example"}
    asked = await gateway.client.options("/v1/families/1", headers={**origin, **PREFLIGHT})
    assert asked.status_code == 200
    assert asked.headers["access-control-allow-origin"] == "https://betang.example"
    assert "access-control-allow-credentials" not in asked.headers

    answer = await gateway.call("GET", "echo", headers=origin)
    assert answer.headers["access-control-allow-origin"] == "https://betang.example"
    assert "ETag" in answer.headers["access-control-expose-headers"]
    refused = await gateway.client.get("/v1/families", headers=origin)
    assert refused.status_code == 401
    assert refused.headers["access-control-allow-origin"] == "https://betang.example"


async def test_another_frontend_is_refused_with_a_problem(make_gateway):
    gateway = await make_gateway(allowed_origins=["https://betang.example"])
    origin = {"Origin": "https://evil.example"}
    asked = await gateway.client.options("/v1/families/1", headers={**origin, **PREFLIGHT})
    assert_problem(asked, 403, "forbidden")
    assert "access-control-allow-origin" not in asked.headers


# --- own pages ---------------------------------------------------------------------------------


def document(name: str, path: str, roles: list[str], size: int = 1) -> dict:
    """A service's document; all have a schema ``Item``, which differs by ``size``."""
    item = {"type": "object", "properties": {"n": {"type": "integer", "maximum": size}}}
    ref = {"schema": {"$ref": "#/components/schemas/Item"}}
    operation = {
        "operationId": f"{name}_list",
        "tags": [name],
        "x-roles": roles,
        "responses": {"200": {"description": "x", "content": {"application/json": ref}}},
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": name, "version": "1"},
        "paths": {
            path: {"get": operation},
            "/metrics": {"get": operation},
            "/health/live": {"get": operation},
            "/v1/cycles/secret": {"get": operation},
        },
        "components": {
            "schemas": {"Item": item, "Problem": {"type": "object"}},
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }


def describe_services(gateway) -> None:
    apps = gateway.servers.apps
    apps["registry"].document = document("registry", "/v1/families/{id}", ["admin_dinsos"], 1)
    apps["programs"].document = document("programs", "/v1/programs", ["petugas_skpd"], 2)
    apps["distribution"].document = document("distribution", "/v1/sessions", ["penyalur"], 2)
    apps["indicators"].document = document("indicators", "/v1/indicators", ["admin_dinsos"], 2)


async def test_me_tells_who_i_am_and_what_i_may_open(make_gateway):
    gateway = await make_gateway()
    describe_services(gateway)
    answer = await gateway.call("GET", "/v1/me")
    me = answer.json()
    assert (me["subject"], me["roles"], me["regions"]) == ("siti", ["admin_dinsos"], ["62.02"])
    assert me["issuer"] == SIGNER.issuer
    assert me["expires_at"].endswith("Z")
    assert me["windows"] == [
        {"resource": "/v1/families", "service": "registry", "methods": ["GET"]},
        {"resource": "/v1/indicators", "service": "indicators", "methods": ["GET"]},
    ]
    assert answer.headers["cache-control"] == "no-store"
    assert "ratelimit" in answer.headers
    assert_problem(await gateway.client.get("/v1/me"), 401, "token_missing")
    citizen = gateway.auth(roles=[Role.WARGA])
    assert (await gateway.call("GET", "/v1/me", headers=citizen)).json()["windows"] == []
    assert_problem(await gateway.call("POST", "/v1/me"), 405, "method_not_allowed")


def refs_of(node: object) -> set[str]:
    if isinstance(node, dict):
        own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
        return own.union(*(refs_of(value) for value in node.values()))
    return set().union(*(refs_of(item) for item in node)) if isinstance(node, list) else set()


async def test_the_merged_document_holds_every_service_and_every_reference_leads_somewhere(
    make_gateway,
):
    gateway = await make_gateway()
    describe_services(gateway)
    answer = await gateway.client.get("/openapi.json")
    merged = answer.json()
    assert merged["openapi"].startswith("3.1")
    assert set(merged["paths"]) == {
        "/v1/me",
        "/health/live",
        "/health/ready",
        "/v1/families/{id}",
        "/v1/programs",
        "/v1/sessions",
        "/v1/indicators",
        "/v1/cycles/secret",
    }
    # All four tell of this path; only the service that it is routed to is believed.
    assert merged["paths"]["/v1/cycles/secret"]["get"]["operationId"] == "distribution_list"
    schemas = merged["components"]["schemas"]
    assert "Item" not in schemas
    assert schemas["RegistryItem"]["properties"]["n"]["maximum"] == 1
    assert schemas["ProgramsItem"]["properties"]["n"]["maximum"] == 2
    assert refs_of(merged) <= {
        f"#/components/{kind}/{name}"
        for kind, components in merged["components"].items()
        for name in components
    }
    assert "#/components/schemas/RegistryItem" in refs_of(merged["paths"]["/v1/families/{id}"])
    assert "bearer" in merged["components"]["securitySchemes"]
    assert "x-unavailable" not in merged["info"]


async def test_the_document_is_whole_without_a_service_that_is_down(make_gateway):
    gateway = await make_gateway(dead=("programs",))
    describe_services(gateway)
    merged = (await gateway.client.get("/openapi.json")).json()
    assert "/v1/families/{id}" in merged["paths"]
    assert "/v1/programs" not in merged["paths"]
    assert merged["info"]["x-unavailable"] == ["programs"]


async def test_the_document_is_not_fetched_for_every_reader(make_gateway):
    gateway = await make_gateway()
    describe_services(gateway)
    await asyncio.gather(*(gateway.client.get("/openapi.json") for _ in range(10)))
    assert len(gateway.upstream.seen) == 1


async def test_the_docs_page_runs_its_own_script_and_nothing_from_elsewhere(gateway):
    answer = await gateway.client.get("/docs")
    assert answer.headers["content-type"].startswith("text/html")
    policy = answer.headers["content-security-policy"]
    script = answer.text.split("<script>")[1].split("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "http://" not in answer.text
    assert "https://" not in answer.text
    assert "innerHTML" not in script
    assert 'style="' not in answer.text


async def test_the_docs_can_be_switched_off(make_gateway):
    gateway = await make_gateway(docs=False)
    assert_problem(await gateway.client.get("/docs"), 404, "not_found")
    assert_problem(await gateway.client.get("/openapi.json"), 404, "not_found")


async def test_ready_names_each_service_and_one_that_is_down_does_not_stop_the_rest(make_gateway):
    gateway = await make_gateway(dead=("programs",))
    assert (await gateway.client.get("/health/live")).json() == {"status": "live"}
    gateway.servers.apps["distribution"].ready = 503
    answer = await gateway.client.get("/health/ready")
    assert answer.json() == {
        "status": "degraded",
        "upstreams": {
            "registry": "ready",
            "programs": "unreachable",
            "distribution": "not ready",
            "indicators": "ready",
        },
    }


async def test_ready_is_503_when_no_service_is(make_gateway):
    gateway = await make_gateway(dead=("programs", "registry", "distribution", "indicators"))
    answer = await gateway.client.get("/health/ready")
    body = assert_problem(answer, 503, "not_ready")
    assert {error["pointer"] for error in body["errors"]} >= {"upstream:registry"}


async def test_metrics_are_on_their_own_port_only(make_gateway):
    port = free_port()
    gateway = await make_gateway(metrics_port=port)
    await gateway.call("GET", "echo")
    assert_problem(await gateway.call("GET", "/metrics"), 404, "not_found")

    async def scraped() -> str:
        try:
            async with httpx.AsyncClient(trust_env=False) as client:
                return (await client.get(f"http://127.0.0.1:{port}/metrics")).text
        except httpx.ConnectError:
            return ""

    text = await wait_until(scraped)
    assert 'route="/v1/families/*",service="gateway",status="200"' in text


async def test_own_answers_carry_security_headers(gateway):
    for path in ("/docs", "/health/live", "/v1/nowhere"):
        headers = (await gateway.client.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-request-id"]
        assert len(headers.get_list("content-security-policy")) == 1
