"""An agency (SKPD) speaks for itself only, on the real server."""

from uuid import uuid4

import pytest
from nats.errors import Error as NatsError
from nats.errors import TimeoutError as NatsTimeoutError

from deploy.nats import agency
from tests.support.waiting import wait_until

SUBJECT = "events.skpd.program.reported.v1"


@pytest.fixture(scope="module")
async def agencies(broker):
    await broker.issue_agency("DINSOS")
    await broker.issue_agency("DINKES")
    return broker


async def test_the_same_message_id_of_two_agencies_is_stored_twice(agencies):
    message_id = str(uuid4())
    for user in ("skpd-dinsos", "skpd-dinkes"):
        js = (await agencies.connect(user)).jetstream()
        ack = await js.publish(SUBJECT, b"{}", headers={"Nats-Msg-Id": message_id})
        assert not ack.duplicate
    admin = await agencies.admin()
    for stream, subject in (("IN_DINSOS", "skpd.dinsos"), ("IN_DINKES", "skpd.dinkes")):
        stored = await admin.get_last_msg(stream, f"{subject}.skpd.program.reported.v1")
        assert stored.headers["Nats-Msg-Id"] == message_id


@pytest.mark.parametrize(
    "subject",
    [
        "skpd.dinkes.skpd.program.reported.v1",
        "skpd.dinsos.skpd.program.reported.v1",
        "programs.program.state.v1.x",
        "notify.dinkes.rejected.v1",
        "$JS.API.STREAM.NAMES",
        "$JS.API.STREAM.MSG.GET.IN_DINKES",
        "$JS.API.STREAM.DELETE.IN_DINSOS",
        "$JS.ACK.IN_DINKES.programs.1.1.1.1.1",
    ],
)
async def test_an_agency_may_not_publish(agencies, subject):
    before = (await (await agencies.admin()).stream_info("IN_DINKES")).state.messages
    refusals = await agencies.refusals("skpd-dinsos", lambda c: c.publish(subject, b"{}"))
    assert "permissions violation for publish" in refusals[0]
    assert (await (await agencies.admin()).stream_info("IN_DINKES")).state.messages == before


@pytest.mark.parametrize("subject", [">", "skpd.>", "notify.dinkes.>", "_INBOX_dinkes.>", "$SYS.>"])
async def test_an_agency_may_not_listen_to(agencies, subject):
    refusals = await agencies.refusals("skpd-dinsos", lambda c: c.subscribe(subject))
    assert "permissions violation for subscription" in refusals[0]


async def test_an_agency_hears_its_own_notices_and_no_others(agencies):
    dinsos = await (await agencies.connect("skpd-dinsos")).subscribe("notify.dinsos.>")
    dinkes = await (await agencies.connect("skpd-dinkes")).subscribe("notify.dinkes.>")
    await (await agencies.connect("skpd-dinsos")).flush()
    await (await agencies.connect("skpd-dinkes")).flush()
    programs = await agencies.connect("programs")
    await programs.publish("notify.dinsos.rejected.v1", b"source_mismatch")
    assert (await dinsos.next_msg(2)).data == b"source_mismatch"
    with pytest.raises(NatsTimeoutError):
        await dinkes.next_msg(0.2)


async def test_a_revoked_agency_is_cut_off_and_its_events_stay(agencies):
    server = agencies.server
    await agencies.publish_bytes(SUBJECT, b"{}", agency_code="BAZNAS")
    client = await agencies.connect("skpd-baznas")
    creds = server.authority.creds("skpd-baznas").read_text()
    await agency.revoke(server.authority, server.url, "BAZNAS")
    await wait_until(lambda: not client.is_connected)
    stream = await (await agencies.admin()).stream_info("IN_BAZNAS")
    assert stream.state.messages == 1
    await agency.issue(server.authority, server.url, "BAZNAS")
    assert server.authority.creds("skpd-baznas").read_text() != creds


async def test_a_full_agency_stream_refuses_what_is_new_and_other_agencies_go_on(agencies):
    config = (await (await agencies.admin()).stream_info("IN_DINSOS")).config
    assert config.discard == "new"
    assert config.max_bytes == agency.STREAM_BYTES_MAX
    too_large = b"x" * (agency.AGENCY_PAYLOAD_BYTES_MAX + 1)
    await agencies.issue_agency("DISDIK")
    client = await agencies.connect("skpd-disdik")
    with pytest.raises(NatsError):
        await client.jetstream().publish(SUBJECT, too_large)
    await agencies.publish_bytes(SUBJECT, b"{}", agency_code="DINKES")
