"""Bodies and views of /v1/enrolments, and how an enrolment is shown."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.programs.actions.callers import caller_of
from services.programs.actions.enrolments import IfIneligible, Outcome, Proposal, RowStatus
from services.programs.actions.grants import Verdict
from services.programs.api import common
from services.programs.api.errors import code_of
from services.programs.domain.enrolments import BATCH_MAX, EnrolmentStatus, allowed_actions
from services.programs.storage.deliveries import NOTHING, Delivered, delivered
from services.programs.storage.enrolments import Enrolment
from services.programs.storage.programs import Program, get_programs
from services.shared.auth import Actor
from services.shared.db import ReadTransaction
from services.shared.pages import LIMIT_MAX
from services.shared.shapes import TRIMMED_5, Day, Year, exactly_one
from services.shared.validation_messages import InvalidValue

Status = Literal["proposed", "granted", "refused", "suspended", "ended"]
Note = Annotated[str, Field(max_length=500)]
Number = Annotated[str, Field(pattern=r"^[0-9]{16}$")]

ONE_NUMBER = exactly_one("kk_number", "nik") | {
    "examples": [{"nik": "6202060107909001", "purpose": "Pertanyaan warga di loket"}]
}


class ProposalBody(common.Dated):
    """One recipient. ``person_id`` is needed exactly where the program's unit is person."""

    family_id: UUID
    person_id: UUID | None = None
    valid_from: Day | None = None
    valid_to: Day | None = None
    note: Note | None = None

    def proposal(self) -> Proposal:
        """Return it for the action."""
        return Proposal(self.family_id, self.person_id, self.valid_from, self.valid_to, self.note)


class ProposeEnrolment(ProposalBody):
    """A proposed enrolment. Who is not eligible waits for another person's decision."""

    program_id: UUID
    year: Year
    if_ineligible: IfIneligible = IfIneligible.PROPOSE


class ProposeEnrolments(common.Request):
    """A list of recipients. Who is not eligible is refused, unless ``if_ineligible`` says else."""

    program_id: UUID
    year: Year
    if_ineligible: IfIneligible = IfIneligible.REFUSE
    rows: Annotated[list[ProposalBody], Field(min_length=1, max_length=BATCH_MAX)]


class ApproveEnrolment(common.Request):
    """``override_reason`` grants what is not eligible; it is kept and shown."""

    override_reason: common.Reason | None = None


class ApproveEnrolments(common.Request):
    """Enrolments to grant, in this order."""

    enrolment_ids: Annotated[list[UUID], Field(min_length=1, max_length=BATCH_MAX)]


class SearchEnrolments(common.Request):
    """A NIK or a KK number, and what the answer is needed for; the search is logged."""

    model_config = ConfigDict(json_schema_extra=ONE_NUMBER)

    nik: Number | None = None
    kk_number: Number | None = None
    purpose: Annotated[str, Field(min_length=5, max_length=200, json_schema_extra=TRIMMED_5)]

    @model_validator(mode="after")
    def _one_number(self) -> Self:
        if (self.nik is None) is (self.kk_number is None):
            raise InvalidValue(
                "one_number", "Isi nik atau kk_number, salah satu", "Give nik or kk_number"
            )
        return self


class ReasonView(BaseModel):
    """One sentence of a decision."""

    code: str
    met: bool
    text_id: str
    text_en: str


class DeliveredView(BaseModel):
    """What distribution reserved and handed over."""

    entitled_quantity: int
    delivered_quantity: int
    delivered_value_idr: int


class EnrolmentView(BaseModel):
    """An enrolment with its program's name and its decision."""

    enrolment_id: UUID
    program_id: UUID
    program_name: str
    owner_code: str
    year: int
    family_id: UUID
    person_id: UUID | None
    region_code: str
    status: Status
    eligible: bool
    rule_version: int | None
    reasons: list[ReasonView]
    override_reason: str | None
    note: str | None
    proposed_at: datetime
    decided_at: datetime | None
    valid_from: date
    valid_to: date
    delivered: DeliveredView
    version: int
    allowed_actions: list[str]


class LogView(BaseModel):
    """One step of an enrolment."""

    at: datetime
    actor: str
    action: str
    status: str
    reason: str | None


class EnrolmentDetailView(EnrolmentView):
    """An enrolment with the facts that it rests on and its steps."""

    facts: dict[str, Any]
    log: list[LogView]


class EnrolmentPage(BaseModel):
    """One page of enrolments; ``as_of`` says how fresh what is delivered is."""

    data: list[EnrolmentView] = Field(json_schema_extra={"maxItems": LIMIT_MAX})
    next: str | None
    as_of: dict[str, datetime | None]
    stale: bool


class RowView(BaseModel):
    """What became of one row of a batch; rows are counted from 0."""

    row: int
    status: RowStatus
    enrolment_id: UUID | None
    eligible: bool | None
    reasons: list[ReasonView]


class BatchView(BaseModel):
    """What became of every row, and how many of each."""

    rows: list[RowView]
    counts: dict[str, int]


class VerdictView(BaseModel):
    """What became of one id: granted, or the code of the problem with its numbers."""

    enrolment_id: UUID
    status: Literal["granted", "not_granted"]
    problem: str | None
    params: dict[str, Any]


class VerdictsView(BaseModel):
    """What became of every id."""

    rows: list[VerdictView]
    counts: dict[str, int]


class FamilyView(BaseModel):
    """A family that the number belongs to."""

    family_id: UUID
    region_code: str
    kk_masked: str | None


class SearchView(BaseModel):
    """The families found (none, for a number that is unknown here) and all that they have."""

    families: list[FamilyView]
    data: list[EnrolmentView]
    as_of: dict[str, datetime | None]
    stale: bool


class OverlapView(BaseModel):
    """A family that holds two programs which exclude each other."""

    family_id: UUID
    region_code: str
    program_a: UUID
    enrolment_a: UUID
    program_b: UUID
    enrolment_b: UUID
    legal_reference: str


async def enrolment_views(
    tx: ReadTransaction, enrolments: Sequence[Enrolment], actor: Actor
) -> list[dict[str, Any]]:
    """Return the fields of each view, with program names and what was delivered."""
    programs = await get_programs(tx, {enrolment.program_id for enrolment in enrolments})
    sums = await delivered(tx, [enrolment.enrolment_id for enrolment in enrolments])
    return [
        _view(each, programs[each.program_id], sums.get(each.enrolment_id, NOTHING), actor)
        for each in enrolments
    ]


def _view(
    enrolment: Enrolment, program: Program, handed: Delivered, actor: Actor
) -> dict[str, Any]:
    actions = allowed_actions(
        EnrolmentStatus(enrolment.status),
        caller_of(actor),
        holding=program.holding,
        proposed_by=enrolment.proposed_by,
    )
    return asdict(enrolment) | {
        "program_name": program.name,
        "owner_code": program.owner_code,
        "delivered": asdict(handed),
        "allowed_actions": list(actions),
    }


def row_view(number: int, outcome: Outcome) -> RowView:
    """Show what became of a row."""
    made = outcome.enrolment
    return RowView.model_validate(
        {
            "row": number,
            "status": outcome.status,
            "enrolment_id": made.enrolment_id if made else None,
            "eligible": made.eligible if made else None,
            "reasons": made.reasons if made else [],
        }
    )


def verdict_view(verdict: Verdict) -> VerdictView:
    """Show what became of an id."""
    error = verdict.error
    return VerdictView(
        enrolment_id=verdict.enrolment_id,
        status="granted" if error is None else "not_granted",
        problem=None if error is None else code_of(error),
        params={} if error is None else {k: v for k, v in error.params.items() if v != ""},
    )


def counts(values: Sequence[str]) -> dict[str, int]:
    """Count equal values."""
    return {value: values.count(value) for value in dict.fromkeys(map(str, values))}
