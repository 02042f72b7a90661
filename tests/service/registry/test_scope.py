"""Whatever regions a token names, every read shows exactly what an oracle over the tree allows."""

import random

import pytest

from services.registry.actions.merging import merge_residents
from tests.service.registry.conftest import numbers_of
from tests.support.residents import OBSERVED, a_batch, a_resident, kk_of, nik_of

VILLAGES = (
    "62.02.06.2005", "62.02.06.2006", "62.02.06.1001", "62.02.05.1001", "62.02.01.2005",
    "62.02.10.2001",
)  # fmt: skip
SEED = 20261123
PURPOSE = "pemeriksaan kewenangan"


def oracle(prefixes: list[str], village: str) -> bool:
    """Walk up the tree from the village: one of its ancestors, or itself, must be named."""
    node: str | None = village
    while node:
        if node in prefixes:
            return True
        node = node.rpartition(".")[0]
    return False


def scopes() -> list[list[str]]:
    chosen = random.Random(SEED)
    nodes = sorted(
        {
            ".".join(village.split(".")[:depth])
            for village in (*VILLAGES, "62.03.01.1001", "62.02.06.2999")
            for depth in range(1, 5)
        }
    )
    drawn = [chosen.sample(nodes, chosen.randint(0, 3)) for _ in range(8)]
    return [[], ["62"], ["62.02"], ["62.02.06"], ["62.02.06.2005"], *drawn]


@pytest.fixture(scope="module")
async def families(registry):
    rows = [a_resident(n, n, region_code=village) for n, village in enumerate(VILLAGES, 1)]
    async with registry.db.transaction() as tx:
        await merge_residents(
            tx,
            a_batch(*rows),
            numbers=numbers_of(registry),
            actor="tester",
            source="opensid",
            import_id=None,
        )
    found = await registry.db.pool.fetch(
        "SELECT f.id, f.region_code, m.person_id FROM families f"
        " JOIN memberships m ON m.family_id = f.id"
    )
    return {row["region_code"]: (str(row["id"]), str(row["person_id"])) for row in found}


@pytest.mark.parametrize("prefixes", scopes(), ids=str)
async def test_reads_show_what_the_tree_allows_and_nothing_else(registry, families, prefixes):
    allowed = {village for village in VILLAGES if oracle(prefixes, village)}
    headers = registry.auth("verifikator_dinsos", key=False, regions=prefixes)

    async def ask(method: str, path: str, body: dict | None = None):
        return await registry.client.request(method, path, json=body, headers=headers)

    listed = (await ask("GET", "/v1/families?limit=200")).json()["data"]
    assert {one["region_code"] for one in listed} == allowed
    ids = {"ids": [family for family, _ in families.values()]}
    batch = (await ask("POST", "/v1/families/batch", ids)).json()["data"]
    assert {one["region_code"] for one in batch} == allowed
    for number, village in enumerate(VILLAGES, 1):
        family, person = families[village]
        status = 200 if village in allowed else 404
        for path in (f"/v1/families/{family}", f"/v1/families/{family}/aid",
                     f"/v1/families/{family}?as_of={OBSERVED}",
                     f"/v1/persons/{person}"):  # fmt: skip
            assert (await ask("GET", path)).status_code == status, path
        reveal = await ask("POST", f"/v1/persons/{person}/reveal", {"purpose": PURPOSE})
        assert reveal.status_code == status
        for what in ({"nik": nik_of(number)}, {"kk_number": kk_of(number)}):
            found = await ask("POST", "/v1/families/search", what | {"purpose": PURPOSE})
            assert bool(found.json()["data"]) == (village in allowed)
        who = {"nik": nik_of(number), "purpose": PURPOSE}
        found = await ask("POST", "/v1/persons/search", who)
        assert bool(found.json()["data"]) == (village in allowed)
