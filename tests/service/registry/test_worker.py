"""What the registry's worker does beside relay and inbox."""

from services.registry.settings import RegistrySettings
from tests.support.service import environment


async def test_each_job_runs_and_the_regions_are_there_afterwards(registry, broker):
    with environment(registry.environment):
        jobs = registry.main.jobs(RegistrySettings())
    assert [job.name for job in jobs] == [
        "regions",
        "imports",
        "imports-measure",
        "imports-forget",
        "uploads-purge",
    ]
    for job in jobs:
        await job.run(registry.db)
    levels = await registry.db.pool.fetch(
        "SELECT level, count(*) AS n FROM regions GROUP BY level ORDER BY level"
    )
    # 168 desa and 17 kelurahan in 17 kecamatan: handbook 3.2.
    assert [tuple(row) for row in levels] == [
        ("desa", 168),
        ("kabupaten", 1),
        ("kecamatan", 17),
        ("kelurahan", 17),
    ]
    await registry.drain()
    told = await broker.last("REGISTRY_STATE", "registry.region.state.v1.62-02-06-2005")
    assert told["data"]["name"] == "Pelangsian"
