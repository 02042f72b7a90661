"""Whatever is sent as a rule is read or refused; whatever is read can be said and evaluated."""

from datetime import date
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.programs.actions.projection import FamilyTold
from services.programs.domain.errors import InvalidRule
from services.programs.domain.evaluation import evaluate
from services.programs.domain.facts import FamilyFacts, MemberFacts, parse_birth_month
from services.programs.domain.rules import parse_rule
from services.programs.domain.sentences import describe
from tests.property.programs.strategies import FAMILIES, TREES

DAY = date(2026, 11, 17)
NAMES = st.sampled_from(
    ("semua", "salah_satu", "tidak", "ada_anggota", "desil", "umur", "wilayah", "menerima",
     "perumahan", "kondisi_anggota", "jenis_kelamin", "jenis_desa", "min", "maks", "kode",
     "pertanyaan", "awalan", "program_id", "nilai", "periode", "x")
)  # fmt: skip
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(NAMES, children, max_size=2),
    max_leaves=12,
)


def facts(told: FamilyTold) -> FamilyFacts:
    return FamilyFacts(
        family_id=told.family_id,
        region_code=told.region_code,
        region_kind=None,
        current=told.status == "active",
        members=tuple(
            MemberFacts(m.person_id, m.sex, parse_birth_month(m.birth_month), m.presence, m.answers)
            for m in told.members
        ),
        dwelling=told.dwelling,
        ranks=tuple(told.ranks),
    )


@given(tree=JSON, unit=st.sampled_from(("person", "family", "village")))
def test_any_json_is_read_or_refused_with_its_place(tree: Any, unit: str) -> None:
    outcome: object = None
    try:
        outcome = describe(parse_rule(tree, unit), {})
    except InvalidRule as refused:
        outcome = refused.params["pointer"]
    assert outcome or isinstance(outcome, str)


@given(tree=TREES, told=FAMILIES)
def test_a_rule_and_its_negation_never_hold_together(tree: Any, told: FamilyTold) -> None:
    family = facts(told)
    try:
        rule = parse_rule({"semua": [tree]}, "family")
        negation = parse_rule({"tidak": tree}, "family")
    except InvalidRule:
        return  # one level more is one too many
    both = [evaluate(each, family, None, day=DAY).met for each in (rule, negation)]
    assert both != [True, True]


@given(tree=TREES, told=FAMILIES)
def test_losing_facts_makes_nobody_eligible_who_was_not(tree: Any, told: FamilyTold) -> None:
    """Fail closed: what is not known is never to somebody's advantage, save who holds nothing."""
    rule = parse_rule(tree, "family")
    family = facts(told)
    blank = FamilyFacts(
        family_id=family.family_id,
        region_code=family.region_code,
        region_kind=None,
        current=family.current,
        members=tuple(MemberFacts(m.person_id, None, None, m.presence) for m in family.members),
        dwelling={},
        ranks=(),
    )
    if evaluate(rule, blank, None, day=DAY).met:
        assert evaluate(rule, family, None, day=DAY).met


@given(tree=TREES, told=FAMILIES)
def test_reasons_are_said_in_both_languages_for_every_rule(tree: Any, told: FamilyTold) -> None:
    result = evaluate(parse_rule(tree, "family"), facts(told), None, day=DAY)
    for reason in result.reasons:
        assert reason.text_id[0] == reason.text_en[0] == ("✓" if reason.met else "✗")
