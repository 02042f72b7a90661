"""Wires indicators: the HTTP application and the worker. Nothing else does."""

from fastapi import FastAPI

from services.indicators.actions import publications
from services.indicators.actions.tallies import check_tallies
from services.indicators.api import (
    budgets,
    contributions,
    coverage,
    indicators,
    official,
    programs,
    progress,
    sources,
    stream,
    targets,
    unreached,
)
from services.indicators.api.errors import CATALOGUE
from services.indicators.api.examples import EXAMPLES
from services.indicators.api.stream import FigureFeed
from services.indicators.settings import IndicatorsSettings
from services.indicators.subscriptions import distribution
from services.indicators.subscriptions import programs as told_by_programs
from services.indicators.subscriptions import registry as told_by_registry
from services.shared.http import create_service_app
from services.shared.worker import Job, run_worker

DAY_S = 86_400.0

SUBSCRIPTIONS = (
    told_by_registry.SUBSCRIPTION,
    told_by_programs.SUBSCRIPTION,
    distribution.STATES,
    distribution.FACTS,
)
REPUBLISHERS = (publications.republish,)
JOBS = (Job("tallies-check", DAY_S, check_tallies),)


def create_app() -> FastAPI:
    """Return the application; settings come from the environment."""
    settings = IndicatorsSettings()
    app = create_service_app(
        settings,
        title="Betang indicators",
        routers=(
            contributions.router,
            coverage.router,
            unreached.router,
            budgets.router,
            official.router,
            targets.router,
            # Fixed paths stand before /v1/indicators/{code}, which would take them.
            stream.router,
            sources.router,
            programs.router,
            progress.router,
            indicators.router,
        ),
        errors=CATALOGUE,
        examples=EXAMPLES,
    )
    app.state.figure_feed = FigureFeed(app.state.db.pool)
    return app


def main() -> None:
    """Run the worker until SIGTERM: relay, inbox, orders, audit, the daily check of tallies."""
    run_worker(
        IndicatorsSettings(),
        service="indicators",
        subscriptions=SUBSCRIPTIONS,
        republishers=REPUBLISHERS,
        jobs=JOBS,
    )


if __name__ == "__main__":
    main()
