"""The rules of the house style that a syntax tree can check."""

import ast
import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.shared.events import EventData
from tests.architecture.source import SERVICES, modules, python_files, text, tree

HANDLES_MONEY = ("registry", "programs", "distribution")
BROAD_CATCHES = {
    "services/shared/inbox.py",
    "services/shared/health.py",
    "services/shared/outbox.py",
    "services/shared/worker.py",
    "services/registry/actions/imports_work.py",
}
"""Where whatever goes wrong is classified: parked, retried, or reported as not ready. A loop that
lives as long as its process (the imports' one) logs the fault and tries again."""


def calls(path: Path) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree(path)) if isinstance(node, ast.Call))


@pytest.mark.parametrize("service", HANDLES_MONEY)
def test_no_float_stands_where_money_and_entitlement_are_decided(service):
    """Rupiah are integers, scores are Decimal with a stated rounding (R9)."""
    found = []
    for path in python_files(f"services/{service}/domain", f"services/{service}/storage"):
        for node in ast.walk(tree(path)):
            is_name = isinstance(node, ast.Name) and node.id in {"float", "Float"}
            is_number = isinstance(node, ast.Constant) and isinstance(node.value, float)
            is_column = isinstance(node, ast.Attribute) and node.attr in {"Float", "REAL"}
            if is_name or is_number or is_column:
                found.append(f"{path}:{node.lineno}")
    assert found == []


def test_only_shared_db_commits_or_rolls_back():
    found = []
    for path in python_files("services", "gateway"):
        if path in {Path("services/shared/db.py"), Path("services/shared/migrations.py")}:
            continue
        for call in calls(path):
            if isinstance(call.func, ast.Attribute) and call.func.attr in {"commit", "rollback"}:
                found.append(f"{path}:{call.lineno}")
    assert found == []


def test_exceptions_are_caught_broadly_only_where_they_are_classified():
    found = []
    for path in python_files("services", "gateway"):
        for node in ast.walk(tree(path)):
            if not isinstance(node, ast.ExceptHandler):
                continue
            broad = node.type is None or (
                isinstance(node.type, ast.Name) and node.type.id in {"Exception", "BaseException"}
            )
            raises_again = any(isinstance(inner, ast.Raise) for inner in ast.walk(node))
            if broad and not raises_again and str(path) not in BROAD_CATCHES:
                found.append(f"{path}:{node.lineno}")
    assert found == []


def test_only_the_clock_reads_the_time():
    found = []
    for path in python_files("services", "gateway"):
        if path == Path("services/shared/clock.py"):
            continue
        for call in calls(path):
            if ast.unparse(call.func) in {
                "datetime.now",
                "datetime.utcnow",
                "date.today",
                "time.time",
                "datetime.datetime.now",
            }:
                found.append(f"{path}:{call.lineno}")
    assert found == []


def routes(service: str) -> Iterator[tuple[Path, ast.AsyncFunctionDef | ast.FunctionDef, str, str]]:
    """Yield each endpoint of a service with its file, HTTP method and decorator."""
    for path in python_files(f"services/{service}/api"):
        for node in ast.walk(tree(path)):
            if not isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef):
                continue
            for decorator in node.decorator_list:
                called = decorator.func if isinstance(decorator, ast.Call) else decorator
                if isinstance(called, ast.Attribute) and called.attr in {
                    "get", "post", "put", "patch", "delete",
                }:  # fmt: skip
                    yield path, node, called.attr, ast.unparse(decorator)


@pytest.mark.parametrize("service", SERVICES)
def test_get_routes_only_read(service):
    """R7: a GET takes ``ReadTx`` or no transaction, never one that writes.

    One that must record its access (a download of identity numbers) says so at its route.
    """
    found = list(routes(service))
    assert found, f"services/{service}/api has no route"
    writing = [
        f"{path}:{node.lineno} {node.name}"
        for path, node, method, decorator in found
        if method == "get" and "x-no-idempotency" not in decorator
        for argument in (*node.args.args, *node.args.kwonlyargs)
        if argument.annotation is not None and ast.unparse(argument.annotation) == "Tx"
    ]
    assert writing == []


@pytest.mark.parametrize("service", SERVICES)
def test_subscriptions_and_reads_leave_writing_to_actions(service):
    """R3: no SQL that changes rows stands in ``api`` or ``subscriptions``."""
    found = []
    for path in python_files(f"services/{service}/api", f"services/{service}/subscriptions"):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
                ("sqlalchemy", "sqlmodel", "asyncpg")
            ):
                imported = {alias.name for alias in node.names}
                if imported & {"insert", "update", "delete", "text"}:
                    found.append(f"{path}:{node.lineno}")
    assert found == []


def test_every_event_is_emitted_only_by_its_producer():
    contracts = {
        producer: {
            member
            for member, value in inspect.getmembers(
                importlib.import_module(f"services.contracts.{producer}"), inspect.isclass
            )
            if issubclass(value, EventData) and value is not EventData
        }
        for producer in (*SERVICES, "skpd")
    }
    found = []
    for service in SERVICES:
        foreign = set().union(*(names for owner, names in contracts.items() if owner != service))
        # Not in subscriptions: a translator may rebuild what it read.
        folders = [f"services/{service}/{layer}" for layer in ("api", "actions", "storage")]
        for path in python_files(*folders):
            for call in calls(path):
                built = call.func.id if isinstance(call.func, ast.Name) else ""
                if built in foreign:
                    found.append(f"{path}:{call.lineno} builds {built}")
    assert found == []


def test_the_same_seven_names_stand_in_every_service():
    for service in SERVICES:
        names = {
            name.split(".")[2] for name in modules(f"services/{service}") if name.count(".") > 1
        }
        assert names == {
            "main", "settings", "api", "subscriptions", "actions", "storage", "domain",
        }  # fmt: skip


def test_shared_speaks_no_domain_word():
    # Not "family": shared speaks of families of event types and of addresses.
    words = ("household", "village", "enrolment", "entitlement", "desil", "program_id")
    found = []
    for path in python_files("services/shared"):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Name | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                identifier = node.id if isinstance(node, ast.Name) else node.name
                if any(word in identifier.lower().split("_") for word in words):
                    found.append(f"{path}:{node.lineno} {identifier}")
    assert found == []
    assert "services.registry" not in "".join(
        text(path) for path in python_files("services/shared")
    )
