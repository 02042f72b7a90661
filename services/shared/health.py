"""Whether a process lives, and whether it is ready to work.

A check is an async function that raises when its part does not work. Why it failed stands in the
log; the answer names only the part.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping

import structlog
import uvicorn
from fastapi import APIRouter, FastAPI
from pydantic import BaseModel

from services.shared import problems
from services.shared.observability import SILENT, metrics_router
from services.shared.openapi import refuses
from services.shared.problems import FieldError, Problem, ProblemType

Check = Callable[[], Awaitable[object]]
CHECK_TIMEOUT_S = 2
log = structlog.get_logger(__name__)

NOT_READY = ProblemType(
    "not_ready", 503, "Layanan belum siap melayani", "The service is not ready to work"
)
PUBLIC = {"x-public": "says only whether the parts of the service work"}


class Health(BaseModel):
    """``checks`` says ``ok`` for each part."""

    status: str
    checks: dict[str, str]


async def run_checks(checks: Mapping[str, Check]) -> dict[str, str]:
    """Run all checks at once, 2 s each at most; return ``ok`` or ``failed`` by name."""

    async def run(name: str, check: Check) -> str:
        try:
            async with asyncio.timeout(CHECK_TIMEOUT_S):
                await check()
        except Exception as error:  # noqa: BLE001 - whatever a part raises, it does not work
            log.warning("check_failed", check=name, error=type(error).__name__)
            return "failed"
        return "ok"

    results = await asyncio.gather(*(run(name, check) for name, check in checks.items()))
    return dict(zip(checks, results, strict=True))


def health_router(checks: Mapping[str, Check]) -> APIRouter:
    """Return ``/health/live`` (the process answers) and ``/health/ready`` (every check passes)."""
    router = APIRouter(prefix="/health", tags=["health"])

    @router.get("/live", openapi_extra=PUBLIC)
    async def live() -> Health:
        """Whether the process answers."""
        return Health(status="live", checks={})

    @router.get("/ready", openapi_extra=PUBLIC)
    @refuses(NOT_READY)
    async def ready() -> Health:
        """Whether every part works: database and event transport."""
        results = await run_checks(checks)
        failed = [name for name, result in results.items() if result != "ok"]
        if failed:
            raise Problem(
                NOT_READY,
                errors=[
                    FieldError(f"check:{name}", "failed", "gagal", "failed") for name in failed
                ],
                headers={"Retry-After": "2"},
            )
        return Health(status="ready", checks=results)

    return router


def operations_app(title: str, checks: Mapping[str, Check]) -> FastAPI:
    """Return the small application of a worker: its health and its metrics."""
    app = FastAPI(title=title, docs_url=None, redoc_url=None, openapi_url=None, telemetry=SILENT)
    problems.install(app)
    app.include_router(health_router(checks))
    app.include_router(metrics_router())
    return app


class _OperationsServer(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to the process, whose work is something else."""
        yield


@contextlib.asynccontextmanager
async def serving_operations(
    title: str, checks: Mapping[str, Check], port: int | None
) -> AsyncIterator[None]:
    """Show health and metrics on ``port`` while the block runs; nothing when it is None."""
    if port is None:
        yield
        return
    config = uvicorn.Config(
        operations_app(title, checks),
        host="0.0.0.0",  # noqa: S104 - scraped from other hosts; it shows no data
        port=port,
        log_config=None,
        access_log=False,
    )
    server = _OperationsServer(config)
    running = asyncio.create_task(server.serve())
    try:
        yield
    finally:
        server.should_exit = True
        await running
