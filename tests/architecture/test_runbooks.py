"""Runbooks and README name only what exists: commands, pages, files."""

import argparse
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.betang import MORE
from services.shared import cli

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/**/*.md")])
LINK = re.compile(r"\]\((?!https?:)([^)#]+)(#[^)]*)?\)")
RUNBOOKS = sorted(page for page in ROOT.glob("docs/runbooks/*.md") if page.name != "README.md")
TABLED = re.compile(r"^\| `betang ([a-z -]+)` \|")
COMMAND = re.compile(r"`betang ([a-z][^`]*)`")
PLACEHOLDER = {
    "<service>": "registry",
    "<subscription>": "families",
    "<id>": "00000000-0000-0000-0000-000000000000",
    "<file>": "audit.json",
    "<log>": "worker.log",
    "<CODE>": "DINSOS",
    "<folder>": "cadangan",
    "<name>": "break_glass_registry_00000000",
    "<public key>": "key.pem",
}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_somewhere(page: Path):
    broken = [
        link for link, _ in LINK.findall(page.read_text()) if not (page.parent / link).exists()
    ]
    assert not broken


def lines() -> list[str]:
    return [line for page in ROOT.glob("docs/**/*.md") for line in page.read_text().splitlines()]


def commands() -> list[str]:
    text = "\n".join(line for line in lines() if not TABLED.match(line))
    return sorted(set(COMMAND.findall(text)))


@pytest.mark.parametrize("command", commands())
def test_every_command_of_a_runbook_is_understood(command: str):
    for name, value in PLACEHOLDER.items():
        command = command.replace(name, value)
    cli.parser(MORE).parse_args(shlex.split(command))


def words_of(parser: argparse.ArgumentParser, *before: str) -> Iterator[str]:
    """Yield every command of a parser, with the words that lead to it."""
    below = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    for action in below:
        for name, inner in action.choices.items():
            yield from words_of(inner, *before, name)
    if not below:
        yield " ".join(before)


def test_the_table_names_every_command_and_no_other():
    told = [match[1] for line in lines() if (match := TABLED.match(line))]
    assert sorted(told) == sorted(words_of(cli.parser(MORE)))


@pytest.mark.parametrize("language", ["id", "en"])
@pytest.mark.parametrize("command", sorted(words_of(cli.parser(MORE))))
def test_every_command_helps_in_both_languages(
    command: str, language: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("BETANG_LANG", language)
    with pytest.raises(SystemExit) as ended:
        cli.main([*command.split(), "--help"], MORE)
    assert ended.value.code == cli.DONE
    said = capsys.readouterr().out
    assert ("tampilkan bantuan ini" in said) == (language == "id")
    assert ("show this help" in said) == (language == "en")


@pytest.mark.parametrize("page", RUNBOOKS, ids=lambda page: page.name)
def test_a_runbook_says_how_to_know_that_it_is_over_and_is_listed(page: Path):
    assert re.search(r"\b[Ii]t is over\b", page.read_text())
    assert f"({page.name})" in (page.parent / "README.md").read_text()
