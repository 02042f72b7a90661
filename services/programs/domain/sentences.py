"""Says a rule and a decision in sentences, Indonesian and English. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias
from uuid import UUID

from services.programs.domain.questions import DWELLING_QUESTIONS, MEMBER_QUESTIONS
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

Found: TypeAlias = int | str | bool | None
Names: TypeAlias = Mapping[UUID, str]

TO = "\N{EN DASH}"
"""Between the ends of a range, as the field writes it."""


@dataclass(frozen=True, slots=True)
class Text:
    """One text in both languages."""

    id: str
    en: str


@dataclass(frozen=True, slots=True)
class Reason:
    """One sentence of a decision: the condition, whether it was met, in both languages."""

    code: str
    met: bool
    text_id: str
    text_en: str


EMPTY = Text("Aturan kosong: tidak ada yang memenuhi.", "An empty rule: nobody satisfies it.")


def describe(node: Node, names: Names, *, depth: int = 0) -> list[Text]:
    """Return the rule line by line, indented by two spaces per level."""
    pad = "  " * depth
    match node:
        case AllOf(()) | AnyOf(()):
            return [_indent(EMPTY, pad)]
        case AllOf(items):
            head = Text("Semua syarat ini terpenuhi:", "All of these hold:")
        case AnyOf(items):
            head = Text("Salah satu syarat ini terpenuhi:", "At least one of these holds:")
        case Not(item):
            head, items = Text("Tidak berlaku:", "It is not so that:"), (item,)
        case SomeMember(item):
            head, items = Text("Ada anggota keluarga dengan:", "Some member has:"), (item,)
        case _:
            return [_indent(condition(node, names), pad)]
    lines = [_indent(head, pad)]
    for each in items:
        lines += describe(each, names, depth=depth + 1)
    return lines


def _indent(text: Text, pad: str) -> Text:
    return Text(pad + text.id, pad + text.en)


def condition(leaf: Leaf, names: Names) -> Text:
    """Return a leaf as a sentence without a case: "Desil 1-4"."""
    label, required = _label(leaf, names), _required(leaf)
    return Text(f"{label.id} {required.id}".strip(), f"{label.en} {required.en}".strip())


def leaf_reason(leaf: Leaf, found: Found, *, met: bool, negated: bool, names: Names) -> Reason:
    """Return "✓ Desil 2 (syarat 1-4)" and the like."""
    mark = "✓" if met else "✗"
    label, required, shown = _label(leaf, names), _required(leaf), _found(leaf, found)
    no_id, no_en = ("bukan ", "not ") if negated else ("", "")
    return Reason(
        leaf_code(leaf),
        met,
        f"{mark} {label.id} {shown.id} (syarat {no_id}{required.id})",
        f"{mark} {label.en} {shown.en} (condition {no_en}{required.en})",
    )


def member_reason(node: Node, count: int, *, met: bool, negated: bool, names: Names) -> Reason:
    """Return the sentence of "some member": how many members satisfy the whole of it."""
    mark = "✓" if met else "✗"
    inner = describe(node, names)
    text_id = "; ".join(line.id.strip() for line in inner)
    text_en = "; ".join(line.en.strip() for line in inner)
    no_id, no_en = ("tidak ada", "no") if negated else ("ada", "some")
    return Reason(
        "ada_anggota",
        met,
        f"{mark} {count} anggota memenuhi (syarat {no_id} anggota: {text_id})",
        f"{mark} {count} members satisfy (condition {no_en} member: {text_en})",
    )


def leaf_code(leaf: Leaf) -> str:  # noqa: PLR0911 - a case per criterion
    """Return the stable code of a condition, which is also its key among the facts."""
    match leaf:
        case Desil(period=period, source=source):
            parts = [part for part in (source, period) if part]
            return ":".join(["desil", *parts])
        case MemberAnswer(question=question):
            return f"kondisi_anggota:{question}"
        case DwellingAnswer(question=question):
            return f"perumahan:{question}"
        case Age():
            return "umur"
        case Sex():
            return "jenis_kelamin"
        case InRegion():
            return "wilayah"
        case RegionKind():
            return "jenis_desa"
        case Receives(program_id=program_id):
            return f"menerima:{program_id}"


def _label(leaf: Leaf, names: Names) -> Text:  # noqa: PLR0911 - a case per criterion
    match leaf:
        case Desil(period=period, source=source):
            tail = "".join(f" {part}" for part in (source, period) if part)
            return Text(f"Desil{tail}", f"Desil{tail}")
        case MemberAnswer(question=question):
            asked = MEMBER_QUESTIONS[question]
        case DwellingAnswer(question=question):
            asked = DWELLING_QUESTIONS[question]
        case Age():
            return Text("Umur", "Age")
        case Sex():
            return Text("Jenis kelamin", "Sex")
        case InRegion():
            return Text("Wilayah", "Region")
        case RegionKind():
            return Text("Jenis wilayah", "Kind of region")
        case Receives(program_id=program_id):
            name = names.get(program_id, str(program_id))
            return Text(f"Program {name}:", f"Program {name}:")
    return Text(
        f"{asked.label_id} ({asked.number}): kode", f"{asked.label_en} ({asked.number}): code"
    )


def _required(leaf: Leaf) -> Text:  # noqa: PLR0911 - a case per criterion
    match leaf:
        case Desil(low, high):
            return _same(str(low) if low == high else f"{low}{TO}{high}")
        case Age(low, None):
            return Text(f"≥ {low} tahun", f"≥ {low} years")
        case Age(low, high):
            return Text(f"{low}{TO}{high} tahun", f"{low}{TO}{high} years")
        case MemberAnswer(codes=codes) | DwellingAnswer(codes=codes):
            return _same(", ".join(map(str, codes)))
        case Sex(value):
            return _same(value)
        case InRegion(prefixes):
            return _same(", ".join(prefixes))
        case RegionKind(kind):
            return _same(kind)
        case Receives(wanted=True):
            return Text("menerima", "receives")
        case Receives():
            return Text("tidak menerima", "does not receive")


def _found(leaf: Leaf, found: Found) -> Text:
    if found is None:
        return Text("belum diketahui", "unknown")
    match leaf:
        case Age():
            return Text(f"{found} tahun", f"{found} years")
        case Receives():
            return Text("menerima", "receives") if found else Text("tidak menerima", "does not")
        case _:
            return _same(str(found))


def _same(text: str) -> Text:
    return Text(text, text)
