"""Every vector of ``vectors.json``, at a service and at the gateway: both must say the same."""

import json
from typing import Annotated, Any

import pytest
from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Scope

from gateway.main import Gateway
from gateway.settings import GatewaySettings
from gateway.transport import make_transport
from services.shared import problems
from services.shared.auth import Actor, TokenVerifier, allow
from services.shared.openapi import AllowedRoute, describe
from services.shared.roles import Role
from services.shared.settings import Issuer
from tests.contract.jws import make_vectors

FILE = json.loads(make_vectors.FILE.read_text(encoding="utf-8"))
ISSUERS = [Issuer(**issuer) for issuer in FILE["issuers"]]
NOBODY = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def service() -> FastAPI:
    """A route as services have them."""
    app = FastAPI()
    app.router.route_class = AllowedRoute
    app.state.verifier = TokenVerifier(ISSUERS, FILE["audience"])
    problems.install(app)
    describe(app)

    @app.get("/v1/me")
    async def me(actor: Annotated[Actor, allow(*Role)]) -> dict[str, Any]:
        return {"roles": sorted(actor.roles), "regions": list(actor.regions)}

    return app


@pytest.fixture(scope="module")
async def gateway():
    """The gateway, whose own ``/v1/me`` needs no service behind it."""
    urls = {
        f"{name}_url": NOBODY for name in ("registry", "programs", "distribution", "indicators")
    }
    settings = GatewaySettings(
        **urls,
        issuers=ISSUERS,
        audience=FILE["audience"],
        transport="httpx",
        calls_per_minute=100_000,
        anonymous_calls_per_minute=100_000,
    )
    gateway = Gateway(settings, make_transport(settings))
    yield gateway
    await gateway.verifier.close()
    await gateway.transport.aclose()


async def ask(app: ASGIApp, token: str) -> tuple[int, dict[str, Any]]:
    """Send the token by raw ASGI: some vectors no HTTP client would write."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    scope: Scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/v1/me",
        "raw_path": b"/v1/me",
        "root_path": "",
        "query_string": b"",
        "headers": [(b"host", b"test"), (b"authorization", b"Bearer " + token.encode())],
        "client": ("127.0.0.1", 1),
        "server": ("test", 80),
        "state": {},
    }
    await app(scope, receive, send)
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return sent[0]["status"], json.loads(body)


@pytest.mark.parametrize("vector", FILE["tests"], ids=lambda v: f"{v['tcId']} {v['comment']}"[:60])
async def test_service_and_gateway_agree_with_the_vector(service, gateway, vector):
    at_service, told = await ask(service, vector["token"])
    at_gateway, me = await ask(gateway, vector["token"])
    if vector["result"] == "invalid":
        assert (at_service, at_gateway) == (401, 401)
        assert (told["code"], me["code"]) == ("token_invalid", "token_invalid")
    elif vector["result"] == "valid":
        assert (at_service, at_gateway) == (200, 200)
        assert (told["roles"], me["roles"]) == (["operator_desa"], ["operator_desa"])
        assert told["regions"] == me["regions"] == ["62.02.06.2005"]
    else:
        # No role: the service opens nothing; the gateway knows the caller, with no region.
        assert (at_service, at_gateway) == (403, 200)
        assert (me["roles"], me["regions"]) == ([], [])


def test_the_file_is_what_its_maker_makes():
    assert make_vectors.FILE.read_text(encoding="utf-8") == make_vectors.text()


def test_no_two_vectors_are_the_same():
    tokens = [vector["token"] for vector in FILE["tests"]]
    assert len(set(tokens)) == len(tokens)
