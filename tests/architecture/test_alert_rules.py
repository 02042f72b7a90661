"""The alert rules speak of metrics that exist and of runbooks that are there."""

import importlib
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from prometheus_client import REGISTRY

ROOT = Path(__file__).resolve().parents[2]
RULES = sorted((ROOT / "deploy" / "prometheus").glob("*.yml"))
NOT_OURS = {"up"}
LABELS_OF_PROMETHEUS = {"part", "instance", "job", "le"}


def alerts() -> list[dict]:
    documents = [yaml.safe_load(path.read_text()) for path in RULES]
    return [
        rule for document in documents for group in document["groups"] for rule in group["rules"]
    ]


@pytest.fixture(scope="module")
def labels_of() -> dict[str, set[str]]:
    """Return the labels of each series that a process of ours shows."""
    for service in ("registry", "programs", "distribution", "indicators"):
        importlib.import_module(f"services.{service}.main")
    importlib.import_module("gateway.main")
    found = {}
    for collector, names in REGISTRY._collector_to_names.items():
        for name in names:
            found[name] = set(getattr(collector, "_labelnames", ()))
    return found


def test_there_are_rules_and_each_name_is_used_once() -> None:
    names = [rule["alert"] for rule in alerts()]
    assert len(names) >= 10
    assert len(names) == len(set(names))


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: rule["alert"])
def test_a_rule_asks_for_metrics_and_labels_that_exist(rule, labels_of) -> None:
    named = set(re.findall(r"\b(betang_\w+|up)\b", rule["expr"]))
    assert named, rule["expr"]
    assert named - NOT_OURS <= labels_of.keys()
    asked = set(re.findall(r"(\w+)\s*(?:=~|!=|!~|=)\s*\"", rule["expr"]))
    for group in re.findall(r"\b(?:by|on)\s*\(([^)]*)\)", rule["expr"]):
        asked |= {label.strip() for label in group.split(",")}
    shown = set().union(*(labels_of[name] for name in named - NOT_OURS))
    assert asked <= shown | LABELS_OF_PROMETHEUS
    spoken = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
    assert spoken <= shown | LABELS_OF_PROMETHEUS


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: rule["alert"])
def test_a_rule_says_how_urgent_it_is_and_what_to_do(rule) -> None:
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert (ROOT / "docs" / "runbooks" / rule["annotations"]["runbook"]).is_file()


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_the_rules_say_what_they_should_of_series_written_by_hand() -> None:
    cases = Path(__file__).with_name("alerts") / "betang_test.yml"
    said = subprocess.run(["promtool", "test", "rules", cases], capture_output=True, check=False)
    assert said.returncode == 0, said.stdout + said.stderr
