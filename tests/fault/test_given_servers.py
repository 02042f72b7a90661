"""``make up`` uses the PostgreSQL and the NATS that the environment names, and starts none."""

from deploy.postgres.provision import SERVICES
from tests.support.system import RunningSystem
from tests.support.waiting import wait_until


async def test_the_servers_that_the_environment_names_are_used(stack, broker):
    given = {
        "NATS_URL": broker.server.url,
        "NATS_MONITOR_URL": broker.server.monitor_url,
        "NATS_AUTHORITY": str(broker.server.authority.folder),
    }
    databases = {service: await stack.empty_database(service) for service in SERVICES}
    for service, urls in databases.items():
        given[f"{service.upper()}_DATABASE_URL"] = urls.app
        given[f"{service.upper()}_OWNER_DATABASE_URL"] = urls.owner
    system = RunningSystem(given)
    try:
        await system.start()
        assert system.nats_url == broker.server.url
        assert not (system.state / "postgres").exists()
        assert not (system.state / "nats").exists()
        headers = system.auth("admin")

        async def regions() -> bool:
            answer = await system.client.get("/v1/regions?parent=62.02", headers=headers)
            return len(answer.json()["data"]) == 17

        await wait_until(regions, within_s=60)
    finally:
        await system.stop()
