"""Wires distribution: the HTTP application and the worker. Nothing else does."""

from fastapi import FastAPI

from services.distribution.actions import republish
from services.distribution.api import cycles, deliveries, entitlements, ledger, sessions
from services.distribution.api.errors import CATALOGUE
from services.distribution.api.examples import EXAMPLES
from services.distribution.api.proofs import DELIVERY_PROOF
from services.distribution.settings import DistributionSettings
from services.distribution.storage.projections import KEYED as PERSONS
from services.distribution.subscriptions import programs, registry, skpd
from services.shared import upload_rows
from services.shared.blob_places import backend_of
from services.shared.blobs import BlobStore
from services.shared.db import Database
from services.shared.http import create_service_app
from services.shared.sealing import Keyring
from services.shared.uploads import uploads_router
from services.shared.worker import HOUR_S, Job, run_worker

SUBSCRIPTIONS = (*registry.SUBSCRIPTIONS, *programs.SUBSCRIPTIONS, *skpd.SUBSCRIPTIONS)
REPUBLISHERS = (
    republish.cycles,
    republish.entitlements,
    republish.deliveries,
    republish.returns,
)
KEYED = (PERSONS,)


def create_app() -> FastAPI:
    """Return the application; settings come from the environment."""
    settings = DistributionSettings()
    return create_service_app(
        settings,
        title="Betang distribution",
        routers=(
            cycles.router,
            entitlements.router,
            sessions.router,
            deliveries.router,
            ledger.router,
            uploads_router("distribution", [DELIVERY_PROOF]),
        ),
        errors=CATALOGUE,
        examples=EXAMPLES,
    )


def main() -> None:
    """Run the worker until SIGTERM: relay, inbox, orders, audit, unfinished uploads."""
    settings = DistributionSettings()
    store = BlobStore(backend_of(settings), Keyring.load(settings.key_file))

    async def purge_uploads(db: Database) -> None:
        await upload_rows.purge(db, store)

    run_worker(
        settings,
        service="distribution",
        subscriptions=SUBSCRIPTIONS,
        republishers=REPUBLISHERS,
        jobs=(Job("uploads-purge", HOUR_S, purge_uploads),),
        keyed=KEYED,
    )


if __name__ == "__main__":
    main()
