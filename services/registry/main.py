"""The registry put together: the HTTP application and the worker. Nothing else wires."""

from fastapi import FastAPI

from services.registry.actions import imports_measuring, rekeying, republish
from services.registry.actions import regions as region_actions
from services.registry.actions.imports_work import ImportWorker, import_waits, upload_reader
from services.registry.api import code_lists, families, imports, persons, regions
from services.registry.api.errors import PROBLEMS
from services.registry.api.examples import EXAMPLES
from services.registry.api.import_shapes import IMPORT_ERRORS
from services.registry.settings import RegistrySettings
from services.registry.subscriptions.distribution import ENTITLEMENTS
from services.registry.subscriptions.programs import ENROLMENTS
from services.shared import upload_rows
from services.shared.apart import apart
from services.shared.blob_places import backend_of
from services.shared.blobs import BlobStore
from services.shared.db import Database
from services.shared.http import create_service_app
from services.shared.key_files import KeyFile
from services.shared.uploads import uploads_router
from services.shared.worker import HOUR_S, MEASURE_S, Job, run_worker

SUBSCRIPTIONS = (ENROLMENTS, ENTITLEMENTS)
REPUBLISHERS = (
    region_actions.region_states,
    republish.republish_families,
    republish.republish_identities,
)
KEYED = rekeying.KEYED
IMPORT_POLL_S = 1.0
"""A person who approved an import looks at its progress: a second is soon enough."""


def create_app() -> FastAPI:
    """Return the application of ``uvicorn --factory services.registry.main:create_app``."""
    settings = RegistrySettings()
    return create_service_app(
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
        examples=EXAMPLES,
    )


def jobs(settings: RegistrySettings) -> tuple[Job, ...]:
    """Return what the worker does beside relay and inbox."""
    keys = KeyFile(settings.key_file)
    store = BlobStore(backend_of(settings), keys.current())

    async def load_regions(db: Database) -> None:
        async with db.transaction() as tx:
            await region_actions.load_regions(tx, settings.regency)

    def importer(db: Database) -> ImportWorker:
        return ImportWorker(db, keys, upload_reader(db, store))

    async def import_lists(db: Database) -> None:
        # Apart, for a list computes for minutes and a person's event must not wait for it.
        if await import_waits(db):
            await apart(db, lambda own: importer(own).drain())

    async def purge_uploads(db: Database) -> None:
        await upload_rows.purge(db, store)

    return (
        Job("regions", 24 * HOUR_S, load_regions),
        Job("imports", IMPORT_POLL_S, import_lists),
        Job("imports-measure", MEASURE_S, imports_measuring.measure),
        Job("imports-forget", HOUR_S, lambda db: importer(db).forget_old_rows()),
        Job("uploads-purge", HOUR_S, purge_uploads),
    )


def main() -> None:
    """Run the worker until SIGTERM: relay, inbox, orders, audit, regions, imports."""
    settings = RegistrySettings()
    run_worker(
        settings,
        service="registry",
        subscriptions=SUBSCRIPTIONS,
        republishers=REPUBLISHERS,
        jobs=jobs(settings),
        keyed=KEYED,
    )


if __name__ == "__main__":
    main()
