"""Random rules, families and members, of few values so that they meet."""

from datetime import date
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from services.programs.actions.projection import FamilyTold, MemberTold
from services.programs.domain.facts import Rank

PROGRAMS = tuple(UUID(int=n) for n in (1, 2))
VILLAGES = ("62.02.06.2005", "62.02.06.2006", "62.02.07.1001", "62.02.060")
PERIODS = ("2026-T1", "2026-T2", "Z")
SOURCES = ("DTSEN", "DTKS", "musdes")


def _codes(low: int, high: int) -> st.SearchStrategy[list[int]]:
    return st.lists(st.integers(low, high), min_size=1, max_size=3)


def _range(low: int, high: int) -> st.SearchStrategy[dict[str, int]]:
    values = st.integers(low, high)
    return st.one_of(
        values.map(lambda n: {"min": n}),
        values.map(lambda n: {"maks": n}),
        st.tuples(values, values).map(lambda p: {"min": min(p), "maks": max(p)}),
    )


def _optional(name: str, values: tuple[str, ...]) -> st.SearchStrategy[dict[str, str]]:
    return st.one_of(st.just({}), st.sampled_from(values).map(lambda value: {name: value}))


def _merged(*parts: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    def merge(found: tuple[dict[str, Any], ...]) -> dict[str, Any]:
        return {name: value for part in found for name, value in part.items()}

    return st.tuples(*parts).map(merge)


MEMBER_LEAVES = st.one_of(
    _codes(1, 4).map(lambda c: {"kondisi_anggota": {"pertanyaan": "428c", "kode": c}}),
    _codes(1, 3).map(lambda c: {"kondisi_anggota": {"pertanyaan": "412", "kode": c}}),
    _range(0, 70).map(lambda r: {"umur": r}),
    st.sampled_from("LP").map(lambda s: {"jenis_kelamin": {"nilai": s}}),
)
FAMILY_LEAVES = st.one_of(
    _merged(
        _range(1, 10), _optional("periode", (*PERIODS, "terbaru")), _optional("sumber", SOURCES)
    ).map(lambda d: {"desil": d}),
    st.lists(
        st.sampled_from(("62.02.06", "62.02.07.1001", "62", "62.02.06.2005")),
        min_size=1, max_size=2,
    ).map(lambda p: {"wilayah": {"awalan": p}}),
    st.sampled_from(("desa", "kelurahan")).map(lambda k: {"jenis_desa": {"nilai": k}}),
    st.tuples(st.sampled_from(("menerima", "tidak_menerima")), st.sampled_from(PROGRAMS)).map(
        lambda p: {p[0]: {"program_id": str(p[1])}}
    ),
    _codes(1, 6).map(lambda c: {"perumahan": {"pertanyaan": "309a", "kode": c}}),
)  # fmt: skip


def _grow(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    group = st.lists(children, max_size=3)
    return st.one_of(
        group.map(lambda items: {"semua": items}),
        group.map(lambda items: {"salah_satu": items}),
        children.map(lambda item: {"tidak": item}),
    )


_INSIDE = st.recursive(MEMBER_LEAVES | FAMILY_LEAVES, _grow, max_leaves=4)
TREES = st.recursive(
    st.one_of(MEMBER_LEAVES, FAMILY_LEAVES, _INSIDE.map(lambda node: {"ada_anggota": node})),
    _grow,
    max_leaves=8,
).filter(lambda tree: _depth(tree) <= 8)


def _depth(tree: Any) -> int:
    ((name, body),) = tree.items()
    if name in {"semua", "salah_satu"}:
        return 1 + max(map(_depth, body), default=0)
    return 1 + _depth(body) if name in {"tidak", "ada_anggota"} else 1


def _maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.none(), values)


def _answers(*questions: tuple[str, int]) -> st.SearchStrategy[dict[str, int]]:
    return st.fixed_dictionaries(
        {}, optional={name: st.integers(1, high) for name, high in questions}
    )


MEMBERS = st.builds(
    MemberTold,
    person_id=st.uuids(),
    sex=_maybe(st.sampled_from("LP")),
    birth_month=_maybe(
        st.dates(date(1955, 1, 1), date(2026, 12, 1)).map(lambda day: f"{day:%Y-%m}")
    ),
    presence=_maybe(st.integers(1, 6)),
    answers=_answers(("428c", 4), ("412", 3)),
)
RANKS = st.builds(
    Rank,
    period=st.sampled_from(PERIODS),
    source=st.sampled_from(SOURCES),
    low=_maybe(st.integers(1, 10)),
    high=_maybe(st.integers(1, 10)),
    as_of=st.dates(date(2026, 1, 1), date(2026, 1, 3)),
)
FAMILIES = st.builds(
    FamilyTold,
    family_id=st.uuids(),
    household_id=st.uuids(),
    region_code=st.sampled_from(VILLAGES),
    status=st.sampled_from(("active", "active", "active", "moved")),
    merged=st.just(value=False),
    members=st.lists(MEMBERS, max_size=4, unique_by=lambda member: member.person_id),
    dwelling=_answers(("309a", 6), ("303", 9)),
    ranks=st.lists(
        RANKS, max_size=4, unique_by=lambda rank: (rank.period, rank.source, rank.as_of)
    ),
    synthetic=st.just(value=True),
    epoch=st.just(1),
    version=st.just(1),
)
