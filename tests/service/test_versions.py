"""Every projection is guarded by (epoch, version): an older state that comes late changes nothing.

The events are the golden examples of the contracts.
"""

import json
from itertools import count
from typing import Any

import pytest

from services.contracts.distribution import CycleStateV1, EntitlementStateV1
from services.contracts.programs import EnrolmentStateV1, OrganisationStateV1, ProgramStateV1
from services.contracts.registry import FamilyStateV1, PersonIdentityV1, RegionStateV1
from services.shared.events import EventData
from tests.architecture.source import ROOT
from tests.conftest import MakeService
from tests.support.service import ServiceUnderTest

PROJECTIONS: dict[str, dict[str, type[EventData]]] = {
    "registry": {"family_aid": EnrolmentStateV1},
    "programs": {
        "family_facts": FamilyStateV1,
        "region_facts": RegionStateV1,
        "person_identities": PersonIdentityV1,
        "entitlement_facts": EntitlementStateV1,
    },
    "distribution": {
        "regions": RegionStateV1,
        "programs": ProgramStateV1,
        "enrolments": EnrolmentStateV1,
        "families": FamilyStateV1,
        "persons": PersonIdentityV1,
    },
    "indicators": {
        "regions": RegionStateV1,
        "families": FamilyStateV1,
        "organisations": OrganisationStateV1,
        "programs": ProgramStateV1,
        "enrolments": EnrolmentStateV1,
        "cycles": CycleStateV1,
        "entitlements": EntitlementStateV1,
    },
}
OTHERWISE: dict[type[EventData], dict[str, Any]] = {
    RegionStateV1: {"name": "Lain"},
    FamilyStateV1: {"region_code": "62.02.06.2006"},
    PersonIdentityV1: {"name": "LAIN SINTETIS"},
    OrganisationStateV1: {"name": "Lain"},
    ProgramStateV1: {"name": "Lain"},
    EnrolmentStateV1: {"status": "suspended"},
    CycleStateV1: {"year": 2027},
    EntitlementStateV1: {"delivered_quantity": 0, "delivered_value_idr": 0, "status": "reserved"},
}


@pytest.fixture(scope="module")
def service_named(make_service: MakeService) -> MakeService:
    """Make a service when it is first asked for."""
    made: dict[str, ServiceUnderTest] = {}

    async def named(name: str) -> ServiceUnderTest:
        if name not in made:
            made[name] = await make_service(name)
        return made[name]

    return named


def example(event: type[EventData]) -> EventData:
    file = ROOT / "services/contracts/examples" / f"{event.TYPE}.json"
    return event.model_validate(json.loads(file.read_text())["data"])


async def kept(service: ServiceUnderTest, table: str) -> list[str]:
    rows = await service.db.pool.fetch(f"SELECT to_jsonb(t)::text AS row FROM {table} AS t")
    return sorted(row["row"] for row in rows)


BASES = count(10, 10)
CASES = [(name, table) for name, tables in PROJECTIONS.items() for table in tables]


@pytest.mark.parametrize(("name", "table"), CASES, ids=[f"{n} {t}" for n, t in CASES])
async def test_an_older_state_changes_nothing_in_any_projection(service_named, name, table):
    service = await service_named(name)
    told = example(PROJECTIONS[name][table])
    other = told.model_copy(update=OTHERWISE[type(told)])
    # Each service reads the same streams: every case begins above the versions of those before.
    base = next(BASES)

    async def hear(event: EventData, version: int, epoch: int = 1) -> list[str]:
        await service.publish(event, version=base + version, epoch=epoch)
        await service.drain()
        return await kept(service, table)

    newest = await hear(told, 5)
    assert newest
    assert await hear(other, 4) == newest
    assert await hear(other, 6) != newest
    restored = await hear(told, -base + 1, epoch=2)
    assert restored != newest
    assert await hear(other, 9) == restored
    await service.db.pool.fetch(f"UPDATE {table} SET epoch = 1, version = {base + 9}")
