"""A gateway on loopback between real servers; each test may set it up as it needs."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import pytest

from gateway.main import create_app
from gateway.settings import GatewaySettings
from services.shared.roles import Role
from services.shared.settings import Issuer
from services.shared.signing import TokenSigner
from tests.support.serving import free_port, serving
from tests.support.upstream import UpstreamApp

SIGNER = TokenSigner("https://issuer.example")


@dataclass
class GatewayUnderTest:
    """``url`` is the gateway's, ``upstream`` the registry behind it."""

    url: str
    client: httpx.AsyncClient
    upstream: UpstreamApp
    services: dict[str, UpstreamApp] = field(default_factory=dict)

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


@pytest.fixture(params=["pyreqwest", "httpx"])
def transport(request) -> str:
    return request.param


@pytest.fixture
async def make_gateway(transport) -> AsyncIterator[MakeGateway]:
    """Return a factory: ``await make_gateway(deadline_s=1)``; ``dead=("programs",)`` are down."""
    async with AsyncExitStack() as stack:

        async def make(dead: tuple[str, ...] = (), **changed: Any) -> GatewayUnderTest:
            services, urls = {}, {}
            for name in ("registry", "programs", "distribution", "indicators"):
                if name in dead:
                    urls[f"{name}_url"] = f"http://127.0.0.1:{free_port()}"
                    continue
                services[name] = UpstreamApp(name)
                urls[f"{name}_url"] = await stack.enter_async_context(
                    serving(services[name], lifespan="off")
                )
            issuer = Issuer(issuer=SIGNER.issuer, jwks=SIGNER.jwks)
            settings = GatewaySettings(
                **{"issuers": [issuer], "transport": transport, **urls, **changed}
            )
            url = await stack.enter_async_context(serving(create_app(settings)))
            client = httpx.AsyncClient(base_url=url, trust_env=False, timeout=20)
            stack.push_async_callback(_close, client)
            return GatewayUnderTest(url, client, services.get("registry", UpstreamApp()), services)

        yield make


async def _close(client: httpx.AsyncClient) -> None:
    with suppress(RuntimeError):
        await client.aclose()


@pytest.fixture
async def gateway(make_gateway) -> GatewayUnderTest:
    return await make_gateway()
