"""The connections to the services: httpx's transport interface over one of two clients."""

from datetime import timedelta

import httpx
from pyreqwest.client import ClientBuilder
from pyreqwest.compatibility.httpx import HttpxTransport
from pyreqwest.exceptions import PyreqwestError

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
        .connect_timeout(timedelta(seconds=settings.connect_s))
        .pool_timeout(timedelta(seconds=settings.connect_s))
        .max_connections(connections)
        .pool_max_idle_per_host(settings.concurrent_max)
        .build()
    )
    return HttpxTransport(client)
