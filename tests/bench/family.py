"""The hottest read: one family with its members, token verified, scope applied, numbers masked."""

from collections.abc import AsyncIterator
from functools import partial
from uuid import UUID

from deploy.local.environment import service_environment
from deploy.postgres.provision import Urls
from tests.bench import regency
from tests.bench.frame import Bench, Figure, Program, interleaved, median, ratio
from tests.bench.load import Load, Order

AIM = "ratio >= 0.4"


async def run(bench: Bench) -> AsyncIterator[Figure]:
    """Measure the family route beside the least that reads the same, and an empty route."""
    urls, ids = await regency.build(bench)
    env = {"BENCH_DATABASE_URL": urls.app}
    servers = {
        "family": await serve_registry(bench, urls),
        "empty": await bench.serve("empty", "tests.bench.bare:empty_route", {}),
        "bare": await bench.serve("bare", "tests.bench.bare:family", env),
        "row": await bench.serve("row", "tests.bench.bare:family_row", env),
    }
    order = family_order(bench, ids)
    await _the_same_family(bench, servers, order)
    found = await interleaved(
        {name: partial(bench.load, server, order) for name, server in servers.items()}
    )
    yield _rates("family by id, beside a bare ASGI route that reads the same", found, "bare", AIM)
    yield _rates("family by id, beside an empty FastAPI route", found, "empty")
    yield _rates("family by id, beside a bare ASGI route that reads its row alone", found, "row")
    cpu = {name: [load.cpu_us for load in loads] for name, loads in found.items()}
    yield Figure(
        "family by id, processor time of the service, beside the bare route",
        median(cpu["family"]),
        "µs/request",
        median(cpu["bare"]),
        ratio(cpu["family"], cpu["bare"]),
    )


async def serve_registry(bench: Bench, urls: Urls) -> Program:
    """Start the registry as it is deployed."""
    environment = service_environment("registry", urls, bench.stack.around(bench.broker().server))
    return await bench.serve("registry", "services.registry.main:create_app", environment)


def family_order(bench: Bench, ids: list[UUID]) -> Order:
    """Return the order to read these families as a verifier of the regency does."""
    token = bench.stack.signer.token(
        subject="verifikator", roles=["verifikator_dinsos"], regions=["62.02"]
    )
    return Order([f"/v1/families/{id_}" for id_ in ids], {"Authorization": f"Bearer {token}"})


async def _the_same_family(bench: Bench, servers: dict[str, Program], order: Order) -> None:
    """Make sure that the route and its limit really read the same."""
    client = bench.client()
    told = [
        (await client.get(servers[name].url + order.paths[0], headers=order.headers)).json()
        for name in ("family", "bare")
    ]
    people = [{member["person_id"] for member in family["members"]} for family in told]
    assert people[0] == people[1]
    assert len(people[0]) == regency.MEMBERS


def _rates(name: str, found: dict[str, list[Load]], limit: str, aim: str = "") -> Figure:
    rates = {variant: [load.per_s for load in loads] for variant, loads in found.items()}
    share = ratio(rates["family"], rates[limit])
    return Figure(name, median(rates["family"]), "req/s", median(rates[limit]), share, aim)
