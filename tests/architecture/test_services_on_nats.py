"""What a service may say and hear on NATS, tried on the real server."""

import asyncio

import httpx
import pytest

from deploy.nats import permissions
from services.contracts.catalogue import EVENTS
from services.contracts.skpd import INGEST_STREAM_PREFIX
from tests.architecture.source import SERVICES


@pytest.fixture(scope="module")
async def everything(broker):
    """All streams of all producers, and one agency's."""
    for service in SERVICES:
        await broker.ensure_streams(service)
    await broker.issue_agency("DINSOS")
    return broker


def test_every_event_is_told_in_a_stream_of_its_producer():
    for event in EVENTS:
        producer = event.TYPE.split(".", 1)[0]
        if producer == "skpd":
            assert event.STREAM == INGEST_STREAM_PREFIX == permissions.INGEST_PREFIX
        else:
            assert event.STREAM in permissions.SERVICES[producer].streams


def test_only_the_services_that_handle_identities_read_them():
    readers = {
        name
        for name, rights in permissions.SERVICES.items()
        if "REGISTRY_IDENTITY" in rights.listens
    }
    assert readers == {"programs", "distribution"}


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_speaks_with_its_own_voice_only(everything, service):
    own = await everything.refusals(service, lambda c: c.publish(f"{service}.x.y.v1.k", b"{}"))
    assert own == []
    for other in (*SERVICES, "skpd.dinsos"):
        if other == service:
            continue
        said = await everything.refusals(service, lambda c, o=other: c.publish(f"{o}.x.v1", b"{}"))
        assert "permissions violation for publish" in said[0]


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_cannot_touch_the_streams_of_others(everything, service):
    own = permissions.SERVICES[service].streams
    calls = ("STREAM.DELETE.{}", "STREAM.PURGE.{}", "STREAM.UPDATE.{}", "STREAM.MSG.DELETE.{}")
    for stream in (*permissions.all_streams(), "IN_DINSOS"):
        for call in calls:
            if stream in own and not call.startswith(("STREAM.DELETE", "STREAM.MSG")):
                continue
            subject = f"$JS.API.{call.format(stream)}"
            refused = await everything.refusals(service, lambda c, s=subject: c.publish(s, b"{}"))
            assert "permissions violation" in refused[0], subject


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_reads_only_the_streams_that_it_listens_to(everything, service):
    rights = permissions.SERVICES[service]
    for stream in (*permissions.all_streams(), "IN_DINSOS"):
        if stream in rights.streams:
            continue
        allowed = stream in rights.listens or (stream == "IN_DINSOS" and rights.hears_agencies)
        for call in (
            f"$JS.API.CONSUMER.CREATE.{stream}.{service}-probe",
            f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{service}-probe",
            f"$JS.ACK.{stream}.{service}-probe.1.1.1.1.1",
        ):
            refused = await everything.refusals(service, lambda c, s=call: c.publish(s, b"{}"))
            assert bool(refused) is not allowed, call
        reads = f"$JS.API.STREAM.MSG.GET.{stream}"
        assert await everything.refusals(service, lambda c, s=reads: c.publish(s, b"{}"))


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_overhears_nobody(everything, service):
    for subject in (
        ">",
        "registry.>",
        "skpd.>",
        "notify.>",
        "_INBOX_core-admin.>",
        "$SYS.>",
        "$JS.>",
    ):
        heard = await everything.refusals(service, lambda c, s=subject: c.subscribe(s))
        assert "permissions violation for subscription" in heard[0]


async def test_a_client_without_creds_is_refused(broker):
    # Spoken by hand: nats-py leaves its socket open when it is refused.
    reader, writer = await asyncio.open_connection("127.0.0.1", broker.server.port)
    try:
        assert (await reader.readline()).startswith(b"INFO ")
        writer.write(b'CONNECT {"verbose":false}\r\nPING\r\n')
        assert b"Authorization Violation" in await asyncio.wait_for(reader.readline(), 5)
    finally:
        writer.close()
        await writer.wait_closed()


async def test_streams_are_synced_always_and_encrypted(everything):
    async with httpx.AsyncClient() as client:
        varz = (await client.get(f"{everything.server.monitor_url}/varz")).json()
    assert varz["jetstream"]["config"]["sync_always"] is True
    secret = b"bukan-rahasia-yang-terbaca"
    await everything.publish_bytes("registry.family.state.v1.x", secret, producer="registry")
    store = everything.server.authority.folder.parent / "jetstream"
    blocks = list(store.rglob("*.blk"))
    assert blocks
    assert not any(secret in file.read_bytes() for file in blocks)
