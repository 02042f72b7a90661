"""Moves programs through their life: by people with four eyes, and by their agency's reports."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from services.programs.actions.callers import caller_of
from services.programs.actions.told import program_state
from services.programs.domain.errors import (
    NotYourAgency,
    OrganisationUnknown,
    ProgramExists,
    ProgramNotFound,
    WrongStatus,
)
from services.programs.domain.programs import (
    Caller,
    ProgramAction,
    ProgramStatus,
    ProgramYear,
    check_benefit,
    check_years,
    may_see,
    next_status,
    normalise_sub_kegiatan,
)
from services.programs.storage.organisations import known_codes
from services.programs.storage.programs import (
    Program,
    find_by_code,
    get_program,
    save_program,
)
from services.shared.auth import Actor
from services.shared.db import ReadTransaction, Transaction
from services.shared.ids import new_id


@dataclass(frozen=True, slots=True)
class Description:
    """What a program is, without whose it is and where it stands."""

    code: str
    name: str
    klaster: str
    strategi: str
    bidang: str
    nomenclature_version: str | None
    sub_kegiatan: str | None
    unit: str
    benefit: dict[str, Any]
    frequency: str
    steps: list[str]
    years: tuple[ProgramYear, ...]
    counts_as_reached: bool
    sensitive: bool


async def visible_program(
    tx: ReadTransaction, actor: Actor, program_id: UUID, *, lock: bool = False
) -> Program:
    """Return the program, or raise ``ProgramNotFound`` also when the caller may not know of it."""
    program = await get_program(tx, program_id, lock=lock)
    if program is None or not may_see(program.holding, actor.agency):
        raise ProgramNotFound
    return program


async def create_program(
    tx: Transaction, actor: Actor, described: Description, *, owner_code: str, reporter_code: str
) -> Program:
    """Add a draft of the caller's agency (an admin of Dinsos: of any organisation).

    Raises:
        NotYourAgency, OrganisationUnknown, ProgramExists, InvalidSubKegiatan, InvalidYears.
    """
    caller = caller_of(actor)
    if not caller.is_admin and {owner_code, reporter_code} != {caller.agency}:
        raise NotYourAgency(agency=owner_code)
    codes = [owner_code, reporter_code]
    if unknown := set(codes) - await known_codes(tx, codes):
        raise OrganisationUnknown(code=min(unknown))
    program = _described(
        described,
        program_id=new_id(),
        owner_code=owner_code,
        reporter_code=reporter_code,
        status=ProgramStatus.DRAFT,
        version=1,
    )
    if not await save_program(tx, program, by=actor.id, action="create"):
        raise ProgramExists(code=described.code)
    return _tell(tx, program, actor.id, "create")


async def edit_program(
    tx: Transaction, actor: Actor, program: Program, changes: dict[str, Any]
) -> Program:
    """Change a draft. Raise ``WrongStatus`` for any later status, and as ``create_program``."""
    next_status(program.holding, ProgramAction.EDIT, caller_of(actor))
    described = replace(_description(program), **changes)
    edited = _described(
        described,
        program_id=program.program_id,
        owner_code=program.owner_code,
        reporter_code=program.reporter_code,
        status=ProgramStatus.DRAFT,
        version=program.version + 1,
    )
    edited = replace(edited, target_desil_max=program.target_desil_max)
    await save_program(tx, edited, by=actor.id, action="edit")
    return _tell(tx, edited, actor.id, "edit")


async def move_program(
    tx: Transaction, actor: Actor, program_id: UUID, action: ProgramAction, *, note: str | None
) -> Program:
    """Submit, return, approve, activate or close. Raise as ``domain.programs.next_status``."""
    program = await visible_program(tx, actor, program_id, lock=True)
    caller: Caller = caller_of(actor)
    status = next_status(program.holding, action, caller)
    proposed_by = caller.subject if action is ProgramAction.SUBMIT else program.proposed_by
    moved = replace(
        program, status=status.value, proposed_by=proposed_by, version=program.version + 1
    )
    await save_program(tx, moved, by=actor.id, action=action.value, note=note)
    return _tell(tx, moved, actor.id, action.value)


async def revise_target(tx: Transaction, actor: Actor, program: Program, desil: int | None) -> None:
    """Keep and tell the highest desil that the program's new rule admits."""
    revised = replace(program, target_desil_max=desil, version=program.version + 1)
    await save_program(tx, revised, by=actor.id, action="rule")
    _tell(tx, revised, actor.id, "rule")


@dataclass(frozen=True, slots=True)
class Report:
    """What an agency's own system said of its program, and when."""

    agency_code: str
    reported_at: datetime
    described: Description


async def take_reports(tx: Transaction, reports: Sequence[Report]) -> None:
    """List or revise the programs that agencies report as their own.

    The agency is the authority on its own program, so it is active at once. Reports may come in
    any order: one that is older than what was taken before changes nothing.

    Raises:
        OrganisationUnknown, InvalidSubKegiatan, InvalidYears, InvalidBenefit, WrongStatus
        (a closed program does not come back): the inbox parks the event with this reason.
    """
    known = await known_codes(tx, [report.agency_code for report in reports])
    for report in sorted(reports, key=lambda each: each.reported_at):
        if report.agency_code not in known:
            raise OrganisationUnknown(
                f"{report.agency_code} is not an organisation", code=report.agency_code
            )
        # A clock that runs ahead must not make a report newer than those that follow it.
        await _take_report(tx, replace(report, reported_at=min(report.reported_at, tx.now)))


async def _take_report(tx: Transaction, report: Report) -> None:
    code = report.agency_code
    before = await find_by_code(tx, code, report.described.code)
    if before is not None:
        if before.reported_at is not None and before.reported_at > report.reported_at:
            return
        if before.status == ProgramStatus.CLOSED:
            raise WrongStatus("the program is closed", status=before.status)
    by = f"skpd/{code.lower()}"
    program = replace(
        _described(
            report.described,
            program_id=before.program_id if before else new_id(),
            owner_code=code,
            reporter_code=code,
            status=ProgramStatus.ACTIVE,
            version=before.version + 1 if before else 1,
        ),
        proposed_by=by,
        reported_at=report.reported_at,
        target_desil_max=before.target_desil_max if before else None,
    )
    if not await save_program(tx, program, by=by, action="report"):
        # Somebody entered the same code at this very moment. The insert has waited for them, so
        # the second look finds theirs.
        await _take_report(tx, report)
        return
    _tell(tx, program, by, "report")


def _described(
    described: Description,
    *,
    program_id: UUID,
    owner_code: str,
    reporter_code: str,
    status: ProgramStatus,
    version: int,
) -> Program:
    check_years(described.years)
    check_benefit(
        quantity=described.benefit["quantity"],
        unit_value_idr=described.benefit["unit_value_idr"],
    )
    raw = described.sub_kegiatan
    values = {name: getattr(described, name) for name in _COPIED}
    return Program(
        **values,
        program_id=program_id,
        owner_code=owner_code,
        reporter_code=reporter_code,
        sub_kegiatan=None if raw is None else normalise_sub_kegiatan(raw),
        sub_kegiatan_raw=raw,
        target_desil_max=None,
        status=status.value,
        proposed_by=None,
        reported_at=None,
        version=version,
    )


_COPIED = tuple(name for name in Description.__dataclass_fields__ if name != "sub_kegiatan")


def _description(program: Program) -> Description:
    values = {name: getattr(program, name) for name in _COPIED}
    return Description(**values, sub_kegiatan=program.sub_kegiatan_raw)


def _tell(tx: Transaction, program: Program, by: str, action: str) -> Program:
    tx.audit(
        f"program.{action}",
        str(program.program_id),
        {"version": program.version, "status": program.status, "years": _lines(program)},
        by,
    )
    tx.emit(program_state(program), version=program.version)
    return program


def _lines(program: Program) -> list[dict[str, Any]]:
    return [asdict(line) for line in program.years]
