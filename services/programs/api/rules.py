"""/v1/rules and a program's rules: eligibility, previews, candidates, stacking."""

from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Request, Response
from pydantic import BaseModel, Field

from services.programs.actions.assessment import Recipient, load_assessor
from services.programs.actions.programs import visible_program
from services.programs.actions.rules import (
    current_rule,
    preview_rule,
    require_part,
    save_rule,
    save_stacking_rule,
)
from services.programs.api import common
from services.programs.api.freshness import Fresh
from services.programs.api.programs import Unit
from services.programs.domain import errors
from services.programs.domain.enrolments import StackingRule
from services.programs.domain.errors import RuleNotFound
from services.programs.domain.rules import PERSON_UNITS
from services.programs.storage.candidates import Search, page_of_candidates
from services.programs.storage.persons import masked_numbers
from services.programs.storage.programs import sensitive_ids
from services.programs.storage.rules import RuleRecord, rule_history, stacking_rules
from services.shared import clock
from services.shared.auth import Actor, allow
from services.shared.http import ReadTx, Signer, Tx, refuses, service_router
from services.shared.ids import new_id
from services.shared.pages import LIMIT_MAX, Cursor, Limit, Page, link_next
from services.shared.roles import Role
from services.shared.shapes import TRIMMED_3, Day

router = service_router(prefix="/v1", tags=["rules"])

Tree = Annotated[dict[str, Any], Field(description="semua / salah_satu / tidak / ada_anggota")]
LegalReference = Annotated[str, Field(min_length=3, max_length=300, json_schema_extra=TRIMMED_3)]


class SaveRule(common.Dated):
    """A new version of a program's rule, in force between two dates."""

    tree: Tree
    legal_reference: LegalReference
    valid_from: Day
    valid_to: Day | None = None


class RuleView(BaseModel):
    """One version of a rule."""

    rule_id: UUID
    program_id: UUID
    version: int
    tree: dict[str, Any]
    legal_reference: str
    valid_from: date
    valid_to: date | None


class RuleListView(BaseModel):
    """All versions, newest first."""

    data: list[RuleView]


class PreviewRule(common.Request):
    """A rule to try without keeping it."""

    tree: Tree
    unit: Unit
    region: Annotated[str, Field(pattern=r"^\d{2}(\.\d{2}(\.\d{2}(\.\d{4})?)?)?$")] | None = None


class VillageView(BaseModel):
    """How many of one village satisfy a rule."""

    region_code: str
    name: str | None
    count: int


class SampleView(BaseModel):
    """One who satisfies a rule; ``person_id`` is null where families are sought."""

    family_id: UUID
    person_id: UUID | None
    nik_masked: str | None


class PreviewView(BaseModel):
    """What a rule means and whom it finds in the caller's regions."""

    sentences: list[common.TextView]
    count: int
    villages: list[VillageView]
    sample: list[SampleView]
    as_of: dict[str, datetime | None]
    stale: bool


class CandidateView(BaseModel):
    """One who satisfies the rule in force, with the sentences that say why."""

    family_id: UUID
    person_id: UUID | None
    nik_masked: str | None
    region_code: str
    desil: int | None
    eligible: bool
    reasons: list[dict[str, Any]]
    facts: dict[str, Any]


class CandidatePage(BaseModel):
    """One page of candidates, as of the data that they were found in."""

    data: list[CandidateView] = Field(json_schema_extra={"maxItems": LIMIT_MAX})
    next: str | None
    rule_version: int
    as_of: dict[str, datetime | None]
    stale: bool


class SaveStackingRule(common.Dated):
    """Two programs that one family may not hold together, or that are worth a warning."""

    program_a: UUID
    program_b: UUID
    kind: Literal["MUTUAL_EXCLUSION", "WARN_ONLY"] = "MUTUAL_EXCLUSION"
    legal_reference: LegalReference
    valid_from: Day
    valid_to: Day | None = None


class StackingRuleView(BaseModel):
    """A stacking rule."""

    stacking_rule_id: UUID
    program_a: UUID
    program_b: UUID
    kind: Literal["MUTUAL_EXCLUSION", "WARN_ONLY"]
    level: Literal["family"]
    legal_reference: str
    valid_from: date
    valid_to: date | None


class StackingRuleListView(BaseModel):
    """The stacking rules whose programs the caller may know."""

    data: list[StackingRuleView]


@router.post("/programs/{program_id}/rules", status_code=201)
@refuses(errors.ProgramNotFound, errors.NotYourAgency, errors.InvalidRule)
async def save(
    program_id: common.Id,
    body: SaveRule,
    tx: Tx,
    actor: Annotated[Actor, allow(*common.PROPOSERS)],
) -> RuleView:
    """Save the next version of a program's eligibility rule."""
    record = await save_rule(
        tx,
        actor,
        program_id,
        tree=body.tree,
        legal_reference=body.legal_reference,
        valid_from=body.valid_from,
        valid_to=body.valid_to,
    )
    return _rule_view(record)


@router.get("/programs/{program_id}/rules")
@refuses(errors.ProgramNotFound)
async def list_rules(
    program_id: common.Id, tx: ReadTx, actor: Annotated[Actor, allow(*common.STAFF)]
) -> RuleListView:
    """Return all versions of a program's rule, newest first."""
    await visible_program(tx, actor, program_id)
    return RuleListView(data=[_rule_view(rule) for rule in await rule_history(tx, program_id)])


@router.post("/rules/preview")
@refuses(errors.InvalidRule)
async def preview_one(
    body: PreviewRule,
    tx: ReadTx,
    actor: Annotated[Actor, allow(*common.DECIDERS)],
    fresh: Fresh,
) -> PreviewView:
    """Say a rule in sentences, count whom it finds per village, and show ten of them."""
    preview = await preview_rule(tx, actor, tree=body.tree, unit=body.unit, region=body.region)
    found, persons = preview.found, body.unit in PERSON_UNITS
    masked = await masked_numbers(tx, [recipient for _, recipient in found.sample])
    return PreviewView.model_validate(
        {
            "sentences": [{"id": text.id, "en": text.en} for text in preview.sentences],
            "count": sum(village.count for village in found.villages),
            "villages": [asdict(village) for village in found.villages],
            "sample": [
                {
                    "family_id": family_id,
                    "person_id": recipient if persons else None,
                    "nik_masked": masked.get(recipient) if persons else None,
                }
                for family_id, recipient in found.sample
            ],
            **fresh,
        }
    )


@router.get("/programs/{program_id}/candidates")
@refuses(errors.ProgramNotFound, errors.RuleNotFound, errors.NotYourAgency, errors.InvalidRule)
async def candidates(
    *,
    program_id: common.Id,
    request: Request,
    response: Response,
    tx: ReadTx,
    signer: Signer,
    actor: Annotated[Actor, allow(*common.DECIDERS)],
    fresh: Fresh,
    year: common.YearQuery = None,
    region: common.Region = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> CandidatePage:
    """Return who satisfies the rule in force and is not enrolled in ``year``, by desil."""
    program = await visible_program(tx, actor, program_id)
    require_part(program.holding, actor, reviewers=True)
    day = clock.today()
    current = await current_rule(tx, program, day)
    if current is None:
        raise RuleNotFound
    record, read = current
    wanted = year or day.year
    found = await page_of_candidates(
        tx,
        Search(read.node, program.unit, day, actor.scope, region, (program_id, wanted)),
        limit=limit,
        cursor=cursor,
        signer=signer,
        list_name=f"candidates:{record.rule_id}:{wanted}:{region}",
    )
    persons = program.unit in PERSON_UNITS
    recipients = [
        Recipient(row["family_id"], row["recipient_id"] if persons else None, day, day)
        for row in found.rows
    ]
    views = []
    if recipients:
        assessor = await load_assessor(tx, program, recipients, scope=actor.scope)
        masked = await masked_numbers(tx, [row["recipient_id"] for row in found.rows])
        for row, recipient in zip(found.rows, recipients, strict=True):
            verdict = assessor.assess(recipient)
            if verdict is None:
                continue
            views.append(
                {
                    "family_id": recipient.family_id,
                    "person_id": recipient.person_id,
                    "nik_masked": masked.get(row["recipient_id"]),
                    "region_code": row["region_code"],
                    "desil": row["desil"],
                    "eligible": verdict.eligible,
                    "reasons": verdict.reasons,
                    "facts": verdict.facts,
                }
            )
    page = CandidatePage.model_validate(
        {"data": views, "next": found.next, "rule_version": record.version, **fresh}
    )
    link_next(request, response, Page[Any](data=[], next=found.next))
    return page


@router.post("/rules/stacking", status_code=201)
@refuses(errors.InvalidStackingRule, errors.ProgramNotFound)
async def save_stacking(
    body: SaveStackingRule, tx: Tx, actor: Annotated[Actor, allow(Role.ADMIN_DINSOS)]
) -> StackingRuleView:
    """Save that two programs exclude each other in one family, or are worth a warning."""
    rule = await save_stacking_rule(
        tx,
        actor,
        StackingRule(
            stacking_rule_id=new_id(),
            program_a=body.program_a,
            program_b=body.program_b,
            warn_only=body.kind == "WARN_ONLY",
            legal_reference=body.legal_reference,
            valid_from=body.valid_from,
            valid_to=body.valid_to,
        ),
    )
    return _stacking_view(rule)


@router.get("/rules/stacking")
async def list_stacking(
    tx: ReadTx, actor: Annotated[Actor, allow(*common.STAFF)]
) -> StackingRuleListView:
    """Return the stacking rules, without those of programs that the caller may not know."""
    hidden = await sensitive_ids(tx, actor.agency)
    rules = await stacking_rules(tx, hidden=hidden)
    return StackingRuleListView(data=[_stacking_view(rule) for rule in rules])


def _rule_view(record: RuleRecord) -> RuleView:
    return RuleView.model_validate(record, from_attributes=True)


def _stacking_view(rule: StackingRule) -> StackingRuleView:
    return StackingRuleView.model_validate(
        {
            "stacking_rule_id": rule.stacking_rule_id,
            "program_a": rule.program_a,
            "program_b": rule.program_b,
            "kind": "WARN_ONLY" if rule.warn_only else "MUTUAL_EXCLUSION",
            "level": "family",
            "legal_reference": rule.legal_reference,
            "valid_from": rule.valid_from,
            "valid_to": rule.valid_to,
        }
    )
