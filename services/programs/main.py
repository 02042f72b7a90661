"""Wires programs: the HTTP application and the worker. Nothing else does."""

from fastapi import FastAPI

from services.programs.actions import republish
from services.programs.api import enrolments, organisations, programs, rules
from services.programs.api.errors import CATALOGUE
from services.programs.api.examples import EXAMPLES
from services.programs.settings import ProgramsSettings
from services.programs.storage.persons import KEYED as PERSONS
from services.programs.subscriptions import distribution, registry, skpd
from services.shared.http import create_service_app
from services.shared.worker import run_worker

SUBSCRIPTIONS = (
    registry.FAMILIES,
    registry.IDENTITIES,
    skpd.REPORTS,
    distribution.ENTITLEMENTS,
)
REPUBLISHERS = (
    republish.republish_organisations,
    republish.republish_programs,
    republish.republish_enrolments,
)
KEYED = (PERSONS,)


def create_app() -> FastAPI:
    """Return the application; settings come from the environment."""
    settings = ProgramsSettings()
    return create_service_app(
        settings,
        title="Betang programs",
        routers=(
            organisations.router,
            programs.router,
            rules.router,
            enrolments.router,
        ),
        errors=CATALOGUE,
        examples=EXAMPLES,
    )


def main() -> None:
    """Run the worker: relay, inbox, orders, sealing of the audit chain."""
    run_worker(
        ProgramsSettings(),
        service="programs",
        subscriptions=SUBSCRIPTIONS,
        republishers=REPUBLISHERS,
        keyed=KEYED,
    )


if __name__ == "__main__":
    main()
