"""Proposes enrolments (penetapan penerima) and moves granted ones: suspend, resume, end, refuse.

Approval is in ``grants``.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID

from services.programs.actions.assessment import (
    Assessment,
    Assessor,
    Recipient,
    load_assessor,
    takes_persons,
)
from services.programs.actions.callers import caller_of, sight_of
from services.programs.actions.programs import visible_program
from services.programs.actions.rules import require_part
from services.programs.actions.told import enrolment_state
from services.programs.domain.enrolments import (
    BULK_FROM,
    EnrolmentAction,
    EnrolmentStatus,
    next_status,
)
from services.programs.domain.errors import (
    AlreadyEnrolled,
    EnrolmentNotFound,
    FamilyUnknown,
    InvalidDates,
    ProgramNotActive,
    WrongUnit,
)
from services.programs.domain.programs import ProgramStatus
from services.programs.domain.rules import FAMILY_UNITS, PERSON_UNITS
from services.programs.storage.enrolments import (
    Enrolment,
    get_enrolments,
    insert_enrolments,
    log_enrolments,
    update_enrolments,
)
from services.programs.storage.programs import Program
from services.shared import clock
from services.shared.auth import Actor
from services.shared.db import Lane, Transaction
from services.shared.ids import new_id


class IfIneligible(StrEnum):
    """What becomes of a recipient who does not satisfy the rule."""

    PROPOSE = "propose"
    """It waits for another person, who may override with a reason."""
    REFUSE = "refuse"
    """It is refused at once, with its reasons."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """One row of a list of proposed recipients."""

    family_id: UUID
    person_id: UUID | None
    valid_from: date | None
    valid_to: date | None
    note: str | None


class RowStatus(StrEnum):
    """What became of one row."""

    PROPOSED = "proposed"
    REFUSED = "refused"
    ALREADY_ENROLLED = "already_enrolled"
    FAMILY_UNKNOWN = "family_unknown"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one row, and the enrolment that it made."""

    status: RowStatus
    enrolment: Enrolment | None


async def propose_one(
    tx: Transaction,
    actor: Actor,
    *,
    program_id: UUID,
    year: int,
    proposal: Proposal,
    if_ineligible: IfIneligible,
) -> Enrolment:
    """Propose one recipient.

    Raises:
        FamilyUnknown, AlreadyEnrolled, and as ``propose_many``.
    """
    (outcome,) = await propose_many(
        tx,
        actor,
        program_id=program_id,
        year=year,
        proposals=[proposal],
        if_ineligible=if_ineligible,
    )
    if outcome.status is RowStatus.FAMILY_UNKNOWN:
        raise FamilyUnknown
    if outcome.enrolment is None:
        raise AlreadyEnrolled
    return outcome.enrolment


async def propose_many(
    tx: Transaction,
    actor: Actor,
    *,
    program_id: UUID,
    year: int,
    proposals: Sequence[Proposal],
    if_ineligible: IfIneligible,
) -> list[Outcome]:
    """Propose recipients of one program and year; each row gets its own outcome.

    Raises:
        ProgramNotFound, NotYourAgency, ProgramNotActive, WrongUnit, InvalidDates: then nothing
        is kept.
    """
    program = await visible_program(tx, actor, program_id)
    require_part(program.holding, actor, reviewers=False)
    _require_open(program, year)
    _require_unit(program, proposals)
    recipients = [_recipient(proposal, year) for proposal in proposals]
    assessor = await load_assessor(tx, program, recipients, scope=actor.scope)
    made: list[Enrolment | None] = []
    for proposal, recipient in zip(proposals, recipients, strict=True):
        verdict = assessor.assess(recipient)
        if verdict is None:
            made.append(None)
            continue
        refused = not verdict.eligible and if_ineligible is IfIneligible.REFUSE
        status = EnrolmentStatus.REFUSED if refused else EnrolmentStatus.PROPOSED
        judged = _Judged(proposal, recipient, verdict, status)
        made.append(_enrolment(tx, actor, assessor, year, judged))
    fresh = [enrolment for enrolment in made if enrolment is not None]
    added = await insert_enrolments(tx, fresh)
    kept = [enrolment for enrolment in fresh if enrolment.enrolment_id in added]
    await log_enrolments(tx, kept, by=actor.id, action="propose", reason=None)
    tell_enrolments(tx, program, kept)
    tx.audit(
        "enrolment.propose",
        str(program_id),
        {"year": year, "enrolments": [str(each.enrolment_id) for each in kept]},
        actor.id,
    )
    return [_outcome(enrolment, added) for enrolment in made]


def tell_enrolments(tx: Transaction, program: Program, enrolments: Sequence[Enrolment]) -> None:
    """Emit the states; a long list goes by the bulk lane."""
    lane = Lane.BULK if len(enrolments) > BULK_FROM else Lane.INTERACTIVE
    for enrolment in enrolments:
        state = enrolment_state(
            enrolment, sensitive=program.sensitive, owner_code=program.owner_code
        )
        tx.emit(state, version=enrolment.version, lane=lane)


async def visible_enrolment(tx: Transaction, actor: Actor, enrolment_id: UUID) -> Enrolment:
    """Return the enrolment, held; raise ``EnrolmentNotFound`` when the caller may not see it."""
    found = await get_enrolments(tx, [enrolment_id], sight=sight_of(actor), lock=True)
    if enrolment_id not in found:
        raise EnrolmentNotFound
    return found[enrolment_id]


async def move_enrolment(
    tx: Transaction, actor: Actor, enrolment_id: UUID, action: EnrolmentAction, *, reason: str
) -> Enrolment:
    """Refuse, suspend, resume or end, with a reason.

    Raises:
        EnrolmentNotFound, WrongStatus, NotYourAgency, SameHand.
    """
    enrolment = await visible_enrolment(tx, actor, enrolment_id)
    program = await visible_program(tx, actor, enrolment.program_id)
    status = next_status(
        EnrolmentStatus(enrolment.status),
        action,
        caller_of(actor),
        holding=program.holding,
        proposed_by=enrolment.proposed_by,
    )
    changes: dict[str, Any] = {"status": status.value, "version": enrolment.version + 1}
    if action is EnrolmentAction.REFUSE:
        changes |= {"decided_by": actor.id, "decided_at": tx.now}
    if action is EnrolmentAction.END:
        last = max(enrolment.valid_from, min(enrolment.valid_to, clock.today()))
        changes["valid_to"] = last
    moved = replace(enrolment, **changes)
    await update_enrolments(tx, [moved])
    await log_enrolments(tx, [moved], by=actor.id, action=action.value, reason=reason)
    tx.audit(f"enrolment.{action}", str(enrolment_id), {"reason": reason}, actor.id)
    tell_enrolments(tx, program, [moved])
    return moved


def _require_open(program: Program, year: int) -> None:
    budgeted = not program.years or program.lines_of(year)
    if program.status != ProgramStatus.ACTIVE or not budgeted:
        raise ProgramNotActive(status=program.status, year=year)


def _require_unit(program: Program, proposals: Sequence[Proposal]) -> None:
    if program.unit not in PERSON_UNITS | FAMILY_UNITS:
        raise WrongUnit(unit=program.unit)
    persons = takes_persons(program)
    if any((proposal.person_id is not None) is not persons for proposal in proposals):
        raise WrongUnit(unit=program.unit)


def _recipient(proposal: Proposal, year: int) -> Recipient:
    """Fill in the dates: from today, or from the start of another year, to the year's end."""
    today = clock.today()
    start = today if today.year == year else date(year, 1, 1)
    valid_from = proposal.valid_from or start
    valid_to = proposal.valid_to or max(valid_from, date(year, 12, 31))
    if valid_to < valid_from:
        raise InvalidDates(valid_from=valid_from.isoformat())
    return Recipient(proposal.family_id, proposal.person_id, valid_from, valid_to)


@dataclass(frozen=True, slots=True)
class _Judged:
    """A proposal with its dates, its verdict and what becomes of it."""

    proposal: Proposal
    recipient: Recipient
    verdict: Assessment
    status: EnrolmentStatus


def _enrolment(
    tx: Transaction, actor: Actor, assessor: Assessor, year: int, judged: _Judged
) -> Enrolment:
    recipient, verdict, status = judged.recipient, judged.verdict, judged.status
    refused = status is EnrolmentStatus.REFUSED
    return Enrolment(
        enrolment_id=new_id(),
        program_id=assessor.program.program_id,
        year=year,
        family_id=recipient.family_id,
        person_id=recipient.person_id,
        recipient_id=recipient.person_id or recipient.family_id,
        region_code=verdict.region_code,
        status=status.value,
        eligible=verdict.eligible,
        rule_id=assessor.record.rule_id if assessor.record else None,
        rule_version=assessor.record.version if assessor.record else None,
        facts=verdict.facts,
        reasons=verdict.reasons,
        note=judged.proposal.note,
        proposed_by=actor.id,
        proposed_at=tx.now,
        decided_by=None,
        decided_at=tx.now if refused else None,
        override_reason=None,
        valid_from=recipient.valid_from,
        valid_to=recipient.valid_to,
        version=1,
    )


def _outcome(enrolment: Enrolment | None, added: set[UUID]) -> Outcome:
    if enrolment is None:
        return Outcome(RowStatus.FAMILY_UNKNOWN, None)
    if enrolment.enrolment_id not in added:
        return Outcome(RowStatus.ALREADY_ENROLLED, None)
    return Outcome(RowStatus(enrolment.status), enrolment)
