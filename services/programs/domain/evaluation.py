"""Evaluates a rule on one family, and says condition by condition why. Pure.

The compiled SQL of ``storage/rule_sql`` gives the same answer for many families; a property test
holds the two together. ``None`` is "unknown", which never makes anybody eligible.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from services.programs.domain.facts import (
    MONTHS_PER_YEAR,
    FamilyFacts,
    MemberFacts,
    choose_rank,
    month_number,
)
from services.programs.domain.rules import (
    Age,
    AllOf,
    AnyOf,
    Desil,
    DwellingAnswer,
    InRegion,
    Leaf,
    MemberAnswer,
    Node,
    Not,
    Receives,
    RegionKind,
    Sex,
    SomeMember,
)
from services.programs.domain.sentences import Found, Reason, leaf_reason, member_reason


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The verdict, its sentences, and the facts that it rests on."""

    met: bool
    reasons: tuple[Reason, ...]
    facts: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class _Case:
    """One family, perhaps one person of it, on one day."""

    family: FamilyFacts
    member: MemberFacts | None
    day: date


def evaluate(
    node: Node,
    family: FamilyFacts,
    member: MemberFacts | None,
    *,
    day: date,
    program_names: Mapping[UUID, str] | None = None,
) -> Evaluation:
    """Return whether the rule holds for the family (or for its ``member``) on ``day``."""
    case = _Case(family, member, day)
    met = family.current and _truth(node, case) is True
    facts: dict[str, object] = {
        "region_code": family.region_code,
        "family_version": list(family.version),
        "day": day.isoformat(),
    }
    reasons = tuple(_explain(node, case, facts, program_names or {}, negated=False))
    return Evaluation(met, reasons, facts)


def _truth(node: Node, case: _Case) -> bool | None:
    match node:
        case AllOf(items):
            return _all(_truth(item, case) for item in items)
        case AnyOf(items):
            return _any(_truth(item, case) for item in items)
        case Not(item):
            return _negate(_truth(item, case))
        case SomeMember(item):
            return _any(_truth(item, each) for each in _members(case))
        case _:
            return _leaf(node, case)[0]


def _members(case: _Case) -> list[_Case]:
    present = (member for member in case.family.members if member.present)
    return [_Case(case.family, member, case.day) for member in present]


def _all(truths: Iterable[bool | None]) -> bool | None:
    seen = list(truths)
    if False in seen:
        return False
    return True if seen and None not in seen else None


def _any(truths: Iterable[bool | None]) -> bool | None:
    seen = list(truths)
    if True in seen:
        return True
    return False if seen and None not in seen else None


def _negate(truth: bool | None) -> bool | None:  # noqa: FBT001 - a truth value is the argument
    return None if truth is None else not truth


def _leaf(leaf: Leaf, case: _Case) -> tuple[bool | None, Found]:
    """Return the truth of one condition and the fact that it was found from."""
    family = case.family
    match leaf:
        case Desil(low, high, period, source):
            rank = choose_rank(family.ranks, period=period, source=source)
            desil = None if rank is None else rank.desil
            return (None if desil is None else low <= desil <= high), desil
        case InRegion(prefixes):
            code = family.region_code
            return any(code == p or code.startswith(f"{p}.") for p in prefixes), code
        case RegionKind(kind):
            found = family.region_kind
            return (None if found is None else found == kind), found
        case Receives(program_id, wanted):
            holds = program_id in family.holds
            return holds is wanted, holds
        case DwellingAnswer(question, codes):
            return _answer(family.dwelling.get(question), codes)
        case _:
            return _member_leaf(leaf, case.member, case.day)


def _member_leaf(
    leaf: MemberAnswer | Age | Sex, member: MemberFacts | None, day: date
) -> tuple[bool | None, Found]:
    if member is None:
        return None, None
    match leaf:
        case MemberAnswer(question, codes):
            return _answer(member.answers.get(question), codes)
        case Sex(value):
            return (None if member.sex is None else member.sex == value), member.sex
        case Age(low, high):
            if member.born_month is None:
                return None, None
            months = month_number(day.year, day.month) - member.born_month
            old_enough = months >= low * MONTHS_PER_YEAR
            young_enough = high is None or months < (high + 1) * MONTHS_PER_YEAR
            return old_enough and young_enough, months // MONTHS_PER_YEAR


def _answer(found: int | None, codes: tuple[int, ...]) -> tuple[bool | None, Found]:
    return (None if found is None else found in codes), found


def _explain(
    node: Node,
    case: _Case,
    facts: dict[str, object],
    names: Mapping[UUID, str],
    *,
    negated: bool,
) -> list[Reason]:
    match node:
        case AllOf(items) | AnyOf(items):
            return [
                reason
                for item in items
                for reason in _explain(item, case, facts, names, negated=negated)
            ]
        case Not(item):
            return _explain(item, case, facts, names, negated=not negated)
        case SomeMember(item):
            truths = [_truth(item, each) for each in _members(case)]
            truth = _any(truths)
            met = (_negate(truth) if negated else truth) is True
            return [member_reason(item, truths.count(True), met=met, negated=negated, names=names)]
        case _:
            truth, found = _leaf(node, case)
            met = (_negate(truth) if negated else truth) is True
            reason = leaf_reason(node, found, met=met, negated=negated, names=names)
            facts[reason.code] = found
            return [reason]
