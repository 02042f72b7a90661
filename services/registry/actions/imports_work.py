"""The registry worker's part in imports: look for one that waits, take it a stage further."""

import io
from datetime import timedelta
from uuid import UUID, uuid4

import structlog

from services.registry.actions import imports_stages
from services.registry.actions.imports_stages import ImportLost, ReadUpload, Workshop
from services.registry.domain import import_rules
from services.registry.domain.import_rules import FileRefusedError
from services.registry.storage import imports
from services.registry.storage.imports import ATTEMPTS_MAX, ImportJob
from services.shared import upload_rows
from services.shared.blobs import BlobMissing, BlobStore
from services.shared.db import Database
from services.shared.key_files import KeyFile
from services.shared.sealing import SealError

RETRY_AFTER = timedelta(seconds=5)
STAGED_ROWS_KEPT = timedelta(days=30)
"""How long an operator may fetch the rejected rows of a finished import."""
FORGET_PER_RUN = 20

log = structlog.get_logger(__name__)


def upload_reader(db: Database, store: BlobStore) -> ReadUpload:
    """Return what gives the worker the bytes of an upload."""

    async def read(upload_id: UUID) -> bytes:
        gathered = io.BytesIO()
        try:
            async with db.reading() as tx:
                upload = await upload_rows.find(tx, upload_id)
                if upload is None or upload.finished_at is None:
                    raise FileRefusedError("upload_missing")
                if upload.size > import_rules.CSV_BYTES_MAX:
                    raise FileRefusedError("file_too_big")
                async for chunk in await upload_rows.content(tx, store, upload):
                    gathered.write(chunk)
        except (BlobMissing, SealError) as error:
            raise FileRefusedError("upload_missing") from error
        # The buffer's own bytes, not a copy: a list may have 256 MB.
        return gathered.getvalue()

    return read


async def import_waits(db: Database) -> bool:
    """Say whether an import waits for a worker."""
    async with db.reading() as tx:
        return await imports.waits(tx)


class ImportWorker:
    """Advances imports one at a time. Several may run; the database shares the work out."""

    def __init__(self, db: Database, keys: KeyFile, read_upload: ReadUpload) -> None:
        self._db = db
        self._shop = Workshop(db, keys, read_upload)
        self._name = uuid4().hex

    async def drain(self) -> int:
        """Work until nothing waits; return how many stages were done. A periodic job.

        A stage that is cut off by the end of the process is resumed by the next one.
        """
        stages = 0
        while await self.work_once():
            stages += 1
        return stages

    async def work_once(self) -> bool:
        """Take one import one stage further; False when none waits."""
        async with self._db.transaction() as tx:
            job = await imports.claim(tx, self._name)
        if job is None:
            return False
        try:
            if job.attempts > ATTEMPTS_MAX:
                await imports_stages.give_up(self._shop, job)
            else:
                await imports_stages.advance(self._shop, job)
        except ImportLost:
            log.info("import_lost", import_id=str(job.id), state=job.state)
        except Exception:
            # Whatever it was must not stop other imports; this one is tried again, a few times.
            log.exception("import_stage_failed", import_id=str(job.id), state=job.state)
            await self._let_go(job)
        return True

    async def forget_old_rows(self) -> int:
        """Delete staged rows past their retention; a periodic job."""
        async with self._db.transaction() as tx:
            before = tx.now - STAGED_ROWS_KEPT
            return await imports.forget_rows(tx, before, FORGET_PER_RUN)

    async def _let_go(self, job: ImportJob) -> None:
        async with self._db.transaction() as tx:
            await imports.let_go(tx, job, tx.now + RETRY_AFTER * job.attempts)
