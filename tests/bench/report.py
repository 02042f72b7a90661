"""The figures as tables: for the terminal, and for docs/performance.md.

``python -m tests.bench.report results.jsonl`` writes the table of a kept run into the document.
"""

import json
import platform
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from services.shared import clock
from tests.bench.frame import ROOT, Figure

DOCUMENT = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
HEAD = ("figure", "value", "unit", "limit", "ratio", "aim", "met")
MET = {True: "yes", False: "**no**", None: ""}


def _cells(figure: Figure) -> tuple[str, ...]:
    numbers = (_short(figure.value), figure.unit, _short(figure.limit), _short(figure.share()))
    return (figure.name, *numbers, figure.aim, MET[figure.met()])


def _short(number: float | None) -> str:
    if number is None:
        return ""
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}"


def as_text(figures: Iterable[Figure]) -> str:
    """Return a table in columns."""
    rows = [HEAD, *(_cells(figure) for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def as_markdown(figures: Iterable[Figure]) -> str:
    """Return the same as Markdown."""
    rows = [HEAD, ("---",) * len(HEAD), *(_cells(figure) for figure in figures)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def machine() -> str:
    """Say on what the figures were measured, and when."""
    cpus, memory = 0, 0.0
    model = platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        cpus += name.strip() == "processor"
        model = value.strip() if name.strip() == "model name" else model
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemTotal:"):
            memory = int(line.split()[1]) * 1024 / 1e9
    python = platform.python_version()
    return f"{clock.today():%Y-%m-%d}, {cpus} x {model}, {memory:.0f} GB, Python {python}"


def write_docs(figures: Iterable[Figure]) -> None:
    """Replace what stands between the markers of the document."""
    before, _, rest = DOCUMENT.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    table = f"{BEGIN}\n\n{machine()}\n\n{as_markdown(figures)}\n\n{END}"
    DOCUMENT.write_text(before + table + after)


def read(lines: Iterable[str]) -> list[Figure]:
    """Return the figures of a kept output; what is not JSON is passed over."""
    return [Figure(**json.loads(line)) for line in lines if line.startswith("{")]


def main(arguments: Sequence[str]) -> None:
    """Write the table of the file named, or of standard input."""
    text = Path(arguments[0]).read_text() if arguments else sys.stdin.read()
    write_docs(read(text.splitlines()))


if __name__ == "__main__":
    main(sys.argv[1:])
