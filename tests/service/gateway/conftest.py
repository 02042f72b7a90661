"""A gateway on loopback between real servers; a test may set one up as it needs."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from gateway.main import create_app
from gateway.settings import GatewaySettings
from services.shared.roles import Role
from services.shared.settings import Issuer
from services.shared.signing import TokenSigner
from tests.support.serving import free_port, serving
from tests.support.upstream import UpstreamApp

SIGNER = TokenSigner("https://issuer.example")
NAMES = ("registry", "programs", "distribution", "indicators")


class Servers:
    """Four running servers; each test gives them new applications."""

    def __init__(self) -> None:
        self.urls: dict[str, str] = {}
        self.apps: dict[str, UpstreamApp] = {}
        self.renew()

    def renew(self) -> None:
        self.apps = {name: UpstreamApp(name) for name in NAMES}

    def delegate(self, name: str) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await self.apps[name](scope, receive, send)

        return app


@dataclass
class GatewayUnderTest:
    """``url`` is the gateway's; ``upstream`` is the registry behind it."""

    url: str
    client: httpx.AsyncClient
    servers: Servers

    @property
    def upstream(self) -> UpstreamApp:
        return self.servers.apps["registry"]

    def auth(self, subject: str = "siti", lifetime_s: float = 300, **claims: Any) -> dict[str, str]:
        token = SIGNER.token(
            subject=subject,
            roles=claims.pop("roles", [Role.ADMIN_DINSOS]),
            regions=["62.02"],
            lifetime=timedelta(seconds=lifetime_s),
            **claims,
        )
        return {"Authorization": f"Bearer {token}"}

    async def call(self, method: str, manner: str, **options: Any) -> httpx.Response:
        headers = {**self.auth(), **options.pop("headers", {})}
        path = manner if manner.startswith("/") else f"/v1/families/{manner}"
        return await self.client.request(method, path, headers=headers, **options)


MakeGateway = Callable[..., Awaitable[GatewayUnderTest]]


@pytest.fixture(scope="session")
async def all_servers() -> AsyncIterator[Servers]:
    async with AsyncExitStack() as stack:
        servers = Servers()
        for name in NAMES:
            server = serving(servers.delegate(name), lifespan="off")
            servers.urls[name] = await stack.enter_async_context(server)
        yield servers


@pytest.fixture
def servers(all_servers) -> Servers:
    all_servers.renew()
    return all_servers


@pytest.fixture(scope="module", params=["pyreqwest", "httpx"])
def transport(request) -> str:
    return request.param


async def run_gateway(
    stack: AsyncExitStack, servers: Servers, dead: tuple[str, ...] = (), **changed: Any
) -> GatewayUnderTest:
    urls = {
        f"{name}_url": f"http://127.0.0.1:{free_port()}" if name in dead else url
        for name, url in servers.urls.items()
    }
    issuer = Issuer(issuer=SIGNER.issuer, jwks=SIGNER.jwks)
    settings = GatewaySettings(**{"issuers": [issuer], **urls, **changed})
    url = await stack.enter_async_context(serving(create_app(settings)))
    client = httpx.AsyncClient(base_url=url, trust_env=False, timeout=20)
    return GatewayUnderTest(url, await stack.enter_async_context(client), servers)


@pytest.fixture
async def make_gateway(transport, servers) -> AsyncIterator[MakeGateway]:
    """Return a factory: ``await make_gateway(deadline_s=1)``; ``dead=("programs",)`` are down."""
    async with AsyncExitStack() as stack:

        async def make(**changed: Any) -> GatewayUnderTest:
            return await run_gateway(stack, servers, transport=transport, **changed)

        yield make


@pytest.fixture(scope="module")
async def usual_gateway(transport, all_servers) -> AsyncIterator[GatewayUnderTest]:
    async with AsyncExitStack() as stack:
        yield await run_gateway(stack, all_servers, transport=transport, calls_per_minute=100_000)


@pytest.fixture
async def gateway(usual_gateway, servers) -> GatewayUnderTest:
    """The gateway with its usual settings, with fresh services behind it."""
    return usual_gateway
