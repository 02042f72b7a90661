"""Approves proposed enrolments: four eyes, facts looked at again, overlaps, quota and ceiling.

A grant holds its programs and families until the commit, so that two grants at once see each
other: the quota is not passed, and excluding programs do not meet in one family.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from services.programs.actions.assessment import Assessment, Assessor, Recipient, load_assessor
from services.programs.actions.callers import caller_of, sight_of
from services.programs.actions.enrolments import tell_enrolments
from services.programs.actions.programs import visible_program
from services.programs.domain.enrolments import (
    EnrolmentAction,
    EnrolmentStatus,
    YearBudget,
    check_budget,
    check_override,
    next_status,
)
from services.programs.domain.errors import (
    AlreadyEnrolled,
    CeilingExceeded,
    DomainError,
    EnrolmentNotFound,
    FamilyUnknown,
    NotEligible,
    NotYourAgency,
    ProgramNotActive,
    QuotaExceeded,
    SameHand,
    WrongStatus,
)
from services.programs.domain.programs import (
    ProgramStatus,
    cost_per_recipient_idr,
    year_aid_ceiling_idr,
    year_quota,
)
from services.programs.storage.enrolments import (
    Enrolment,
    count_granted,
    get_enrolments,
    live_recipients,
    log_enrolments,
    update_enrolments,
)
from services.programs.storage.families import lock_families
from services.programs.storage.programs import Program
from services.shared.auth import Actor
from services.shared.db import Transaction

REFUSALS = (
    AlreadyEnrolled,
    CeilingExceeded,
    FamilyUnknown,
    NotEligible,
    NotYourAgency,
    ProgramNotActive,
    QuotaExceeded,
    SameHand,
    WrongStatus,
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one id: the granted enrolment, or the error that stood in the way."""

    enrolment_id: UUID
    granted: Enrolment | None
    error: DomainError | None


async def approve_one(
    tx: Transaction, actor: Actor, enrolment_id: UUID, *, override_reason: str | None
) -> Enrolment:
    """Grant one enrolment, or raise what stands in the way (``REFUSALS``, EnrolmentNotFound)."""
    (verdict,) = await approve_many(tx, actor, [enrolment_id], override_reason=override_reason)
    if verdict.error is not None:
        raise verdict.error
    if verdict.granted is None:
        raise EnrolmentNotFound
    return verdict.granted


async def approve_many(
    tx: Transaction,
    actor: Actor,
    enrolment_ids: Sequence[UUID],
    *,
    override_reason: str | None = None,
) -> list[Verdict]:
    """Grant what may be granted, in the order given; each id gets its own verdict."""
    seen = await get_enrolments(tx, enrolment_ids, sight=sight_of(actor))
    programs = {
        program_id: await visible_program(tx, actor, program_id, lock=True)
        # One order for everybody, so that two approvers never wait for each other.
        for program_id in sorted({enrolment.program_id for enrolment in seen.values()})
    }
    await lock_families(tx, {enrolment.family_id for enrolment in seen.values()})
    held = await get_enrolments(tx, enrolment_ids, sight=sight_of(actor), lock=True)
    verdicts: dict[UUID, Verdict] = {
        enrolment_id: Verdict(enrolment_id, None, EnrolmentNotFound())
        for enrolment_id in enrolment_ids
    }
    # Program by program, each kept before the next is judged: one call may name two programs
    # that exclude each other in one family.
    for program_id, program in programs.items():
        mine = [
            held[each] for each in verdicts if each in held and held[each].program_id == program_id
        ]
        desk = await _open_desk(tx, actor, program, mine)
        for enrolment in mine:
            verdicts[enrolment.enrolment_id] = _try(desk, enrolment, override_reason)
        await _keep(tx, actor, program, desk.granted, override_reason)
    return list(verdicts.values())


def _try(desk: "_Desk", enrolment: Enrolment, override_reason: str | None) -> Verdict:
    try:
        return Verdict(enrolment.enrolment_id, desk.grant(enrolment, override_reason), None)
    except REFUSALS as error:
        return Verdict(enrolment.enrolment_id, None, error)


async def _keep(
    tx: Transaction,
    actor: Actor,
    program: Program,
    granted: list[Enrolment],
    override_reason: str | None,
) -> None:
    if not granted:
        return
    await update_enrolments(tx, granted)
    await log_enrolments(
        tx, granted, by=actor.id, action=EnrolmentAction.APPROVE, reason=override_reason
    )
    tell_enrolments(tx, program, granted)
    tx.audit(
        "enrolment.approve",
        str(program.program_id),
        {
            "enrolments": [str(enrolment.enrolment_id) for enrolment in granted],
            "override_reason": override_reason,
        },
        actor.id,
    )


class _Desk:
    """Grants enrolments of one program, one after the other; knows what is left."""

    def __init__(
        self,
        tx: Transaction,
        actor: Actor,
        assessor: Assessor,
        budgets: dict[int, YearBudget],
        live: set[tuple[int, UUID]],
    ) -> None:
        self._tx, self._actor, self._assessor = tx, actor, assessor
        self._budgets = budgets
        self._live = live
        self.granted: list[Enrolment] = []

    def grant(self, enrolment: Enrolment, override_reason: str | None) -> Enrolment:
        """Return the granted enrolment, or raise one of ``REFUSALS``."""
        program, actor = self._assessor.program, self._actor
        before = EnrolmentStatus(enrolment.status)
        status = next_status(
            before,
            EnrolmentAction.APPROVE,
            caller_of(actor),
            holding=program.holding,
            proposed_by=enrolment.proposed_by,
        )
        if program.status != ProgramStatus.ACTIVE:
            raise ProgramNotActive(status=program.status, year=enrolment.year)
        place = (enrolment.year, enrolment.recipient_id)
        if before is EnrolmentStatus.REFUSED and place in self._live:
            raise AlreadyEnrolled
        verdict = self._assess(enrolment)
        check_override(before, eligible=verdict.eligible, override_reason=override_reason)
        budget = self._budgets[enrolment.year]
        check_budget(budget)
        self._budgets[enrolment.year] = replace(budget, granted=budget.granted + 1)
        self._live.add(place)
        record = self._assessor.record
        granted = replace(
            enrolment,
            status=status.value,
            eligible=verdict.eligible,
            rule_id=record.rule_id if record else None,
            rule_version=record.version if record else None,
            facts=verdict.facts,
            reasons=verdict.reasons,
            decided_by=actor.id,
            decided_at=self._tx.now,
            override_reason=None if verdict.eligible else override_reason,
            version=enrolment.version + 1,
        )
        self.granted.append(granted)
        return granted

    def _assess(self, enrolment: Enrolment) -> Assessment:
        verdict = self._assessor.assess(_recipient(enrolment))
        if verdict is None:
            raise FamilyUnknown
        return verdict


async def _open_desk(
    tx: Transaction, actor: Actor, program: Program, enrolments: Sequence[Enrolment]
) -> _Desk:
    budgets = {}
    for year in {enrolment.year for enrolment in enrolments}:
        lines = program.lines_of(year)
        budgets[year] = YearBudget(
            quota=year_quota(lines),
            aid_ceiling_idr=year_aid_ceiling_idr(lines),
            cost_per_recipient_idr=cost_per_recipient_idr(
                quantity=program.benefit["quantity"],
                unit_value_idr=program.benefit["unit_value_idr"],
                frequency=program.frequency,
            ),
            granted=await count_granted(tx, program.program_id, year),
        )
    recipients = [_recipient(enrolment) for enrolment in enrolments]
    assessor = await load_assessor(tx, program, recipients, scope=actor.scope)
    live = await live_recipients(
        tx, program.program_id, [enrolment.recipient_id for enrolment in enrolments]
    )
    return _Desk(tx, actor, assessor, budgets, live)


def _recipient(enrolment: Enrolment) -> Recipient:
    return Recipient(
        enrolment.family_id, enrolment.person_id, enrolment.valid_from, enrolment.valid_to
    )
