from prometheus_client import REGISTRY

from services.shared import audit, measuring
from services.shared.ids import new_id
from services.shared.outbox import Relay
from tests.service.shared.conftest import Side, ThingStateV1


def shown(name: str, **labels: str) -> float:
    value = REGISTRY.get_sample_value(name, labels)
    assert value is not None, name
    return value


async def test_what_waits_in_the_outbox_is_shown_by_lane(producer: Side, relay: Relay) -> None:
    lane = {"service": producer.name, "lane": "interactive"}
    async with producer.db.transaction() as tx:
        tx.emit(ThingStateV1(thing_id=new_id()))
    await measuring.measure(producer.db)
    assert shown("betang_outbox_unpublished", **lane) == 1
    assert shown("betang_outbox_age_seconds", **lane) > 0
    assert shown("betang_outbox_unpublished", **{**lane, "lane": "bulk"}) == 0

    await relay.drain_once()
    await measuring.measure(producer.db)
    assert shown("betang_outbox_unpublished", **lane) == 0
    assert shown("betang_outbox_age_seconds", **lane) == 0


async def test_audit_that_is_behind_is_shown(producer: Side) -> None:
    service = {"service": producer.name}
    await measuring.measure(producer.db)
    assert shown("betang_audit_root_age_seconds", **service) == 0

    async with producer.db.transaction() as tx:
        tx.audit("thing.seen", "thing/1", {}, "ani")
    await measuring.measure(producer.db)
    assert shown("betang_audit_unsealed_seconds", **service) > 0

    await audit.seal(producer.db)
    await measuring.measure(producer.db)
    assert shown("betang_audit_unsealed_seconds", **service) == 0
    assert shown("betang_audit_root_age_seconds", **service) > 0
