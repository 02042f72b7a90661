import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.shared import audit, audit_files
from tests.service.shared.conftest import Side

KEY = Ed25519PrivateKey.generate()


async def record(side: Side, *subjects: str) -> None:
    for subject in subjects:
        async with side.db.transaction() as tx:
            tx.audit("pii.revealed", subject, {"why": "verifikasi"}, actor="ani")


async def exported(side: Side, folder: Path, **options: Any) -> Path:
    out = folder / "audit.jsonl"
    await audit_files.export(side.db, out, **options)
    return out


def edit(path: Path, change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> Path:
    lines = change([json.loads(line) for line in path.read_text().splitlines()])
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


async def test_a_sealed_signed_and_exported_chain_verifies(producer: Side, tmp_path: Path) -> None:
    await record(producer, "a", "b", "c")
    assert await audit.seal(producer.db) == 3
    await record(producer, "d")
    assert await audit.sign_root(producer.db, KEY)
    assert not await audit.sign_root(producer.db, KEY)
    report = audit_files.verify(
        await exported(producer, tmp_path, with_payloads=True), KEY.public_key()
    )
    assert (report.entries, report.payloads, report.roots) == (4, 4, 1)
    assert report.faults == []


async def test_many_who_seal_at_once_make_one_chain(producer: Side, tmp_path: Path) -> None:
    await record(producer, *(f"entry {number}" for number in range(100)))
    sealed = await asyncio.gather(
        *(audit.seal(producer.db) for _ in range(4)), audit.sign_root(producer.db, KEY)
    )
    assert sum(sealed[:4]) in {0, 100}, "each entry once, or all by who signed"
    report = audit_files.verify(await exported(producer, tmp_path), KEY.public_key())
    assert (report.entries, report.roots, report.faults) == (100, 1, [])


async def test_an_erased_payload_leaves_the_chain_whole(producer: Side, tmp_path: Path) -> None:
    await record(producer, "a", "b")
    await audit.sign_root(producer.db, KEY)
    await producer.db.pool.fetch(
        "DELETE FROM audit_payloads WHERE entry_id IN"
        " (SELECT id FROM audit_entries WHERE subject = 'a')"
    )
    report = audit_files.verify(
        await exported(producer, tmp_path, with_payloads=True), KEY.public_key()
    )
    assert (report.entries, report.payloads, report.faults) == (2, 1, [])


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("UPDATE audit_entries SET actor = 'budi' WHERE subject = 'b'", "does not fit its hash"),
        ('UPDATE audit_payloads SET payload = \'{"why": "lain"}\'', "payload"),
        ("DELETE FROM audit_chain WHERE index = 2", "entry 2 is missing"),
        ("DELETE FROM audit_chain WHERE index = 3", "the chain ends before entry 3"),
        ("UPDATE audit_roots SET last_index = 2", "wrong signature"),
    ],
)
async def test_who_changes_the_database_is_found_out(
    producer: Side, tmp_path: Path, statement: str, fault: str
) -> None:
    await record(producer, "a", "b", "c")
    await audit.sign_root(producer.db, KEY)
    await producer.as_admin(statement)
    report = audit_files.verify(
        await exported(producer, tmp_path, with_payloads=True), KEY.public_key()
    )
    assert any(fault in each for each in report.faults)


async def test_an_entry_kept_out_of_the_chain_is_found_out(producer: Side, tmp_path: Path) -> None:
    await record(producer, "a", "b")
    await producer.as_admin(
        "DELETE FROM audit_queue WHERE entry_id = (SELECT id FROM audit_entries"
        " WHERE subject = 'b')"
    )
    await producer.as_admin("UPDATE audit_entries SET occurred_at = now() - interval '2 hours'")
    await audit.sign_root(producer.db, KEY)
    report = audit_files.verify(await exported(producer, tmp_path), KEY.public_key())
    assert any("never sealed" in each for each in report.faults)


async def test_a_chain_cut_and_signed_again_differs_from_the_root_kept_elsewhere(
    producer: Side, tmp_path: Path
) -> None:
    await record(producer, "a", "b", "c")
    await audit.sign_root(producer.db, KEY)
    kept = tmp_path / "kept.jsonl"
    kept.write_text((await exported(producer, tmp_path)).read_text().splitlines()[-1] + "\n")
    await producer.as_admin("DELETE FROM audit_chain WHERE index = 3")
    await producer.as_admin("DELETE FROM audit_entries WHERE subject = 'c'")
    await producer.as_admin("DELETE FROM audit_roots")
    await audit.sign_root(producer.db, KEY)
    out = await exported(producer, tmp_path)
    assert audit_files.verify(out, KEY.public_key()).faults == []
    report = audit_files.verify(out, KEY.public_key(), kept)
    assert any("the chain ends before entry 3" in each for each in report.faults)


async def test_the_root_in_the_log_serves_as_the_one_kept_elsewhere(
    producer: Side, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[dict[str, Any]] = []

    class Log:
        def info(self, event: str, **values: Any) -> None:
            lines.append({"event": event, **values})

    monkeypatch.setattr(audit, "log", Log())
    await record(producer, "a", "b")
    await audit.sign_root(producer.db, KEY)
    worker_log = tmp_path / "worker.log"
    worker_log.write_text("".join(json.dumps(line) + "\n" for line in lines))
    out = await exported(producer, tmp_path)
    assert audit_files.verify(out, KEY.public_key(), worker_log).faults == []

    def without_root(document: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [line for line in document if line["kind"] != "root"]

    report = audit_files.verify(edit(out, without_root), KEY.public_key(), worker_log)
    assert any(each.startswith("root of") and "missing" in each for each in report.faults)


async def test_another_key_verifies_nothing(producer: Side, tmp_path: Path) -> None:
    await record(producer, "a")
    await audit.sign_root(producer.db, KEY)
    other = Ed25519PrivateKey.generate().public_key()
    report = audit_files.verify(await exported(producer, tmp_path), other)
    assert any("wrong signature" in each for each in report.faults)
