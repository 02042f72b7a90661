"""The operator's tool: ``python -m deploy.nats init``; the rest is ``betang agency``.

``NATS_AUTHORITY`` is the folder of the operator's keys and ``NATS_URL`` the running server;
``NATS_REPLICAS`` says on how many servers of a cluster an agency's stream is kept (1).
"""

import argparse
import os
import sys
from pathlib import Path

from deploy.nats import commands
from deploy.nats.authority import Authority
from deploy.nats.claims import write_secret
from deploy.nats.config import Cluster, server_config
from services.shared import cli


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
    """Read the command line; what concerns agencies is ``betang agency``."""
    if sys.argv[1:2] != ["init"]:
        return cli.main(["agency", *sys.argv[1:]], [commands.add])
    parser = argparse.ArgumentParser(prog="python -m deploy.nats init", description=__doc__)
    parser.add_argument("--authority", type=Path, default=os.environ.get("NATS_AUTHORITY"))
    parser.add_argument("--name", default="betang")
    chosen = parser.parse_args(sys.argv[2:])
    if chosen.authority is None:
        parser.error("set NATS_AUTHORITY or --authority to the folder of the operator's keys")
    init(Path(chosen.authority), chosen.name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
