"""Runbooks and README name only what exists: commands, pages, files."""

import re
import shlex
from pathlib import Path

import pytest

from deploy.betang import MORE
from services.shared import cli

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/**/*.md")])
LINK = re.compile(r"\]\((?!https?:)([^)#]+)(#[^)]*)?\)")
COMMAND = re.compile(r"`betang ([a-z][^`]*)`")
PLACEHOLDER = {
    "<service>": "registry",
    "<subscription>": "families",
    "<id>": "00000000-0000-0000-0000-000000000000",
    "<file>": "audit.json",
    "<log>": "worker.log",
}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_somewhere(page: Path):
    broken = [
        link for link, _ in LINK.findall(page.read_text()) if not (page.parent / link).exists()
    ]
    assert not broken


def commands() -> list[str]:
    text = "\n".join(page.read_text() for page in ROOT.glob("docs/**/*.md"))
    return sorted(set(COMMAND.findall(text)))


@pytest.mark.parametrize("command", commands())
def test_every_command_of_a_runbook_is_understood(command: str):
    filled = command.replace("<public key>", "key.pem")
    for name, value in PLACEHOLDER.items():
        filled = filled.replace(name, value)
    cli.parser(MORE).parse_args(shlex.split(filled))
