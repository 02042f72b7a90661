"""The OpenAPI documents of the services and of the gateway, made without any server."""

import functools
import importlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deploy.local.environment import Surroundings, service_environment
from deploy.local.secret_files import SecretFiles
from deploy.postgres.provision import Urls
from gateway.main import create_app
from gateway.openapi import merge
from gateway.pages import own_document
from gateway.routes import Router
from gateway.settings import GatewaySettings
from tests.support.service import environment

SERVICES = ("registry", "programs", "distribution", "indicators")
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
ISSUER = "https://issuer.test"
NOWHERE = Urls(owner="postgresql://x@127.0.0.1:1/x", app="postgresql://x@127.0.0.1:1/x")

Document = dict[str, Any]


@functools.cache
def service_documents() -> dict[str, Document]:
    """Return each service's own document; its application connects to nothing for that."""
    with tempfile.TemporaryDirectory() as folder:
        secrets = SecretFiles(Path(folder))
        secrets.ensure()
        around = Surroundings(
            nats_url="nats://127.0.0.1:1",
            nats_monitor_url="http://127.0.0.1:1",
            creds=Path(folder),
            issuers=({"issuer": ISSUER, "jwks": {"keys": []}},),
            secrets=secrets,
            blobs=Path(folder),
        )
        found = {}
        for service in SERVICES:
            with environment(service_environment(service, NOWHERE, around)):
                app = importlib.import_module(f"services.{service}.main").create_app()
            found[service] = app.openapi()
    return found


@functools.cache
def merged_document() -> Document:
    """Return the gateway's document of everything."""
    settings = GatewaySettings(
        **{f"{service}_url": "http://127.0.0.1:1" for service in SERVICES},
        issuers=[{"issuer": ISSUER, "jwks": {"keys": []}}],
        transport="httpx",
    )
    gateway = create_app(settings)
    while not hasattr(gateway, "pages"):
        gateway = gateway.app
    return merge(own_document(gateway.pages), service_documents(), Router(), unavailable=[])


def operations(document: Document) -> Iterator[tuple[str, Document]]:
    """Give ``GET /v1/regions`` and its operation, for every operation."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method in METHODS:
                yield f"{method.upper()} {path}", operation
