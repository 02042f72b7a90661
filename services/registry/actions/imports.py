"""What people do with imports: hand one in, approve, refuse, cancel, fetch rejected rows."""

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from services.registry.domain.import_errors import (
    FormatNotYoursError,
    ImportNotFoundError,
    ImportStateForbidsError,
    UploaderCannotDecideError,
    UploadNotUsableError,
    VillageNeededError,
)
from services.registry.domain.imports import (
    RESULT,
    Decider,
    ImportAction,
    ImportFormat,
    ImportState,
    is_own_upload,
    may_decide,
    may_upload,
    state_allows,
)
from services.registry.storage import imports, regions
from services.shared import clock, upload_rows
from services.shared.auth import Actor
from services.shared.db import ReadTransaction, Transaction
from services.shared.ids import new_id

VILLAGE_LEVELS = frozenset({"desa", "kelurahan"})


@dataclass(frozen=True, slots=True)
class StartImport:
    """A list that was handed in. ``observed_on`` is the day it speaks of (DTSEN: cut-off)."""

    format: ImportFormat
    upload_id: UUID
    region_code: str
    observed_on: date | None
    bast_number: str | None
    period: str | None
    synthetic: bool


def decider(actor: Actor) -> Decider:
    """Return the caller as the domain knows people."""
    return Decider(actor.id, frozenset(str(role) for role in actor.roles))


async def start_import(tx: Transaction, command: StartImport, actor: Actor) -> UUID:
    """Enter an import in state received; the worker takes it from there.

    Raises:
        FormatNotYoursError, VillageNeededError, UploadNotUsableError.
    """
    if not may_upload(command.format, decider(actor).roles):
        raise FormatNotYoursError
    actor.scope.require(command.region_code)
    if command.format is ImportFormat.OPENSID_RESIDENTS:
        await _require_village(tx, command.region_code)
    upload = await upload_rows.find(tx, command.upload_id)
    if upload is None or upload.finished_at is None or upload.owner != actor.id:
        raise UploadNotUsableError
    # The same bytes speak of the same day, however late they come again.
    seen = await imports.first_seen(tx, upload.sha256, command.format, command.region_code)
    import_id = new_id()
    values = {
        "id": import_id,
        "format": command.format,
        "region_code": command.region_code,
        "upload_id": command.upload_id,
        "file_sha256": upload.sha256,
        "bast_number": command.bast_number,
        "period": command.period,
        "observed_on": command.observed_on or seen or clock.today(),
        "synthetic": command.synthetic,
        "uploaded_by": actor.id,
        "uploaded_by_name": actor.name,
    }
    await imports.insert(tx, values)
    audited = {key: str(values[key]) for key in ("format", "region_code", "upload_id")}
    tx.audit("start_import", f"import/{import_id}", audited, actor.id)
    return import_id


async def find_import(
    tx: ReadTransaction, import_id: UUID, actor: Actor, *, lock: bool = False
) -> dict[str, Any]:
    """Return an import of the caller's regions. Raise ``ImportNotFoundError``."""
    found = await imports.find(tx, import_id, actor.scope, lock=lock)
    if found is None:
        raise ImportNotFoundError
    return found


async def decide_import(
    tx: Transaction,
    found: dict[str, Any],
    action: ImportAction,
    actor: Actor,
    reason: str | None = None,
) -> None:
    """Approve, refuse or cancel an import that was read with ``lock``.

    Raises:
        UploaderCannotDecideError, FormatNotYoursError, ImportStateForbidsError.
    """
    import_format, who = ImportFormat(found["format"]), decider(actor)
    if not may_decide(action, import_format, who, found["uploaded_by"]):
        own = is_own_upload(who, found["uploaded_by"])
        raise UploaderCannotDecideError if own else FormatNotYoursError
    if not state_allows(ImportState(found["state"]), action):
        raise ImportStateForbidsError(state=found["state"])
    values: dict[str, Any] = {
        "state": RESULT[action],
        "decided_by": actor.id,
        "decided_by_name": actor.name,
        "reason": reason,
    }
    await imports.decide(tx, found["id"], values)
    tx.audit(f"{action}_import", f"import/{found['id']}", {"reason": reason}, actor.id)


def audit_rejected_rows(tx: Transaction, found: dict[str, Any], actor: Actor) -> None:
    """Record that someone fetches rejected rows: they hold unmasked NIK and KK numbers."""
    payload = {"rows": found["rows_rejected"], "format": found["format"]}
    tx.audit("fetch_rejected_rows", f"import/{found['id']}", payload, actor.id)


async def _require_village(tx: Transaction, region_code: str) -> None:
    region = await regions.find(tx, region_code)
    if region is None or region["level"] not in VILLAGE_LEVELS:
        raise VillageNeededError
