"""What the worker does with an import: stage it, compare it, merge it.

Each stage leaves the import in a state from which a crash resumes: staging starts anew, comparing
goes on with the rows still pending, merging is one transaction. A person's cancel or another
worker's take-over shows as ``ImportLost``, which rolls back and stops.
"""

import asyncio
import contextlib
import gc
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import asdict, dataclass, field
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError

from services.registry.actions import imports_rows, imports_staging
from services.registry.actions.merging import merge_residents, merge_welfare
from services.registry.domain import opensid
from services.registry.domain.import_review import Review
from services.registry.domain.import_rules import FileRefusedError
from services.registry.domain.imports import ImportFormat, ImportState, Verdict
from services.registry.domain.merge_plan import Plan
from services.registry.domain.residents import MergeResult
from services.registry.storage import import_rows, imports, merging
from services.registry.storage.identities import Numbers
from services.registry.storage.import_rows import Outcome, Part, StagedContent
from services.registry.storage.imports import ImportJob
from services.shared import clock
from services.shared.db import Database, Transaction
from services.shared.key_files import KeyFile
from services.shared.sealing import Sealer

PART_ROWS = 6_000
BEAT_S = 1.0
COLLECT_AFTER = 100_000
"""So many new containers between garbage collections of a stage; Python's 700 halve its speed."""

ReadUpload = Callable[[UUID], Awaitable[bytes]]
"""Gives the whole content of a finished upload. Raises ``FileRefusedError`` (upload_missing)."""

log = structlog.get_logger(__name__)


class ImportLost(Exception):
    """The import is no longer ours: cancelled by a person, or taken over by another worker."""


@dataclass(slots=True)
class Workshop:
    """What all stages need, and the progress that the heartbeat shows."""

    db: Database
    keys: KeyFile
    read_upload: ReadUpload
    numbers: Numbers = field(init=False)
    sealer: Sealer = field(init=False)
    done: int = 0
    total: int | None = None

    def __post_init__(self) -> None:
        self.take_keys()

    def take_keys(self) -> None:
        """Work with the keys of now: before each part that no rotation may come into."""
        keyring = self.keys.current()
        self.numbers, self.sealer = Numbers(keyring), Sealer(keyring)


async def advance(shop: Workshop, job: ImportJob) -> None:
    """Take the claimed import through its next stage.

    Raises:
        ImportLost: nothing of this stage was kept.
    """
    shop.done, shop.total = 0, None
    beating = asyncio.create_task(_keep_beating(shop, job))
    try:
        with _seldom_collected():
            await _STAGES[job.state](shop, job)
    except FileRefusedError as refused:
        await _fail(shop, job, refused)
    finally:
        beating.cancel()
        await asyncio.gather(beating, return_exceptions=True)


async def give_up(shop: Workshop, job: ImportJob) -> None:
    """End an import that failed again and again."""
    await _fail(shop, job, FileRefusedError("crashed_too_often"))


@contextlib.contextmanager
def _seldom_collected() -> Iterator[None]:
    """Look for cycles seldom: rows come by the hundred thousand and hold none."""
    usual = gc.get_threshold()
    gc.set_threshold(COLLECT_AFTER, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)


async def _stage(shop: Workshop, job: ImportJob) -> None:
    content = await shop.read_upload(job.upload_id)
    shop.take_keys()
    async with shop.db.transaction() as tx:
        await import_rows.clear(tx, job.id, shop.numbers.key_version)
    reader = imports_staging.FileReader(job, content, shop.numbers, shop.sealer, clock.today())
    step = imports_staging.stepper(reader)
    while (staged := await asyncio.to_thread(step)) is not None:
        async with shop.db.transaction() as tx:
            await import_rows.stage(tx, job.id, staged.rows, staged.sealed)
            await _own(tx, shop, job)
        shop.done += len(staged.rows)
    async with shop.db.transaction() as tx:
        await imports_staging.check_whole_file(tx, job)
        counts = await import_rows.count(tx, job.id)
        await _move(tx, job, ImportState.PARSED, {**counts, "progress_total": shop.done})


async def _compare(shop: Workshop, job: ImportJob) -> None:
    async with shop.db.reading() as tx:
        shop.total = (await import_rows.count(tx, job.id))["rows_read"]
    part = Part(touched=False, size=PART_ROWS)
    while True:
        shop.take_keys()
        async with shop.db.transaction() as tx:
            rows = await import_rows.next_part(tx, job.id, shop.sealer, part)
            if not rows:
                break
            reviews, _ = await imports_rows.review(tx, job, shop.numbers, rows)
            await import_rows.set_outcomes(tx, job.id, _outcomes(rows, reviews))
            await _own(tx, shop, job)
        shop.done += len(rows)
    async with shop.db.transaction() as tx:
        counts = await import_rows.count(tx, job.id)
        await _move(tx, job, ImportState.VALIDATED, {**counts, "progress_done": shop.total})


async def _merge(shop: Workshop, job: ImportJob) -> None:
    result, left_out = MergeResult(), 0
    async with shop.db.transaction() as tx:
        # Before the comparison, so that no other merge comes between it and the writing.
        await merging.hold_merges(tx)
        shop.take_keys()
        counts = await import_rows.count(tx, job.id)
        shop.total = counts["rows_new"] + counts["rows_changed"]
        part = Part(touched=True, size=PART_ROWS)
        while rows := await import_rows.next_part(tx, job.id, shop.sealer, part):
            reviews, plan = await imports_rows.review(tx, job, shop.numbers, rows)
            stale = {
                row.row_number
                for row in rows
                if reviews[row.row_number].fingerprint != row.fingerprint
            }
            fresh = [row for row in rows if row.row_number not in stale]
            # A plan that knows of stale rows is of no use for the others.
            plan = None if stale else plan
            result = result.plus(await _merge_part(tx, shop, job, fresh, plan))
            left_out += len(stale)
            part = Part(True, PART_ROWS, _place(rows[-1]))  # noqa: FBT003 - as above, the next part
            shop.done += sum(row.verdict is not Verdict.UNCHANGED for row in rows)
            await import_rows.add_findings(
                tx, job.id, [(row, ["baris", "changed_since_review"], True) for row in stale]
            )
        merged = asdict(result) | {"left_out": len(result.left_out)}
        counts = await import_rows.count(tx, job.id)
        values = {
            **counts,
            "result": merged,
            "rows_left_out": left_out,
            "progress_done": shop.total,
        }
        await _move(tx, job, ImportState.MERGED, values)
        tx.audit(
            "merge_import", f"import/{job.id}", {**counts, "left_out": left_out}, job.decided_by
        )


async def _merge_part(
    tx: Transaction,
    shop: Workshop,
    job: ImportJob,
    rows: list[StagedContent],
    plan: Plan | None,
) -> MergeResult:
    if not rows:
        return MergeResult()
    actor, numbers = job.decided_by, shop.numbers
    if job.format is ImportFormat.OPENSID_RESIDENTS:
        return await merge_residents(
            tx,
            imports_rows.resident_batch(job, rows),
            numbers=numbers,
            actor=actor,
            source=opensid.SOURCE,
            import_id=job.id,
            plan=plan,
        )
    families = imports_rows.welfare_rows(job, rows)
    return await merge_welfare(tx, families, numbers=numbers, actor=actor, import_id=job.id)


_STAGES: dict[ImportState, Callable[[Workshop, ImportJob], Awaitable[None]]] = {
    ImportState.RECEIVED: _stage,
    ImportState.PARSED: _compare,
    ImportState.REVIEWED: _merge,
}


def _place(row: StagedContent) -> tuple[bytes, int]:
    return row.kk_index or b"", row.row_number


def _outcomes(rows: list[StagedContent], reviews: dict[int, Review]) -> list[Outcome]:
    outcomes = []
    for row in rows:
        found = reviews[row.row_number]
        outcomes.append(
            Outcome(row.row_number, found.verdict, found.changed, found.fingerprint, found.findings)
        )
    return outcomes


async def _fail(shop: Workshop, job: ImportJob, refused: FileRefusedError) -> None:
    failure = {"code": refused.code, "params": refused.params}
    async with shop.db.transaction() as tx:
        await import_rows.clear(tx, job.id, None)
        await _move(tx, job, ImportState.FAILED, {"failure": failure})
    log.info("import_failed", import_id=str(job.id), code=refused.code)


async def _move(
    tx: Transaction, job: ImportJob, to: ImportState, values: dict[str, object]
) -> None:
    if not await imports.move(tx, job, to, values):
        raise ImportLost


async def _own(tx: Transaction, shop: Workshop, job: ImportJob) -> None:
    if not await imports.beat(tx, job, shop.done, shop.total):
        raise ImportLost


async def _keep_beating(shop: Workshop, job: ImportJob) -> None:
    """Show progress while a long transaction runs; losing the import shows at its end."""
    while True:
        await asyncio.sleep(BEAT_S)
        try:
            async with shop.db.transaction() as tx:
                await imports.beat(tx, job, shop.done, shop.total)
        except (SQLAlchemyError, OSError):
            # A missed beat is no harm; if the database is gone, the stage itself will say so.
            log.warning("import_beat_missed", import_id=str(job.id))
