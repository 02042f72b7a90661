"""Saves eligibility and stacking rules, previews them, finds candidates."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from uuid import UUID

from services.programs.actions.callers import caller_of
from services.programs.actions.programs import revise_target, visible_program
from services.programs.domain.enrolments import StackingRule
from services.programs.domain.errors import (
    InvalidRule,
    InvalidStackingRule,
    NotYourAgency,
    ProgramNotFound,
)
from services.programs.domain.programs import Holding, acts_for, may_see
from services.programs.domain.rules import Node, parse_rule, programs_of, target_desil_max
from services.programs.domain.sentences import Text, describe
from services.programs.storage.candidates import Search, Survey, survey
from services.programs.storage.programs import Program, get_programs
from services.programs.storage.rules import (
    RuleRecord,
    add_rule,
    add_stacking_rule,
    next_rule_version,
    rule_in_force,
)
from services.shared import clock
from services.shared.auth import Actor, Scope
from services.shared.db import ReadTransaction, Transaction
from services.shared.ids import new_id

SAMPLE_SIZE = 10


@dataclass(frozen=True, slots=True)
class ReadRule:
    """A rule read from JSON, with the names of the programs that it asks about."""

    node: Node
    names: Mapping[UUID, str]


async def read_rule(
    tx: ReadTransaction, tree: object, *, unit: str, agency: str | None
) -> ReadRule:
    """Read a tree; every program in it must be known to ``agency``. Raise ``InvalidRule``."""
    node = parse_rule(tree, unit)
    asked = programs_of(node)
    known = await get_programs(tx, asked)
    for program_id in asked:
        program = known.get(program_id)
        if program is None or not may_see(program.holding, agency):
            raise InvalidRule(f"unknown program {program_id}", pointer="")
    return ReadRule(node, {each.program_id: each.name for each in known.values()})


def require_part(holding: Holding, actor: Actor, *, reviewers: bool) -> None:
    """Refuse a caller who neither acts for the agency nor for Dinsos. Raise ``NotYourAgency``."""
    caller = caller_of(actor)
    if not (caller.is_admin or (reviewers and caller.is_reviewer) or acts_for(holding, caller)):
        raise NotYourAgency(agency=holding.owner_code)


async def save_rule(
    tx: Transaction,
    actor: Actor,
    program_id: UUID,
    *,
    tree: dict[str, Any],
    legal_reference: str,
    valid_from: date,
    valid_to: date | None,
) -> RuleRecord:
    """Add the next version of a program's rule.

    Raises:
        ProgramNotFound, NotYourAgency, InvalidRule (also when PostgreSQL refuses to run it).
    """
    program = await visible_program(tx, actor, program_id, lock=True)
    require_part(program.holding, actor, reviewers=False)
    read = await read_rule(tx, tree, unit=program.unit, agency=_confidant(program))
    day = clock.today()
    # Running it once is the proof that it compiles.
    await survey(tx, Search(read.node, program.unit, day, Scope.all()), sample_size=1)
    rule = RuleRecord(
        rule_id=new_id(),
        program_id=program_id,
        version=await next_rule_version(tx, program_id),
        tree=tree,
        legal_reference=legal_reference,
        valid_from=valid_from,
        valid_to=valid_to,
        created_by=actor.id,
    )
    await add_rule(tx, rule)
    tx.audit("rule.save", str(program_id), {"version": rule.version, "tree": tree}, actor.id)
    # What the program aims at is told with it; a rule of the future is told when it is saved.
    await revise_target(tx, actor, program, target_desil_max(read.node))
    return rule


@dataclass(frozen=True, slots=True)
class Preview:
    """A rule in sentences, and whom it would find within the caller's regions."""

    sentences: list[Text]
    found: Survey


async def preview_rule(
    tx: ReadTransaction, actor: Actor, *, tree: object, unit: str, region: str | None
) -> Preview:
    """Say what a rule means and whom it finds. Raise ``InvalidRule``."""
    read = await read_rule(tx, tree, unit=unit, agency=actor.agency)
    search = Search(read.node, unit, clock.today(), actor.scope, region)
    return Preview(
        sentences=describe(read.node, read.names),
        found=await survey(tx, search, sample_size=SAMPLE_SIZE),
    )


async def current_rule(
    tx: ReadTransaction, program: Program, day: date
) -> tuple[RuleRecord, ReadRule] | None:
    """Return the rule in force on ``day``, read, or null when there is none."""
    record = await rule_in_force(tx, program.program_id, day)
    if record is None:
        return None
    read = await read_rule(tx, record.tree, unit=program.unit, agency=_confidant(program))
    return record, read


def _confidant(program: Program) -> str | None:
    """Return the agency whose sensitive programs the program's rule may name.

    Everybody reads the rule of an open program, and the reasons that it gives.
    """
    return program.owner_code if program.sensitive else None


async def save_stacking_rule(tx: Transaction, actor: Actor, rule: StackingRule) -> StackingRule:
    """Add a stacking rule. Raise ``ProgramNotFound``, ``InvalidStackingRule``."""
    if rule.program_a == rule.program_b:
        raise InvalidStackingRule("a program excludes itself already")
    programs = await get_programs(tx, {rule.program_a, rule.program_b})
    for program_id in (rule.program_a, rule.program_b):
        program = programs.get(program_id)
        if program is None or not may_see(program.holding, actor.agency):
            raise ProgramNotFound
    first, second = sorted((rule.program_a, rule.program_b))
    kept = replace(rule, program_a=first, program_b=second)
    if not await add_stacking_rule(tx, kept, by=actor.id):
        raise InvalidStackingRule("this rule exists already")
    tx.audit(
        "stacking_rule.save",
        str(kept.stacking_rule_id),
        {"programs": [str(first), str(second)], "warn_only": kept.warn_only},
        actor.id,
    )
    return kept
