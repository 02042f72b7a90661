"""The tables in each service's README are true: endpoints, events told and heard, tables.

Under the headings Endpoints, Tells, Listens and Tables stands a markdown table. The first cell of
a row names the thing: ``GET /v1/families/{family_id}``, an event type, a table.
"""

import importlib
import re
from collections.abc import Iterable

import pytest
from sqlalchemy import MetaData

from services.shared.tables import new_metadata, shared_tables
from tests.architecture.source import ROOT, SERVICES

HEADING = re.compile(r"^#{2,4}\s+(.*?)\s*$")
ROW = re.compile(r"^\|\s*(.*?)\s*\|")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD")


def table(service: str, heading: str) -> list[str]:
    """Return the first cells of the table below ``heading``, without its head, code marks off."""
    cells: list[str] = []
    inside = False
    for line in (ROOT / "services" / service / "README.md").read_text().splitlines():
        if found := HEADING.match(line):
            inside = found[1].lower() == heading.lower()
        elif inside and (row := ROW.match(line)):
            cells.append(row[1].replace("`", "").strip())
    assert cells, f"services/{service}/README.md has no table under {heading!r}"
    rule = next(n for n, cell in enumerate(cells) if set(cell) <= set("-: "))
    return cells[rule + 1 :]


def assert_same(written: Iterable[str], real: Iterable[str], what: str) -> None:
    assert sorted(written) == sorted(set(real)), f"README and code differ about {what}"


@pytest.mark.parametrize("service", SERVICES)
async def test_the_endpoints_in_the_readme_are_those_of_the_app(service, make_service):
    under_test = await make_service(service)
    document = under_test.app.openapi()
    real = [
        f"{method.upper()} {path}"
        for path, operations in document["paths"].items()
        for method in operations
        if method.upper() in METHODS and not path.startswith(("/health", "/metrics"))
    ]
    assert_same(table(service, "Endpoints"), real, "endpoints")


@pytest.mark.parametrize("service", SERVICES)
def test_the_events_told_are_those_of_the_contracts(service):
    from services.contracts.catalogue import EVENTS  # noqa: PLC0415 - only these tests need it

    real = [event.TYPE for event in EVENTS if event.TYPE.startswith(f"{service}.")]
    assert_same(table(service, "Tells"), real, "events told")


@pytest.mark.parametrize("service", SERVICES)
async def test_the_events_heard_are_those_of_the_subscriptions(service, make_service):
    under_test = await make_service(service)
    real = [kind.TYPE for heard in under_test.subscriptions() for kind in heard.types]
    assert_same(table(service, "Listens"), real, "events heard")


@pytest.mark.parametrize("service", SERVICES)
def test_the_tables_are_those_of_the_storage(service):
    """The shared tables (outbox, inbox ...) are described once, in services/README.md."""
    common = new_metadata()
    shared_tables(common)
    module = importlib.import_module(f"services.{service}.storage.tables")
    metadata = next(value for value in vars(module).values() if isinstance(value, MetaData))
    real = set(metadata.tables) - set(common.tables)
    assert_same(table(service, "Tables"), real, "tables")
