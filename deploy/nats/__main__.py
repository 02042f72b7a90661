"""The operator's tool: ``python -m deploy.nats init|issue|revoke|list``.

``NATS_AUTHORITY`` is the folder of the operator's keys and ``NATS_URL`` the running server;
``NATS_REPLICAS`` says on how many servers of a cluster an agency's stream is kept (1).
"""

import argparse
import asyncio
import os
import sys
from pathlib import Path

from deploy.nats import agency
from deploy.nats.authority import Authority
from deploy.nats.claims import write_secret
from deploy.nats.config import Cluster, server_config


def init(folder: Path, name: str) -> None:
    """Make the keys, the services' creds and ``nats.conf`` for a server of its own."""
    authority = Authority(folder)
    authority.write_creds()
    write_secret(folder / "nats.conf", container_config(authority, name))


def container_config(authority: Authority, name: str, cluster: Cluster | None = None) -> str:
    """Return the configuration of a server that listens everywhere and keeps all in ``/data``."""
    return server_config(
        authority,
        name=name,
        listen="0.0.0.0:4222",
        monitor="0.0.0.0:8222",
        store=Path("/data/jetstream"),
        accounts=Path("/data/accounts"),
        cluster=cluster,
    )


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m deploy.nats", description=__doc__)
    parser.add_argument("--authority", type=Path, default=os.environ.get("NATS_AUTHORITY"))
    parser.add_argument("--url", default=os.environ.get("NATS_URL", "nats://127.0.0.1:4222"))
    commands = parser.add_subparsers(dest="command", required=True)
    making = commands.add_parser("init", help="make keys, creds and nats.conf")
    making.add_argument("--name", default="betang")
    commands.add_parser("list", help="list the agencies and whether they are active")
    for name, text in (("issue", "give an agency its account"), ("revoke", "take it away")):
        commands.add_parser(name, help=text).add_argument("code")
    chosen = parser.parse_args()
    if chosen.authority is None:
        parser.error("set NATS_AUTHORITY or --authority to the folder of the operator's keys")
    folder = Path(chosen.authority)
    if chosen.command == "init":
        init(folder, chosen.name)
        return 0
    authority = Authority(folder)
    if chosen.command == "issue":
        replicas = int(os.environ.get("NATS_REPLICAS", "1"))
        door = asyncio.run(agency.issue(authority, chosen.url, chosen.code, replicas=replicas))
        print(f"{door.code}: creds {door.creds}, publish {door.publish}<type>, hear {door.hear}")
    elif chosen.command == "revoke":
        asyncio.run(agency.revoke(authority, chosen.url, chosen.code))
    for known in authority.agencies():
        print(f"{known.code}\t{'active' if known.active else 'revoked'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
