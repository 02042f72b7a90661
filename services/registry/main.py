"""The registry put together: the HTTP application and the worker. Nothing else wires."""

from fastapi import FastAPI

from services.registry.actions import regions as region_actions
from services.registry.actions import republish
from services.registry.api import code_lists, families, imports, persons, regions
from services.registry.api.errors import PROBLEMS
from services.registry.api.import_shapes import IMPORT_ERRORS
from services.registry.settings import RegistrySettings
from services.registry.storage.identities import Numbers
from services.registry.subscriptions.distribution import ENTITLEMENTS
from services.registry.subscriptions.programs import ENROLMENTS
from services.shared.http import create_service_app
from services.shared.uploads import uploads_router

SUBSCRIPTIONS = (ENROLMENTS, ENTITLEMENTS)
REPUBLISHERS = (
    region_actions.region_states,
    republish.republish_families,
    republish.republish_identities,
)


def create_app() -> FastAPI:
    """Return the application of ``uvicorn --factory services.registry.main:create_app``."""
    settings = RegistrySettings()
    app = create_service_app(
        settings,
        title="Betang registry",
        routers=[
            regions.router,
            families.router,
            persons.router,
            code_lists.router,
            imports.router,
            uploads_router("registry", [imports.IMPORT_UPLOADS]),
        ],
        errors={**PROBLEMS, **IMPORT_ERRORS},
    )
    app.state.numbers = Numbers(app.state.keyring)
    return app
