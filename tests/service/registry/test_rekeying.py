"""Keys rotate under an import that people still work on, and beside people without a number."""

import json

import pytest

from services.shared import rekeying
from services.shared.key_files import KeyFiles
from tests.conftest import MakeService
from tests.support import files
from tests.support.imports import ImportDesk
from tests.support.stack import Stack


@pytest.fixture
async def desk(make_service: MakeService) -> ImportDesk:
    return await ImportDesk(await make_service("registry")).open()


@pytest.fixture
def key_files(stack: Stack) -> KeyFiles:
    return KeyFiles({s: stack.secrets.keyring(s) for s in ("registry", "programs", "distribution")})


async def renew(desk: ImportDesk) -> int:
    kinds = (*desk.service.main.KEYED, rekeying.ANSWERS)
    return await rekeying.renew(desk.service.db, desk.keys, kinds)


async def key_ids(desk: ImportDesk, purpose: str) -> set[str]:
    """Return the keys that have written anything."""
    kinds = (*desk.service.main.KEYED, rekeying.ANSWERS)
    counted = json.loads(await rekeying.count(desk.service.db, kinds))
    return {key for numbers in counted.values() for key in numbers.get(purpose, {})}


def rotate(key_files: KeyFiles, purpose: str) -> int:
    key_id = key_files.add("registry", purpose)  # type: ignore[arg-type]
    key_files.activate("registry", purpose, key_id)  # type: ignore[arg-type]
    return key_id


async def test_an_import_in_hand_is_renewed_and_merges_into_the_same_families(
    desk: ImportDesk, key_files: KeyFiles
) -> None:
    rows = files.village(3)
    rows[4]["nik"] = ""
    first = await desk.merged(files.opensid_csv(rows))
    assert first["counts"]["new"] == 9
    again = [row | {"alamat": "Jl. Betang 2"} for row in rows]
    waiting = await desk.validated(files.opensid_csv(again))
    assert waiting["counts"]["new"] == 0

    for purpose in ("index", "seal"):
        active = rotate(key_files, purpose)
        await desk.service.drain()
        assert await renew(desk) > 0
        assert await renew(desk) == 0, "what is renewed is passed over"
        assert await key_ids(desk, purpose) <= {str(active)}

    merged = await desk.approved(waiting)
    assert merged["state"] == "merged"
    assert merged["counts"]["left_out"] == 0
    assert await desk.count("SELECT count(*) FROM families") == 3
    assert await desk.count("SELECT count(*) FROM persons") == 9
    assert await desk.count("SELECT count(*) FROM identity_claims WHERE state <> 'held'") == 0


async def test_a_list_read_before_the_rotation_is_merged_after_it(
    desk: ImportDesk, key_files: KeyFiles
) -> None:
    waiting = await desk.validated(files.opensid_csv(files.village(2, first=50)))
    rotate(key_files, "index")
    merged = await desk.approved(waiting)
    assert merged["counts"]["new"] == 6
    await renew(desk)
    same = await desk.merged(files.opensid_csv(files.village(2, first=50)))
    assert same["counts"]["unchanged"] == 6
