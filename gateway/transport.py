"""The connections to the services: httpx's transport interface over one of two clients.

pyreqwest (0.15.1) is the fast one. Cancelling a request whose answer has not begun does not close
its connection: the service works on until it answers or ``request_s_max`` has passed. Our services
finish what they began anyway; ``proxy`` counts such a request until it is really over.
"""

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
from pyreqwest.client import ClientBuilder
from pyreqwest.compatibility.httpx import HttpxTransport
from pyreqwest.exceptions import PyreqwestError
from pyreqwest.request import RequestBuilder

from gateway.settings import GatewaySettings

FAILURES = (httpx.HTTPError, PyreqwestError, OSError)
"""What a transport raises when an exchange failed; pyreqwest lets a few of its own through."""


def make_transport(settings: GatewaySettings) -> httpx.AsyncBaseTransport:
    """Return the transport of the setting: bodies untouched, no redirects, a bounded pool."""
    connections = settings.concurrent_max * len(settings.upstreams()) + settings.streams_max
    if settings.transport == "httpx":
        limits = httpx.Limits(
            max_connections=connections, max_keepalive_connections=settings.concurrent_max
        )
        return httpx.AsyncHTTPTransport(limits=limits, trust_env=False)
    client = (
        ClientBuilder()
        .follow_redirects(enable=False)
        .gzip(enable=False)
        .brotli(enable=False)
        .zstd(enable=False)
        .deflate(enable=False)
        .referer(enable=False)
        .no_proxy()
        .http1_only()
        .http1_lower_case_headers()
        .user_agent("betang-gateway")
        .read_timeout(timedelta(seconds=settings.request_s_max))
        .connect_timeout(timedelta(seconds=settings.connect_s))
        .pool_timeout(timedelta(seconds=settings.connect_s))
        .max_connections(connections)
        .pool_max_idle_per_host(settings.concurrent_max)
        .build()
    )
    return StreamingTransport(client)


class StreamingTransport(HttpxTransport):
    """pyreqwest's transport, but bytes pass when they come.

    Its own waits for the end of the answer or a full buffer, first before it gives the headers,
    then before each piece: an event stream would never begin.
    """

    async def _map_response(
        self, builder: RequestBuilder, request: httpx.Request
    ) -> httpx.Response:
        response = await super()._map_response(builder.streamed_read_buffer_limit(0), request)
        response.stream = _Chunks(response)
        return response


class _Chunks(httpx.AsyncByteStream):
    def __init__(self, response: httpx.Response) -> None:
        self._whole = response.stream
        self._reader = response.extensions["pyreqwest_response"].body_reader

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (chunk := await self._reader.read_chunk()) is not None:
            yield bytes(chunk)

    async def aclose(self) -> None:
        await self._whole.aclose()  # type: ignore[union-attr]  # asynchronous
