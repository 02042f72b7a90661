"""The real gateway before a longhouse, as many of it as production has."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from subprocess import Popen

from deploy.local import process
from deploy.local.supervisor import answers
from deploy.local.system import ROOT
from services.shared.settings import Issuer
from tests.support.faults.longhouse import STARTS_S, Longhouse
from tests.support.faults.proxy import Address
from tests.support.waiting import wait_until

GRACE_S, STOPS_S = "5", 15
"""As in production: what is under way may end."""


@asynccontextmanager
async def gateway(
    house: Longhouse, addresses: Mapping[str, Address], port: int, **settings: object
) -> AsyncIterator["Popen[bytes]"]:
    """Run a gateway on ``port`` that finds each service at its address; wait until it answers."""
    (issuer,) = (Issuer(**each) for each in house.around.issuers)
    env = {
        "GATEWAY_ISSUERS": json.dumps([issuer.model_dump(mode="json", exclude_none=True)]),
        "GATEWAY_CALLS_PER_MINUTE": "1000000",
    }
    for service, (host, at) in addresses.items():
        env[f"GATEWAY_{service.upper()}_URL"] = f"http://{host}:{at}"
    env |= {f"GATEWAY_{name.upper()}": str(value) for name, value in settings.items()}
    command = [sys.executable, "-m", "uvicorn", "--factory", "gateway.main:create_app"]
    command += ["--port", str(port), "--no-access-log", "--timeout-graceful-shutdown", GRACE_S]
    log = house.logs / f"gateway-{port}.log"
    started = process.spawn(command, log=log, env=env, cwd=ROOT, death_signal=signal.SIGKILL)
    try:
        url = f"http://127.0.0.1:{port}/health/live"
        await wait_until(lambda: answers(url), STARTS_S, what="the gateway answers")
        yield started
    finally:
        # In a thread: the proxies, which its last requests need, live in this loop.
        await asyncio.to_thread(process.stop, started, within_s=STOPS_S)


def free_port() -> int:
    return process.free_port()
