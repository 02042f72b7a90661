"""A rule is read strictly, and evaluated with three values."""

from datetime import date
from typing import Any
from uuid import UUID

import pytest

from services.programs.domain.errors import InvalidRule, MalformedFact
from services.programs.domain.evaluation import evaluate
from services.programs.domain.facts import (
    FamilyFacts,
    MemberFacts,
    Rank,
    choose_rank,
    parse_birth_month,
)
from services.programs.domain.rules import (
    DEPTH_MAX,
    NODES_MAX,
    Age,
    AllOf,
    MemberAnswer,
    SomeMember,
    parse_rule,
    programs_of,
    target_desil_max,
)
from services.programs.domain.sentences import describe

DAY = date(2026, 11, 17)
PKH = UUID(int=1)


def a_rank(desil: int | None, **changes: Any) -> Rank:
    values = {
        "period": "2026-T3", "source": "DTSEN", "low": desil, "high": desil,
        "as_of": date(2026, 9, 1),
    }  # fmt: skip
    return Rank(**(values | changes))


def a_member(number: int = 1, **changes: Any) -> MemberFacts:
    values = {
        "person_id": UUID(int=number), "sex": "P", "born_month": parse_birth_month("1980-05"),
        "presence": 1, "answers": {},
    }  # fmt: skip
    return MemberFacts(**(values | changes))


def a_family(*members: MemberFacts, **changes: Any) -> FamilyFacts:
    values = {
        "family_id": UUID(int=9), "region_code": "62.02.06.2005", "region_kind": "desa",
        "current": True, "members": members, "dwelling": {}, "ranks": (),
    }  # fmt: skip
    return FamilyFacts(**(values | changes))


def met(tree: Any, family: FamilyFacts, member: MemberFacts | None = None) -> bool:
    rule = parse_rule(tree, "person" if member else "family")
    return evaluate(rule, family, member, day=DAY).met


def test_a_bare_member_condition_means_some_member_in_a_familys_rule():
    leaf = {"kondisi_anggota": {"pertanyaan": "428c", "kode": [2, 1, 2]}}
    assert parse_rule(leaf, "person") == MemberAnswer("428c", (1, 2))
    assert parse_rule(leaf, "family") == SomeMember(MemberAnswer("428c", (1, 2)))
    inside = parse_rule({"ada_anggota": {"semua": [leaf, {"umur": {"min": 60}}]}}, "family")
    assert inside == SomeMember(AllOf((MemberAnswer("428c", (1, 2)), Age(60, None))))


@pytest.mark.parametrize(
    ("tree", "pointer"),
    [
        ([], ""),
        ({"semua": [], "tidak": {}}, ""),
        ({"semua": [{"miskin": {}}]}, "/semua/0/miskin"),
        ({"tidak": {"desil": {"maks": 0}}}, "/tidak/desil"),
        ({"desil": {}}, "/desil"),
        ({"desil": {"maks": True}}, "/desil"),
        ({"desil": {"maks": "4"}}, "/desil"),
        ({"umur": {"min": 60, "maks": 59}}, "/umur"),
        ({"umur": {"min": -1}}, "/umur"),
        ({"jenis_kelamin": {"nilai": "X"}}, "/jenis_kelamin"),
        ({"wilayah": {"awalan": []}}, "/wilayah"),
        ({"wilayah": {"awalan": ["62.2"]}}, "/wilayah"),
        ({"jenis_desa": {"nilai": "kota"}}, "/jenis_desa"),
        ({"menerima": {"program_id": "PKH"}}, "/menerima"),
        ({"perumahan": {"pertanyaan": "428c", "kode": [1]}}, "/perumahan"),
        ({"perumahan": {"pertanyaan": "309a", "kode": [7]}}, "/perumahan"),
        ({"kondisi_anggota": {"pertanyaan": ["428c"], "kode": [1]}}, "/kondisi_anggota"),
        ({"ada_anggota": {"ada_anggota": {"umur": {"min": 1}}}}, "/ada_anggota/ada_anggota"),
    ],
)
def test_what_is_not_in_the_catalog_is_refused_where_it_stands(tree, pointer):
    with pytest.raises(InvalidRule) as refused:
        parse_rule(tree, "family")
    assert refused.value.params["pointer"] == pointer


def test_a_tree_too_deep_or_too_large_is_refused():
    leaf: Any = {"desil": {"maks": 4}}
    deep = leaf
    for _ in range(DEPTH_MAX - 1):
        deep = {"tidak": deep}
    parse_rule(deep, "family")
    with pytest.raises(InvalidRule):
        parse_rule({"tidak": deep}, "family")
    parse_rule({"semua": [leaf] * (NODES_MAX - 1)}, "family")
    with pytest.raises(InvalidRule):
        parse_rule({"semua": [leaf] * NODES_MAX}, "family")


@pytest.mark.parametrize("unit", ["group", "village"])
def test_a_unit_that_no_rule_can_find_is_refused(unit):
    with pytest.raises(InvalidRule):
        parse_rule({"desil": {"maks": 4}}, unit)


@pytest.mark.parametrize("tree", [{}, {"semua": []}, {"salah_satu": []}, {"tidak": {"semua": []}}])
def test_an_empty_tree_matches_nobody(tree):
    assert not met(tree, a_family(ranks=(a_rank(1),)))


@pytest.mark.parametrize(
    ("rank", "yes"),
    [
        (a_rank(1), True),
        (a_rank(4), True),
        (a_rank(5), False),
        (a_rank(None), False),
        (a_rank(None, low=1, high=4), False),
        (a_rank(None, low=6, high=10), False),
    ],
)
def test_a_range_or_no_rank_never_satisfies_a_desil_nor_its_negation(rank, yes):
    family = a_family(ranks=(rank,))
    assert met({"desil": {"maks": 4}}, family) is yes
    assert met({"tidak": {"desil": {"maks": 4}}}, family) is (rank.desil == 5)


def test_the_newest_rank_of_the_asked_source_and_period_counts():
    old = a_rank(2, period="2026-T1", as_of=date(2026, 3, 1))
    other = a_rank(9, source="musdes", as_of=date(2026, 2, 1))
    family = a_family(ranks=(other, old, a_rank(5)))
    assert not met({"desil": {"maks": 4}}, family)
    assert met({"desil": {"maks": 4, "periode": "2026-T1"}}, family)
    assert met({"desil": {"min": 9, "sumber": "musdes"}}, family)
    assert not met({"desil": {"maks": 9, "sumber": "DTKS"}}, family)
    assert choose_rank([]) is None


@pytest.mark.parametrize(
    ("born", "low", "high", "yes"),
    [
        ("1966-11", 60, None, True),
        ("1966-12", 60, None, False),
        ("2020-11", None, 6, True),
        ("2019-12", None, 6, True),
        ("2019-11", None, 6, False),
        ("2026-12", 0, None, False),
    ],
)
def test_age_is_counted_in_whole_years_by_month(born, low, high, yes):
    member = a_member(born_month=parse_birth_month(born))
    limits = {"min": low} if high is None else {"maks": high}
    assert met({"umur": limits}, a_family(member), member) is yes


def test_an_unknown_fact_is_not_proven_and_neither_is_its_negation():
    member = a_member(sex=None, born_month=None)
    family = a_family(member, region_kind=None)
    for leaf in (
        {"jenis_kelamin": {"nilai": "P"}},
        {"umur": {"min": 0}},
        {"kondisi_anggota": {"pertanyaan": "428c", "kode": [1]}},
        {"perumahan": {"pertanyaan": "309a", "kode": [1]}},
        {"jenis_desa": {"nilai": "desa"}},
    ):
        assert not met(leaf, family, member)
        assert not met({"tidak": leaf}, family, member)
        assert not met({"tidak": leaf}, family)


def test_the_conditions_inside_some_member_hold_for_the_same_member():
    old_man = a_member(1, sex="L", born_month=parse_birth_month("1950-01"))
    girl = a_member(2, born_month=parse_birth_month("2015-01"))
    family = a_family(old_man, girl)
    both = [{"jenis_kelamin": {"nilai": "P"}}, {"umur": {"min": 60}}]
    assert met({"semua": both}, family)
    assert not met({"ada_anggota": {"semua": both}}, family)


def test_a_member_who_is_absent_counts_for_nothing():
    gone = a_member(presence=2, answers={"428c": 1})
    assert not met({"kondisi_anggota": {"pertanyaan": "428c", "kode": [1]}}, a_family(gone))
    assert a_family(gone).member(gone.person_id) is None


def test_a_family_that_is_not_current_is_not_eligible():
    family = a_family(ranks=(a_rank(1),), current=False)
    assert not met({"desil": {"maks": 4}}, family)


def test_regions_match_by_whole_segments():
    family = a_family(region_code="62.02.060")
    assert not met({"wilayah": {"awalan": ["62.02.06"]}}, family)
    assert met({"wilayah": {"awalan": ["62.02"]}}, family)


def test_a_held_program_is_asked_for_by_its_id():
    tree = {"tidak_menerima": {"program_id": str(PKH)}}
    assert met(tree, a_family())
    assert not met(tree, a_family(holds=frozenset({PKH})))
    assert programs_of(parse_rule({"semua": [tree]}, "family")) == {PKH}


def test_the_reasons_say_each_condition_in_both_languages():
    rule = parse_rule(
        {
            "semua": [
                {"desil": {"maks": 4}},
                {"tidak": {"desil": {"maks": 1}}},
                {"umur": {"min": 60}},
                {"tidak_menerima": {"program_id": str(PKH)}},
            ]
        },
        "person",
    )
    member = a_member()
    family = a_family(member, ranks=(a_rank(2),), holds=frozenset({PKH}))
    result = evaluate(rule, family, member, day=DAY, program_names={PKH: "PKH"})
    to = "\N{EN DASH}"
    assert [reason.text_id for reason in result.reasons] == [
        f"✓ Desil 2 (syarat 1{to}4)",
        "✓ Desil 2 (syarat bukan 1)",
        "✗ Umur 46 tahun (syarat ≥ 60 tahun)",
        "✗ Program PKH: menerima (syarat tidak menerima)",
    ]
    assert result.reasons[2].text_en == "✗ Age 46 years (condition ≥ 60 years)"
    assert [reason.met for reason in result.reasons] == [True, True, False, False]
    assert result.facts["umur"] == 46


def test_a_familys_reason_counts_the_members_who_satisfy():
    rule = parse_rule({"umur": {"min": 60}}, "family")
    family = a_family(a_member(1, born_month=parse_birth_month("1950-01")), a_member(2))
    (reason,) = evaluate(rule, family, None, day=DAY).reasons
    assert reason.text_id == "✓ 1 anggota memenuhi (syarat ada anggota: Umur ≥ 60 tahun)"


def test_a_rule_is_said_line_by_line():
    tree = {"salah_satu": [{"semua": []}, {"tidak": {"jenis_desa": {"nilai": "desa"}}}]}
    lines = describe(parse_rule(tree, "family"), {})
    assert [line.id for line in lines] == [
        "Salah satu syarat ini terpenuhi:",
        "  Aturan kosong: tidak ada yang memenuhi.",
        "  Tidak berlaku:",
        "    Jenis wilayah desa",
    ]


def test_the_target_is_the_lowest_ceiling_that_everybody_needs():
    def target(tree: Any) -> int | None:
        return target_desil_max(parse_rule(tree, "family"))

    assert target({"semua": [{"desil": {"maks": 5}}, {"desil": {"maks": 3}}]}) == 3
    assert target({"salah_satu": [{"desil": {"maks": 3}}]}) is None
    assert target({"tidak": {"desil": {"maks": 3}}}) is None


@pytest.mark.parametrize("text", ["1980", "1980-13", "Mei 1980"])
def test_a_birth_month_of_another_shape_is_refused(text):
    with pytest.raises(MalformedFact):
        parse_birth_month(text)
