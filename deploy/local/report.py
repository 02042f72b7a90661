"""What ``make up`` ends with: where everything is, and a token for each role."""

from typing import Any

from rich.console import Console
from rich.table import Table

from deploy.local.issuer import PEOPLE
from deploy.local.system import System


def print_report(console: Console, system: System) -> None:
    """Print the addresses and how to get a token for each role; write the tokens to files."""
    folder = system.state / "tokens"
    folder.mkdir(exist_ok=True, mode=0o700)
    title = f"Development tokens, one day each, in {folder}"
    people = Table(title=title, title_justify="left")
    for column in ("role", "regions", "agency", "file"):
        people.add_column(column)
    for person in PEOPLE.values():
        file = folder / person.subject
        file.touch(mode=0o600)
        file.write_text(system.token(person.subject))
        role, regions = ", ".join(person.roles), ", ".join(person.regions)
        people.add_row(role, regions, person.agency or "", person.subject)
    console.print(people)
    addresses = Table(show_header=False, box=None)
    addresses.add_row("gateway", f"[bold]{system.gateway_url}[/]")
    addresses.add_row("API pages", f"[bold]{system.gateway_url}/docs[/]")
    addresses.add_row("tokens", f"{system.issuer_url}/token (POST subject=admin)")
    addresses.add_row("NATS", f"{system.nats_url}, creds in {system.authority.folder / 'creds'}")
    addresses.add_row("logs", str(system.logs))
    console.print(addresses)
    example = f'curl -H "Authorization: Bearer $(cat {folder}/admin)" {system.gateway_url}/v1/me'
    console.print(f"\nTry:  {example}", soft_wrap=True)
    console.print("Ctrl-C stops everything; the data stay.")


def print_status(console: Console, running: dict[str, Any], health: dict[str, bool]) -> None:
    """Print each part with its health, and the addresses."""
    table = Table()
    for column in ("part", "health"):
        table.add_column(column)
    for name, well in health.items():
        table.add_row(name, "[green]answers[/]" if well else "[red]does not answer[/]")
    console.print(table)
    console.print(f"gateway {running['gateway_url']}   API pages {running['gateway_url']}/docs")
