"""Key files: followed by processes, changed by operators, whole at every moment."""

import os
from pathlib import Path

import pytest

from services.shared.key_files import KeyFile, KeyFiles, write_private
from services.shared.sealing import Keyring, generate_keyring

SHARING = ("registry", "programs", "distribution")


@pytest.fixture
def paths(tmp_path: Path) -> dict[str, Path]:
    """Four key files; the first three services share what seals and indexes."""
    shared = generate_keyring()
    paths = {name: tmp_path / f"{name}.json" for name in (*SHARING, "indicators")}
    for name, path in paths.items():
        own = generate_keyring()
        if name in SHARING:
            own = Keyring({**own.purposes, "seal": shared["seal"], "index": shared["index"]})
        write_private(path, own.dump())
    return paths


@pytest.fixture
def files(paths: dict[str, Path]) -> KeyFiles:
    return KeyFiles(paths)


def test_a_process_follows_its_file_and_work_in_hand_keeps_its_keys(paths: dict[str, Path]):
    follower = KeyFile(paths["registry"])
    before = follower.current()
    assert follower.current() is before
    write_private(paths["registry"], before.rotated("index").dump())
    assert follower.current()["index"].active == 2
    assert before["index"].active == 1


def test_a_broken_file_changes_nothing_for_a_running_process(paths: dict[str, Path]):
    follower = KeyFile(paths["registry"])
    before = follower.current()
    paths["registry"].write_text("{")
    assert follower.current() is before
    paths["registry"].unlink()
    assert follower.current() is before


def test_a_key_goes_through_its_life_in_all_files_that_share_it(
    files: KeyFiles, paths: dict[str, Path]
):
    assert files.sharing("programs", "index") == list(SHARING)
    assert files.sharing("indicators", "index") == ["indicators"]
    outside = paths["indicators"].read_bytes()
    other_purpose = files.ring("registry")["seal"]

    key_id = files.add("programs", "index")
    assert (key_id, files.pending("registry", "index")) == (2, 2)
    for service in SHARING:
        keys = files.ring(service)["index"]
        assert (keys.active, sorted(keys.keys)) == (1, [1, 2])
    files.activate("registry", "index", key_id)
    assert files.pending("distribution", "index") is None
    assert {files.ring(service)["index"].active for service in SHARING} == {2}
    assert files.retire("registry", "index") == [1]
    new = files.ring("registry")["index"]
    assert sorted(new.keys) == [2]
    assert all(files.ring(service)["index"] == new for service in SHARING)
    assert files.ring("registry")["seal"] == other_purpose
    assert paths["indicators"].read_bytes() == outside


@pytest.mark.parametrize("done", range(4))
def test_a_rotation_cut_off_after_any_file_goes_on_with_the_same_key(
    files: KeyFiles, paths: dict[str, Path], done: int
):
    files.add("registry", "seal")
    added = {service: paths[service].read_text() for service in SHARING}
    key = files.ring("registry")["seal"].keys[2]
    files.activate("registry", "seal", 2)
    for service in SHARING[done:]:
        paths[service].write_text(added[service])
    if done < len(SHARING):
        assert files.pending("distribution", "seal") == 2
        assert files.add("registry", "seal") == 2
    files.activate("distribution", "seal", 2)
    assert all(files.ring(service)["seal"].keys[2] == key for service in SHARING)
    assert files.pending("registry", "seal") is None


@pytest.mark.parametrize("done", range(1, 3))
def test_an_addition_cut_off_between_files_gives_the_others_the_same_key(
    files: KeyFiles, paths: dict[str, Path], done: int
):
    old = {service: paths[service].read_text() for service in SHARING}
    files.add("registry", "seal")
    key = files.ring("registry")["seal"].keys[2]
    for service in SHARING[done:]:
        paths[service].write_text(old[service])
    assert files.add("registry", "seal") == 2
    assert all(files.ring(service)["seal"].keys[2] == key for service in SHARING)


def test_a_key_file_is_private_and_leaves_nothing_beside_it(
    files: KeyFiles, paths: dict[str, Path]
):
    files.add("registry", "seal")
    assert paths["registry"].stat().st_mode & 0o777 == 0o600
    assert sorted(paths["registry"].parent.iterdir()) == sorted(paths.values())


def test_two_changes_are_a_pause_apart(files: KeyFiles, paths: dict[str, Path]):
    assert 50 < files.grace_left("registry", "seal", 60) <= 60
    for service in SHARING:
        os.utime(paths[service], (1, 1))
    assert files.grace_left("registry", "seal", 60) == 0
    os.utime(paths["distribution"])
    assert files.grace_left("registry", "seal", 60) > 0, "a file that shares the key counts"
