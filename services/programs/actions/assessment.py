"""Judges proposals and grants: the rule in force, the family's facts, what it holds already."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any
from uuid import UUID

from services.programs.actions.rules import ReadRule, current_rule
from services.programs.domain.enrolments import HeldProgram, StackingRule, overlaps
from services.programs.domain.evaluation import evaluate
from services.programs.domain.facts import FamilyFacts
from services.programs.domain.rules import PERSON_UNITS
from services.programs.domain.sentences import Reason
from services.programs.storage.enrolments import held_programs
from services.programs.storage.families import load_families
from services.programs.storage.programs import Program
from services.programs.storage.rules import RuleRecord, stacking_rules
from services.shared import clock
from services.shared.auth import Scope
from services.shared.db import ReadTransaction

NO_RULE = Reason(
    "aturan",
    met=False,
    text_id="✗ Program belum punya aturan kelayakan yang berlaku",
    text_en="✗ The program has no eligibility rule in force",
)
NOT_CURRENT = Reason(
    "keluarga",
    met=False,
    text_id="✗ Keluarga tidak lagi tercatat aktif",
    text_en="✗ The family is no longer current",
)


@dataclass(frozen=True, slots=True)
class Recipient:
    """Whom a proposal names, and from when to when."""

    family_id: UUID
    person_id: UUID | None
    valid_from: date
    valid_to: date


@dataclass(frozen=True, slots=True)
class Assessment:
    """The verdict on one recipient with everything a decision has to remember."""

    eligible: bool
    region_code: str
    reasons: list[dict[str, Any]]
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Assessor:
    """What judging many recipients of one program needs, loaded once."""

    program: Program
    record: RuleRecord | None
    read: ReadRule | None
    families: dict[UUID, FamilyFacts]
    stacking: list[StackingRule]
    held: dict[UUID, dict[UUID, HeldProgram]]
    day: date

    def assess(self, recipient: Recipient) -> Assessment | None:
        """Return the verdict, or null when the family or person is not known in scope."""
        family = self.families.get(recipient.family_id)
        if family is None:
            return None
        member = None
        if recipient.person_id is not None:
            member = family.member(recipient.person_id)
            if member is None:
                return None
        reasons: list[Reason] = [] if family.current else [NOT_CURRENT]
        facts: dict[str, Any] = {}
        met = False
        if self.read is None:
            reasons.append(NO_RULE)
        else:
            result = evaluate(
                self.read.node, family, member, day=self.day, program_names=self.read.names
            )
            met, facts = result.met, dict(result.facts)
            reasons += result.reasons
        held = self.held.get(family.family_id, {})
        overlap = overlaps(self.program.program_id, self.stacking, held, recipient.valid_from)
        reasons += overlap.reasons
        return Assessment(
            eligible=met and not overlap.excluded,
            region_code=family.region_code,
            reasons=[asdict(reason) for reason in reasons],
            facts=facts,
        )


async def load_assessor(
    tx: ReadTransaction, program: Program, recipients: Sequence[Recipient], *, scope: Scope
) -> Assessor:
    """Load what judging ``recipients`` (at least one) needs, in a fixed number of queries."""
    day = clock.today()
    current = await current_rule(tx, program, day)
    families: Collection[UUID] = {recipient.family_id for recipient in recipients}
    stacking = await stacking_rules(tx, program_id=program.program_id)
    period = (
        min(recipient.valid_from for recipient in recipients),
        max(recipient.valid_to for recipient in recipients),
    )
    held = await held_programs(
        tx,
        families,
        {rule.other(program.program_id) for rule in stacking},
        # Reasons are read wherever the program is, thus they may name a sensitive program only
        # where this one is sensitive too.
        agency=program.owner_code if program.sensitive else None,
        period=period,
    )
    return Assessor(
        program=program,
        record=current[0] if current else None,
        read=current[1] if current else None,
        families=await load_families(tx, families, scope=scope, day=day),
        stacking=stacking,
        held=held,
        day=day,
    )


def takes_persons(program: Program) -> bool:
    """Say whether the program's recipients are persons."""
    return program.unit in PERSON_UNITS
