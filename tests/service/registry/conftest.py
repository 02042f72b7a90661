"""A registry with a fresh database per test module, and a merge as an approved import does it."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from services.registry.actions.merging import merge_residents, merge_welfare
from services.registry.domain.residents import MergeResult, ResidentBatch, ResidentRow, WelfareRow
from services.registry.storage.identities import Numbers
from tests.conftest import MakeService
from tests.support.residents import a_batch
from tests.support.service import ServiceUnderTest

Merge = Callable[..., Awaitable[MergeResult]]


def numbers_of(registry: ServiceUnderTest) -> Numbers:
    """Return how the registry keeps numbers, by its present keys."""
    return Numbers(registry.app.state.key_file.current())


@pytest.fixture(scope="module")
async def registry(make_service: MakeService) -> ServiceUnderTest:
    return await make_service("registry")


@pytest.fixture
def merge(registry: ServiceUnderTest) -> Merge:
    """``await merge(row, ...)`` or ``await merge(batch)``: in one transaction, committed."""

    async def run(*what: ResidentRow | ResidentBatch, source: str = "opensid") -> MergeResult:
        batch = what[0] if isinstance(what[0], ResidentBatch) else a_batch(*what)
        async with registry.db.transaction() as tx:
            return await merge_residents(
                tx,
                batch,
                numbers=numbers_of(registry),
                actor="tester",
                source=source,
                import_id=None,
            )

    return run


@pytest.fixture
def rate(registry: ServiceUnderTest) -> Merge:
    """Merge rows of a national list."""

    async def run(*rows: WelfareRow) -> MergeResult:
        async with registry.db.transaction() as tx:
            return await merge_welfare(
                tx, rows, numbers=numbers_of(registry), actor="tester", import_id=None
            )

    return run


@pytest.fixture
def told(registry: ServiceUnderTest) -> Callable[[], Awaitable[list[dict[str, Any]]]]:
    """Return and forget the events that wait in the outbox, as type, version and payload."""

    async def take() -> list[dict[str, Any]]:
        async with registry.db.transaction() as tx:
            connection = await tx.raw()
            rows = await connection.fetch(
                "DELETE FROM outbox RETURNING sequence, type, aggregateid, version, lane,"
                " payload::text AS payload"
            )
        return [dict(row) for row in sorted(rows, key=lambda row: row["sequence"])]

    return take
