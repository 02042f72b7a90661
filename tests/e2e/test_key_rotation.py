"""Both keys rotate while people search and villages send lists; nobody is unfindable meanwhile."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from services.distribution.storage.deliveries import people_by_index
from services.shared.db import Database
from services.shared.key_files import KeyFile
from services.shared.sealing import KeyedIndex, Keyring
from tests.support import files
from tests.support.callers import Caller
from tests.support.operating import betang, done, environment
from tests.support.story import PURPOSE, TINDUK
from tests.support.system import RunningSystem
from tests.support.waiting import wait_until

FAMILIES, FIRST = 12, 700
GRACE_S = 2
SHARING = ("registry", "programs", "distribution")


class Town:
    """People who search by number, all the time, everywhere a number is known."""

    def __init__(self, system: RunningSystem) -> None:
        self.system = system
        self.admin = Caller(system, "admin")
        self.operator = Caller(system, "operator_desa", regions=[TINDUK])
        self.kades = Caller(system, "kades", regions=[TINDUK])
        self.rows = files.village(FAMILIES, first=FIRST)
        self.known = [(row["nik"], row["no_kk"]) for row in self.rows]
        self.searches = 0
        env = environment(system)
        self.keys = KeyFile(Path(env["DISTRIBUTION_KEY_FILE"]))
        url = env["DISTRIBUTION_DATABASE_URL"]
        self.distribution = Database(url, schema="distribution", service="distribution")

    async def places(self, nik: str, kk: str) -> dict[str, list[Any]]:
        """Return what each door finds of a number."""
        nik_body, kk_body = ({name: number, "purpose": PURPOSE} for name, number in
                             (("nik", nik), ("kk_number", kk)))  # fmt: skip
        return {
            "persons": (await self.admin.post("/v1/persons/search", nik_body))["data"],
            "families": (await self.admin.post("/v1/families/search", kk_body))["data"],
            "enrolments by NIK": (await self.admin.post("/v1/enrolments/search", nik_body))[
                "families"
            ],
            "enrolments by KK": (await self.admin.post("/v1/enrolments/search", kk_body))[
                "families"
            ],
            "distribution by NIK": await self.in_distribution("nik", nik),
            "distribution by KK": await self.in_distribution("kk", kk),
        }

    async def in_distribution(self, kind: str, number: str) -> list[Any]:
        """Return the families that distribution's own look-up finds; its door shows only aid."""
        indexes = KeyedIndex(self.keys.current()).all_versions(kind, number)
        async with self.distribution.reading() as tx:
            _, families = await people_by_index(tx, kind, [index for index, _ in indexes])
        return families

    async def known_everywhere(self, nik: str, kk: str) -> bool:
        return all(len(found) == 1 for found in (await self.places(nik, kk)).values())

    async def search(self, stop: asyncio.Event) -> None:
        """Search one after the other; each is found exactly once, at every door."""
        while not stop.is_set():
            nik, kk = self.known[self.searches % len(self.known)]
            found = await self.places(nik, kk)
            assert {door: len(hits) for door, hits in found.items()} == dict.fromkeys(found, 1)
            self.searches += 1

    async def send(self, rows: list[files.Row]) -> dict[str, int]:
        """Hand in the village's list, approve it, and return what it brought."""
        path = await self.operator.import_list(files.opensid_csv(rows), village=TINDUK)
        assert (await self.kades.decide(path, "approve")).status_code == 200
        counts: dict[str, int] = (await self.operator.until_state(path, "merged"))["counts"]
        return counts

    async def write(self, stop: asyncio.Event) -> None:
        """Send the village's list again and again, each time with one new family."""
        family = FIRST + FAMILIES
        while not stop.is_set():
            rows = files.village(1, first=family)
            counts = await self.send([*self.rows, *rows])
            assert counts["new"] == 3, "what is known is not taken for new"
            first = (rows[0]["nik"], rows[0]["no_kk"])
            await wait_until(lambda now=first: self.known_everywhere(*now), 60)
            self.known += [(row["nik"], row["no_kk"]) for row in rows]
            family += 1

    @asynccontextmanager
    async def busy(self) -> AsyncIterator[None]:
        """Search and write for the length of the block."""
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            for work in (self.search, self.search, self.write):
                tasks.create_task(work(stop))
            try:
                yield
            finally:
                stop.set()


@pytest.fixture(scope="module")
async def town(running_system: RunningSystem) -> AsyncIterator[Town]:
    town = Town(running_system)
    await town.send(town.rows)
    nik, kk = town.known[-1]
    await wait_until(lambda: town.known_everywhere(nik, kk), 60)
    yield town
    await town.distribution.close()


def rings(system: RunningSystem) -> dict[str, Keyring]:
    return {
        service: Keyring.load(system.state / "secrets" / f"{service}-keys.json")
        for service in (*SHARING, "indicators")
    }


@pytest.mark.timeout(400)
async def test_both_keys_rotate_while_everybody_works_and_the_old_ones_go(
    running_system: RunningSystem, town: Town
) -> None:
    before = rings(running_system)
    key, body = str(uuid.uuid4()), {"code": "DINKES", "name": "Dinas Kesehatan", "kind": "SKPD"}
    first = await town.admin.post("/v1/organisations", body, Idempotency_Key=key)
    (person,) = (await town.places(*town.known[0]))["persons"]

    async with town.busy():
        for purpose in ("index", "seal"):
            said = await done(
                running_system, f"key rotate {purpose} registry --grace {GRACE_S} --wait 120"
            )
            for service in SHARING:
                assert service in said
        searched = town.searches
        for purpose in ("index", "seal"):
            await done(
                running_system, f"key retire {purpose} registry --grace {GRACE_S} --wait 120"
            )
        await wait_until(lambda: town.searches > searched + len(town.known), 60)

    after = rings(running_system)
    for purpose in ("index", "seal"):
        for service in SHARING:
            assert sorted(after[service][purpose].keys) == [2]
            assert after[service][purpose] == after["registry"][purpose]
            assert after[service][purpose].active_key != before[service][purpose].active_key
        assert after["indicators"][purpose] == before["indicators"][purpose]
    assert (running_system.state / "secrets" / "registry-keys.json").stat().st_mode & 0o777 == 0o600

    for nik, kk in town.known:
        assert await town.known_everywhere(nik, kk)
    shown = await town.operator.post(f"/v1/persons/{person['id']}/reveal", {"purpose": PURPOSE})
    assert shown["nik"] == town.known[0][0]
    assert await town.admin.post("/v1/organisations", body, Idempotency_Key=key) == first


async def test_no_key_is_ever_shown_and_status_counts_by_key(
    running_system: RunningSystem, town: Town
) -> None:
    said = await done(running_system, "key status registry --wait 60")
    assert "persons" in said
    secrets = json.loads((running_system.state / "secrets" / "registry-keys.json").read_text())
    for purpose in secrets.values():
        for key in purpose["keys"].values():
            assert key not in said


async def test_a_key_that_rows_still_need_is_not_retired(
    running_system: RunningSystem, town: Town
) -> None:
    await done(running_system, "key rotate seal registry --grace 0 --wait 120")
    await running_system.hold("programs-worker")
    try:
        ended = await betang(running_system, "key retire seal registry --grace 0 --wait 3")
        assert ended.code == 3
        assert sorted(rings(running_system)["registry"]["seal"].keys) == [2, 3]
    finally:
        await running_system.resume("programs-worker")
    await done(running_system, "key retire seal registry --grace 0 --wait 120")
    assert await town.known_everywhere(*town.known[0])
