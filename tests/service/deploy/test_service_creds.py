"""A service's creds are changed on a running NATS server, as docs/runbooks/certificates.md says."""

import asyncio

import nats
import pytest

from deploy import betang
from deploy.nats import permissions
from deploy.nats.authority import Authority
from services.shared.cli import DONE
from tests.support.service import Broker
from tests.support.waiting import wait_until


async def test_who_holds_the_old_creds_is_cut_off_and_the_new_ones_work(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = broker.server.authority
    former = await broker.connect("programs")
    for name in ("role-programs", "user-programs"):
        (authority.folder / "keys" / f"{name}.nk").unlink()
    Authority(authority.folder).write_creds()
    monkeypatch.setenv("NATS_AUTHORITY", str(authority.folder))
    monkeypatch.setenv("NATS_URL", broker.server.url)
    assert await asyncio.to_thread(betang.main, ["agency", "renew"]) == DONE
    await wait_until(lambda: not former.is_connected)

    client = await nats.connect(
        broker.server.url,
        user_credentials=str(authority.creds("programs")),
        inbox_prefix=permissions.inbox_prefix("programs").encode(),
        allow_reconnect=False,
    )
    assert (await client.request("$JS.API.INFO", b"", timeout=5)).data
    await client.close()
    assert not former.is_connected
