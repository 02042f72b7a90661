"""The server's configuration file. The same text runs on one machine and in the containers."""

import json
from dataclasses import dataclass
from pathlib import Path

from deploy.nats.authority import Authority

KEY_VARIABLE = "JETSTREAM_KEY"
"""The server reads the key that encrypts its streams from this variable, never from a file."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """One server's place among several: where it listens for the others, and where they are.

    ``password`` is common to all and lets nobody else in as a server; ``peers`` are ``host:port``.
    """

    listen: str
    password: str
    peers: tuple[str, ...]


def server_config(
    authority: Authority,
    *,
    name: str,
    listen: str,
    monitor: str,
    store: Path,
    accounts: Path,
    cluster: Cluster | None = None,
) -> str:
    """Return the configuration: operator mode, full resolver, encrypted and synced streams.

    The servers of a cluster have the same authority, each its own ``name`` and folders.

    ``sync_interval: always`` because NATS acknowledges before it syncs otherwise, every two
    minutes, and a power failure would lose acknowledged events.
    """
    preloaded = "\n".join(f"  {key}: {token}" for key, token in authority.preloaded().items())
    return f"""\
# Written by deploy/nats/config.py.
server_name: {name}
listen: "{listen}"
http: "{monitor}"
max_payload: 1MB

jetstream {{
  store_dir: {json.dumps(str(store))}
  sync_interval: always
  cipher: chachapoly
  key: ${KEY_VARIABLE}
}}

operator: {authority.operator_token()}
system_account: {authority.system.public}
resolver {{
  type: full
  dir: {json.dumps(str(accounts))}
  allow_delete: false
  interval: "2m"
}}
resolver_preload {{
{preloaded}
}}
{_cluster_block(cluster) if cluster else ""}"""


def _cluster_block(cluster: Cluster) -> str:
    routes = ", ".join(f'"nats-route://route:{cluster.password}@{peer}"' for peer in cluster.peers)
    # Not advertised: an agency outside could not reach the other servers' inner addresses.
    return f"""\
cluster {{
  name: betang
  listen: "{cluster.listen}"
  no_advertise: true
  authorization {{
    user: route
    password: {json.dumps(cluster.password)}
    timeout: 2
  }}
  routes: [{routes}]
}}
"""
