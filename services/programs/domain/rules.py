"""An eligibility rule: a typed tree read from JSON, under limits. Pure.

``{"semua": [...]}`` all, ``{"salah_satu": [...]}`` any, ``{"tidak": node}`` not,
``{"ada_anggota": node}`` some member for whom the whole node holds; leaves are in ``_LEAVES``.
Logic has three values: a fact that is not known makes its condition unknown, "not unknown" stays
unknown, and only "true" makes somebody eligible. An empty group is unknown: it matches nobody,
and neither does its negation.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias
from uuid import UUID

from services.programs.domain.errors import InvalidRule
from services.programs.domain.questions import DWELLING_QUESTIONS, MEMBER_QUESTIONS, Question

DEPTH_MAX = 8
"""Deeper trees cannot be read aloud in the preview."""
NODES_MAX = 100
"""A rule of a hundred conditions is a list in disguise; the bound keeps the SQL small."""
VALUES_MAX = 50
"""Codes, regions per leaf."""
AGE_MAX = 150
DESIL_MAX = 10


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every item holds."""

    items: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one item holds."""

    items: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The item is known not to hold."""

    item: "Node"


@dataclass(frozen=True, slots=True)
class SomeMember:
    """One present member satisfies the whole item."""

    item: "Node"


@dataclass(frozen=True, slots=True)
class Desil:
    """The family's desil lies in low..high; period or source null: the newest of any."""

    low: int
    high: int
    period: str | None
    source: str | None


@dataclass(frozen=True, slots=True)
class MemberAnswer:
    """A member's answer to a question is one of the codes."""

    question: str
    codes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Age:
    """A member's age in whole years, counted by month, lies in low..high (null: no end)."""

    low: int
    high: int | None


@dataclass(frozen=True, slots=True)
class Sex:
    """A member's sex, L or P."""

    value: str


@dataclass(frozen=True, slots=True)
class InRegion:
    """The family lives under one of the region codes, by whole segments."""

    prefixes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RegionKind:
    """The family lives in a desa, or in a kelurahan."""

    kind: str


@dataclass(frozen=True, slots=True)
class Receives:
    """The family holds (``wanted``), or does not hold, a granted enrolment in the program."""

    program_id: UUID
    wanted: bool


@dataclass(frozen=True, slots=True)
class DwellingAnswer:
    """The dwelling's answer to a question is one of the codes."""

    question: str
    codes: tuple[int, ...]


MemberLeaf: TypeAlias = MemberAnswer | Age | Sex
FamilyLeaf: TypeAlias = Desil | InRegion | RegionKind | Receives | DwellingAnswer
Leaf: TypeAlias = MemberLeaf | FamilyLeaf
Node: TypeAlias = AllOf | AnyOf | Not | SomeMember | MemberLeaf | FamilyLeaf

PERSON_UNITS = frozenset({"person"})
FAMILY_UNITS = frozenset({"family", "household"})
"""A household program is decided per family until households are an aggregate of their own."""


def parse_rule(tree: object, unit: str) -> Node:
    """Read a JSON tree for programs of ``unit``.

    In a family's rule a bare member condition means "some member".

    Raises:
        InvalidRule: with ``pointer`` (JSON pointer), when a node is not in the catalog, is out of
            range, exceeds a limit, or the unit is one that no rule can find (group, village).
    """
    if unit not in PERSON_UNITS | FAMILY_UNITS:
        raise InvalidRule(f"no rule can find recipients of unit {unit!r}", pointer="")
    if tree == {}:
        return AllOf(())
    return _Reader(bare_member_leaves=unit in PERSON_UNITS).node(tree, "", 1)


def programs_of(node: Node) -> frozenset[UUID]:
    """Return the programs that the rule asks about."""
    match node:
        case AllOf(items) | AnyOf(items):
            return frozenset[UUID]().union(*(programs_of(item) for item in items))
        case Not(item) | SomeMember(item):
            return programs_of(item)
        case Receives(program_id=program_id):
            return frozenset({program_id})
        case _:
            return frozenset()


def target_desil_max(node: Node) -> int | None:
    """Return the highest desil that everybody eligible must have, or null when none is asked."""
    match node:
        case Desil(high=high):
            return high
        case AllOf(items):
            return min(filter(None, map(target_desil_max, items)), default=None)
        case _:
            return None


class _Reader:
    """Counts nodes while it reads; knows whether it stands inside one member."""

    def __init__(self, *, bare_member_leaves: bool) -> None:
        self._bare = bare_member_leaves
        self._nodes = 0
        self._inside_member = False

    def node(self, tree: object, pointer: str, depth: int) -> Node:
        self._nodes += 1
        if self._nodes > NODES_MAX:
            raise InvalidRule(f"more than {NODES_MAX} conditions", pointer=pointer)
        if depth > DEPTH_MAX:
            raise InvalidRule(f"deeper than {DEPTH_MAX}", pointer=pointer)
        if not isinstance(tree, dict) or len(tree) != 1:
            raise InvalidRule("a node is an object with exactly one key", pointer=pointer)
        ((name, body),) = tree.items()
        here = f"{pointer}/{name}"
        if name in {"semua", "salah_satu"}:
            items = self._items(body, here, depth)
            return AllOf(items) if name == "semua" else AnyOf(items)
        if name == "tidak":
            return Not(self.node(body, here, depth + 1))
        if name == "ada_anggota":
            return self._some_member(body, here, depth)
        return self._leaf(str(name), body, here)

    def _items(self, body: object, pointer: str, depth: int) -> tuple[Node, ...]:
        if not isinstance(body, list):
            raise InvalidRule("a group holds a list", pointer=pointer)
        return tuple(
            self.node(item, f"{pointer}/{index}", depth + 1) for index, item in enumerate(body)
        )

    def _some_member(self, body: object, pointer: str, depth: int) -> SomeMember:
        if self._inside_member:
            raise InvalidRule("ada_anggota inside ada_anggota", pointer=pointer)
        self._inside_member = True
        try:
            return SomeMember(self.node(body, pointer, depth + 1))
        finally:
            self._inside_member = False

    def _leaf(self, name: str, body: object, pointer: str) -> Node:
        read = _LEAVES.get(name)
        if read is None:
            raise InvalidRule(f"unknown criterion {name[:40]!r}", pointer=pointer)
        if not isinstance(body, dict):
            raise InvalidRule("a criterion holds an object", pointer=pointer)
        leaf = read(_Fields(body, pointer))
        if isinstance(leaf, MemberAnswer | Age | Sex):
            return leaf if self._bare or self._inside_member else SomeMember(leaf)
        return leaf


class _Fields:
    """The fields of one criterion; each is taken once, and a field left over is an error."""

    def __init__(self, body: Mapping[str, object], pointer: str) -> None:
        self._left = dict(body)
        self._pointer = pointer

    def fail(self, detail: str) -> InvalidRule:
        return InvalidRule(detail, pointer=self._pointer)

    def integer(self, name: str, low: int, high: int) -> int | None:
        value = self._left.pop(name, None)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise self.fail(f"{name} must be a whole number {low}..{high}")
        return value

    def text(self, name: str, pattern: str) -> str | None:
        value = self._left.pop(name, None)
        if value is None:
            return None
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise self.fail(f"{name} has a wrong shape")
        return value

    def values(self, name: str) -> Sequence[object]:
        value = self._left.pop(name, None)
        if not isinstance(value, list) or not 1 <= len(value) <= VALUES_MAX:
            raise self.fail(f"{name} must be a list of 1..{VALUES_MAX}")
        return value

    def done(self) -> None:
        if self._left:
            raise self.fail(f"unknown field {min(map(str, self._left))[:40]!r}")


def _desil(fields: _Fields) -> Leaf:
    low = fields.integer("min", 1, DESIL_MAX)
    high = fields.integer("maks", 1, DESIL_MAX)
    period = fields.text("periode", r"[\w./-]{1,30}")
    source = fields.text("sumber", r"[\w ./-]{1,40}")
    fields.done()
    if low is None and high is None:
        raise fields.fail("min or maks is needed")
    leaf = Desil(low or 1, high or DESIL_MAX, None if period == "terbaru" else period, source)
    if leaf.low > leaf.high:
        raise fields.fail("min exceeds maks: nobody can satisfy it")
    return leaf


def _age(fields: _Fields) -> Leaf:
    low, high = fields.integer("min", 0, AGE_MAX), fields.integer("maks", 0, AGE_MAX)
    fields.done()
    if low is None and high is None:
        raise fields.fail("min or maks is needed")
    if high is not None and (low or 0) > high:
        raise fields.fail("min exceeds maks: nobody can satisfy it")
    return Age(low or 0, high)


def _sex(fields: _Fields) -> Leaf:
    value = fields.text("nilai", "[LP]")
    fields.done()
    if value is None:
        raise fields.fail("nilai must be L or P")
    return Sex(value)


def _region(fields: _Fields) -> Leaf:
    prefixes = fields.values("awalan")
    fields.done()
    shape = re.compile(r"\d{2}(\.\d{2}(\.\d{2}(\.\d{4})?)?)?")
    texts = tuple(text for text in prefixes if isinstance(text, str) and shape.fullmatch(text))
    if len(texts) != len(prefixes):
        raise fields.fail("awalan holds dotted region codes such as 62.02.06")
    return InRegion(texts)


def _region_kind(fields: _Fields) -> Leaf:
    kind = fields.text("nilai", "desa|kelurahan")
    fields.done()
    if kind is None:
        raise fields.fail("nilai must be desa or kelurahan")
    return RegionKind(kind)


def _receives(fields: _Fields) -> Leaf:
    return Receives(_program(fields), wanted=True)


def _receives_not(fields: _Fields) -> Leaf:
    return Receives(_program(fields), wanted=False)


def _program(fields: _Fields) -> UUID:
    text = fields.text("program_id", r"[0-9a-fA-F-]{36}")
    fields.done()
    try:
        return UUID(text or "")
    except ValueError as error:
        raise fields.fail("program_id must be the id of a program") from error


def _member_answer(fields: _Fields) -> Leaf:
    return MemberAnswer(*_question(fields, MEMBER_QUESTIONS))


def _dwelling_answer(fields: _Fields) -> Leaf:
    return DwellingAnswer(*_question(fields, DWELLING_QUESTIONS))


def _question(fields: _Fields, catalogue: Mapping[str, Question]) -> tuple[str, tuple[int, ...]]:
    number = fields.text("pertanyaan", r"\d{3}[a-z]?\d?")
    question = catalogue.get(number or "")
    if question is None:
        raise fields.fail(f"unknown question {number!r}")
    codes = fields.values("kode")
    fields.done()
    known = tuple(
        code
        for code in codes
        if isinstance(code, int) and not isinstance(code, bool) and code in question.codes
    )
    if len(known) != len(codes):
        raise fields.fail(f"question {number} has no such code")
    return question.number, tuple(sorted(set(known)))


_LEAVES: Mapping[str, Callable[[_Fields], Leaf]] = {
    "desil": _desil,
    "kondisi_anggota": _member_answer,
    "umur": _age,
    "jenis_kelamin": _sex,
    "wilayah": _region,
    "jenis_desa": _region_kind,
    "menerima": _receives,
    "tidak_menerima": _receives_not,
    "perumahan": _dwelling_answer,
}
