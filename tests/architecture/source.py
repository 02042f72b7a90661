"""The checkout as data: which files it has, what they say. The architecture tests walk it."""

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ("registry", "programs", "distribution", "indicators")


@cache
def tracked() -> tuple[Path, ...]:
    """Return every file of the repository, relative to its root: what git has, or would take.

    Where there is no git (an exported tree) every file outside hidden folders counts.
    """
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listing.returncode == 0:
        paths = [Path(name) for name in listing.stdout.decode().split("\0") if name]
    else:
        paths = [path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file()]
        paths = [path for path in paths if not any(part.startswith(".") for part in path.parts)]
    return tuple(sorted(path for path in paths if (ROOT / path).is_file()))


def python_files(*folders: str) -> list[Path]:
    """Return the Python files below ``folders``, relative to the root."""
    return [
        path
        for path in tracked()
        if path.suffix == ".py" and any(path.is_relative_to(folder) for folder in folders)
    ]


@cache
def tree(path: Path) -> ast.Module:
    """Return the parsed source of a file."""
    return ast.parse((ROOT / path).read_text(), filename=str(path))


def text(path: Path) -> str:
    """Return the text of a file."""
    return (ROOT / path).read_text()


def modules(*folders: str) -> Iterator[str]:
    """Yield the importable module names below ``folders``; alembic's scripts are none."""
    for path in python_files(*folders):
        if "migrations" in path.parts:
            continue
        parts = path.with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
