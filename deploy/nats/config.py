"""The server's configuration file. The same text runs on one machine and in the containers."""

import json
from pathlib import Path

from deploy.nats.authority import Authority

KEY_VARIABLE = "JETSTREAM_KEY"
"""The server reads the key that encrypts its streams from this variable, never from a file."""


def server_config(
    authority: Authority,
    *,
    name: str,
    listen: str,
    monitor: str,
    store: Path,
    accounts: Path,
) -> str:
    """Return the configuration: operator mode, full resolver, encrypted and synced streams.

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
"""
