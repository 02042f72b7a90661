"""The whole of Betang as deployed, nine processes, and the memory that each holds."""

import json
import sys
from collections.abc import Iterator, Mapping

from deploy.local import process
from deploy.local.environment import service_environment
from deploy.postgres.provision import SERVICES
from tests.bench.frame import Bench, Figure, Program
from tests.support.service import ServiceUnderTest
from tests.support.stack import ISSUER

CALLS_PER_MINUTE = 10**8
"""Nobody is held off."""


async def start(bench: Bench, registry: ServiceUnderTest) -> dict[str, Program]:
    """Start services, workers and gateway around ``registry``'s database, files and NATS."""
    environments = {"registry": registry.environment}
    around = bench.stack.around(registry.broker.server)
    for service in SERVICES:
        if service not in environments:
            (around.blobs / service).mkdir(parents=True)
            urls = await bench.stack.database(service)
            environments[service] = service_environment(service, urls, around)
    programs = {}
    for service, environment in environments.items():
        factory = f"services.{service}.main:create_app"
        programs[service] = await bench.serve(service, factory, environment)
        programs[f"{service}-worker"] = await _worker(bench, service, environment)
    addresses = {f"GATEWAY_{one.upper()}_URL": programs[one].url for one in environments}
    addresses["GATEWAY_ISSUERS"] = json.dumps([{"issuer": ISSUER, "jwks": bench.stack.signer.jwks}])
    addresses["GATEWAY_CALLS_PER_MINUTE"] = str(CALLS_PER_MINUTE)
    programs["gateway"] = await bench.serve("gateway", "gateway.main:create_app", addresses)
    return programs


def figures(programs: Mapping[str, Program], idle: Mapping[str, float]) -> Iterator[Figure]:
    """Tell what each process holds now, beside what it held when nothing had been asked of it."""
    for name, program in programs.items():
        yield Figure(f"memory of {name} at the end, beside idle", held(program), "MB", idle[name])
    now = sum(held(program) for program in programs.values())
    yield Figure("memory of all nine at the end, beside idle", now, "MB", sum(idle.values()))


def held(program: Program) -> float:
    """Return the resident memory of a program, in MB."""
    return program.memory_mb()


async def _worker(bench: Bench, service: str, environment: Mapping[str, str]) -> Program:
    port = process.free_port()
    command = [sys.executable, "-m", f"services.{service}.main"]
    metrics = {f"{service.upper()}_METRICS_PORT": str(port)}
    program = bench.start(f"{service}-worker", command, {**environment, **metrics}, port)
    await program.answers()
    return program
