"""The registry put together: the HTTP application and the worker. Nothing else wires."""

from fastapi import FastAPI

from services.registry.api import code_lists, families, persons, regions
from services.registry.api.errors import PROBLEMS
from services.registry.settings import RegistrySettings
from services.registry.storage.identities import Numbers
from services.shared.http import create_service_app


def create_app() -> FastAPI:
    """Return the application of ``uvicorn --factory services.registry.main:create_app``."""
    settings = RegistrySettings()
    app = create_service_app(
        settings,
        title="Betang registry",
        routers=[regions.router, families.router, persons.router, code_lists.router],
        errors=PROBLEMS,
    )
    app.state.numbers = Numbers(app.state.keyring)
    return app
