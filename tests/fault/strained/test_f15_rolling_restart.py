"""F15: every process is restarted by SIGTERM, one after another, under load.

Services, workers and gateways run twice, as in production; a connection goes to the replica that
takes it. Nobody who follows the integrator guide sees a write fail: no call is turned away, and one
that gets no answer is answered at its second try with the same key, with one effect.

The first try may be lost because a server that ends closes the connections on which nothing is
under way, and a request may be on its way to it at that moment (RFC 9112, section 9.5). No server
can prevent that.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from multiprocessing.process import BaseProcess

import httpx

from deploy.local.supervisor import answers
from tests.fault.conftest import Run
from tests.support.faults.checker import check_at_the_end, check_now
from tests.support.faults.gateways import free_port, gateway
from tests.support.faults.history import READ, Call, Outcome
from tests.support.faults.journey import Journey
from tests.support.faults.load import at_work, calls_answered
from tests.support.faults.longhouse import CALL_S, STARTS_S
from tests.support.faults.mortal import kill, stop
from tests.support.faults.proxy import proxied
from tests.support.faults.strained import StrainedHouse
from tests.support.faults.truths import SERVICES
from tests.support.waiting import wait_until

FULL_ROUNDS = 24
ORDER = ("programs", "distribution-worker", "gateway", "registry", "distribution", "indicators",
         "programs-worker", "registry-worker", "indicators-worker")  # fmt: skip

CUT = ("RemoteProtocolError", "ReadError", "502 upstream_")
"""A connection that ended without an answer: the caller's to a gateway, or the gateway's."""


@dataclass(slots=True)
class Replica:
    """The second process of a service."""

    service: str
    port: int
    process: BaseProcess


class Twofold:
    """The longhouse with a second process of each service, and two gateways."""

    def __init__(self, house: StrainedHouse) -> None:
        self.house = house
        self.replicas: dict[str, Replica] = {}
        self.addresses: dict[str, tuple[str, int]] = {}
        self.gateways: dict[int, AsyncExitStack] = {}

    async def restart(self, part: str) -> None:
        """Restart both processes of a part, one after the other."""
        if part == "gateway":
            for port in list(self.gateways):
                await self.gateways.pop(port).aclose()
                await self.open_gateway(port)
        elif part.endswith("-worker"):
            await self.house.halt(part)
            self.house.run(part)
        else:
            await self.house.halt(part)
            self.house.run(part)
            await self.house.until_ready(part)
            await stop(self.replicas[part].process)
            await self.run_replica(part, self.replicas[part].port)

    async def run_replica(self, service: str, port: int) -> None:
        house = self.house
        started = house._starter.api(service, house.environment(service), port)
        self.replicas[service] = Replica(service, port, started)
        url = f"http://127.0.0.1:{port}/health/live"
        await wait_until(lambda: answers(url), STARTS_S, what=f"the second {service} answers")

    async def open_gateway(self, port: int) -> None:
        opened = AsyncExitStack()
        await opened.enter_async_context(gateway(self.house, self.addresses, port))
        self.gateways[port] = opened

    async def close(self) -> None:
        for opened in self.gateways.values():
            await opened.aclose()
        for replica in self.replicas.values():
            kill(replica.process)


@asynccontextmanager
async def twofold(house: StrainedHouse) -> AsyncIterator[Twofold]:
    """Double the house; its ``client`` goes through the gateways meanwhile."""
    two, before = Twofold(house), house.client
    async with AsyncExitStack() as open_:
        open_.push_async_callback(two.close)
        for service in SERVICES:
            await two.run_replica(service, free_port())
            both = [("127.0.0.1", at) for at in (house.ports[service], two.replicas[service].port)]
            line = await open_.enter_async_context(proxied(*both))
            two.addresses[service] = line.host, line.port
        ports = [free_port(), free_port()]
        for port in ports:
            await two.open_gateway(port)
        door = await open_.enter_async_context(proxied(*(("127.0.0.1", p) for p in ports)))
        url = f"http://{door.host}:{door.port}"
        house.client = await open_.enter_async_context(
            httpx.AsyncClient(base_url=url, timeout=CALL_S)
        )
        try:
            yield two
        finally:
            house.client = before


async def test_f15_every_process_is_restarted_under_load(
    longhouse: StrainedHouse, journey: Journey, run: Run
) -> None:
    databases, first = await longhouse.databases(), len(journey.history.calls)
    async with twofold(longhouse) as two:
        for number in run.rounds(FULL_ROUNDS):
            part = ORDER[number % len(ORDER)]
            async with at_work(journey):
                await calls_answered(journey, 5)
                await two.restart(part)
                await calls_answered(journey, 5)
            journey.history.note("restarted", part=part)
            await check_now(journey.history, databases)
    second_try_answers(journey.history.calls[first:])
    await check_at_the_end(journey.history, databases)
    longhouse.all_live()


def second_try_answers(calls: Sequence[Call]) -> None:
    """Fail unless each write has its answer at the second try, and only a cut line took one."""
    results: dict[tuple[str, str], list[Outcome]] = defaultdict(list)
    for call in calls:
        if call.what != READ:
            results[call.what, call.key].append(call.outcome)
            assert call.outcome is not Outcome.UNKNOWN or call.result.startswith(CUT), call
    assert results
    lost = {write: ends for write, ends in results.items() if Outcome.UNKNOWN in ends[1:]}
    assert not lost, "a second try was lost too"
    unanswered = [write for write, ends in results.items() if ends[-1] is Outcome.UNKNOWN]
    assert not unanswered
