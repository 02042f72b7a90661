"""An enrolment (penetapan): its life, who may decide, and when quota or ceiling refuses. Pure."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

from services.programs.domain.errors import (
    CeilingExceeded,
    NotEligible,
    NotYourAgency,
    QuotaExceeded,
    SameHand,
    WrongStatus,
)
from services.programs.domain.programs import Caller, Holding, acts_for
from services.programs.domain.sentences import Reason

BATCH_MAX = 1_000
"""Rows of one enrolment batch: one transaction of a second or two, one screen of answers."""
BULK_FROM = 50
"""Batches above this many events go by the bulk lane, behind what single people wait for."""


class EnrolmentStatus(StrEnum):
    """Where an enrolment stands."""

    PROPOSED = "proposed"
    GRANTED = "granted"
    REFUSED = "refused"
    SUSPENDED = "suspended"
    ENDED = "ended"


class EnrolmentAction(StrEnum):
    """What may be done to an enrolment."""

    APPROVE = "approve"
    REFUSE = "refuse"
    SUSPEND = "suspend"
    RESUME = "resume"
    END = "end"


LIVE = frozenset({EnrolmentStatus.PROPOSED, EnrolmentStatus.GRANTED, EnrolmentStatus.SUSPENDED})
"""One recipient has at most one live enrolment per program and year."""

ALLOWED: dict[EnrolmentStatus, dict[EnrolmentAction, EnrolmentStatus]] = {
    EnrolmentStatus.PROPOSED: {
        EnrolmentAction.APPROVE: EnrolmentStatus.GRANTED,
        EnrolmentAction.REFUSE: EnrolmentStatus.REFUSED,
    },
    EnrolmentStatus.REFUSED: {EnrolmentAction.APPROVE: EnrolmentStatus.GRANTED},
    EnrolmentStatus.GRANTED: {
        EnrolmentAction.SUSPEND: EnrolmentStatus.SUSPENDED,
        EnrolmentAction.END: EnrolmentStatus.ENDED,
    },
    EnrolmentStatus.SUSPENDED: {
        EnrolmentAction.RESUME: EnrolmentStatus.GRANTED,
        EnrolmentAction.END: EnrolmentStatus.ENDED,
    },
    EnrolmentStatus.ENDED: {},
}
"""A refusal may still be granted, but only as an override with a reason."""

DECISIONS = frozenset({EnrolmentAction.APPROVE, EnrolmentAction.REFUSE})
"""Four eyes: another person than the proposer."""


@dataclass(frozen=True, slots=True)
class StackingRule:
    """Two programs that one family may not hold together, or that are worth a warning."""

    stacking_rule_id: UUID
    program_a: UUID
    program_b: UUID
    warn_only: bool
    legal_reference: str
    valid_from: date
    valid_to: date | None

    def other(self, program_id: UUID) -> UUID:
        """Return the other program of the pair."""
        return self.program_b if program_id == self.program_a else self.program_a


@dataclass(frozen=True, slots=True)
class HeldProgram:
    """A program that the family holds: its name, or that the caller's side may not know it."""

    program_id: UUID
    name: str
    hidden: bool


@dataclass(frozen=True, slots=True)
class Overlap:
    """The overlaps of one proposal, as sentences."""

    excluded: bool
    reasons: tuple[Reason, ...]


def next_status(
    status: EnrolmentStatus,
    action: EnrolmentAction,
    caller: Caller,
    *,
    holding: Holding,
    proposed_by: str,
) -> EnrolmentStatus:
    """Return the status after ``action``.

    Raises:
        WrongStatus, NotYourAgency, SameHand: as for programs.
    """
    target = ALLOWED[status].get(action)
    if target is None:
        raise WrongStatus(status=status.value, action=action.value)
    if not (caller.is_reviewer or acts_for(holding, caller)):
        raise NotYourAgency(agency=holding.owner_code)
    if action in DECISIONS and caller.subject == proposed_by:
        raise SameHand
    return target


def allowed_actions(
    status: EnrolmentStatus, caller: Caller, *, holding: Holding, proposed_by: str
) -> tuple[EnrolmentAction, ...]:
    """Return what this caller may do now."""
    allowed = []
    for action in ALLOWED[status]:
        try:
            next_status(status, action, caller, holding=holding, proposed_by=proposed_by)
        except (NotYourAgency, SameHand):
            continue
        allowed.append(action)
    return tuple(allowed)


def check_override(status: EnrolmentStatus, *, eligible: bool, override_reason: str | None) -> None:
    """Refuse to grant what is not eligible, or was refused, unless a reason is given."""
    if (not eligible or status is EnrolmentStatus.REFUSED) and not override_reason:
        raise NotEligible


def overlaps(
    program_id: UUID, rules: list[StackingRule], held: dict[UUID, HeldProgram], day: date
) -> Overlap:
    """Return what the family's other programs mean for enrolling it in ``program_id``.

    A program that the deciders may not know of is not named (DESIGN section 4, sensitive).
    """
    reasons: list[Reason] = []
    excluded = False
    for rule in rules:
        in_force = rule.valid_from <= day and (rule.valid_to is None or day <= rule.valid_to)
        other = held.get(rule.other(program_id))
        if not in_force or other is None:
            continue
        excluded = excluded or not rule.warn_only
        reasons.append(_overlap_reason(rule, other))
    return Overlap(excluded, tuple(reasons))


def _overlap_reason(rule: StackingRule, other: HeldProgram) -> Reason:
    if other.hidden:
        return Reason(
            "tumpang_tindih",
            rule.warn_only,
            "✗ Ada konflik dengan bantuan lain, hubungi Dinsos",
            "✗ There is a conflict with other aid, ask Dinsos",
        )
    if rule.warn_only:
        return Reason(
            "tumpang_tindih",
            met=True,
            text_id=f"! Keluarga sudah menerima {other.name} ({rule.legal_reference})",
            text_en=f"! The family already receives {other.name} ({rule.legal_reference})",
        )
    return Reason(
        "tumpang_tindih",
        met=False,
        text_id=f"✗ Keluarga sudah menerima {other.name} ({rule.legal_reference})",
        text_en=f"✗ The family already receives {other.name} ({rule.legal_reference})",
    )


@dataclass(frozen=True, slots=True)
class YearBudget:
    """A program-year's limits and what is used of them. Null limits are unknown: no refusal."""

    quota: int | None
    aid_ceiling_idr: int | None
    cost_per_recipient_idr: int | None
    granted: int


def check_budget(budget: YearBudget, *, requested: int = 1) -> None:
    """Refuse a grant that passes the quota or commits more than the aid ceiling.

    Raises:
        QuotaExceeded, CeilingExceeded: with the numbers in ``params``.
    """
    total = budget.granted + requested
    if budget.quota is not None and total > budget.quota:
        raise QuotaExceeded(quota=budget.quota, granted=budget.granted, requested=requested)
    cost = budget.cost_per_recipient_idr
    if budget.aid_ceiling_idr is not None and cost and total * cost > budget.aid_ceiling_idr:
        raise CeilingExceeded(
            aid_ceiling_idr=budget.aid_ceiling_idr,
            committed_idr=budget.granted * cost,
            requested_idr=requested * cost,
        )
