"""Small files, small functions, short lines, nothing of one machine in the repository.

An exception stands at the place and says why: a comment that begins with ``tidy:``, or, for a file
of ``services/shared``, a sentence of its docstring: "Longer than others here: ...".
"""

import ast
import re
from pathlib import Path

import pytest

from tests.architecture.source import python_files, text, tracked, tree

FILE_LINES_MAX = 400
SHARED_LINES_MAX = 250
FUNCTION_LINES_MAX = 60
LINE_CHARS_MAX = 100
SHARED_LINES_REASON = re.compile(r"^(?:# tidy: |.*onger than others here: )\S.{15,}", re.MULTILINE)

CODE = python_files("services", "gateway", "deploy", "tests")
TEXT_SUFFIXES = {".py", ".md", ".yml", ".yaml", ".toml", ".ini", ".txt", ".json", ".csv", ".sh", ""}
MACHINE_PATHS = re.compile(
    r"(?<![\w./-])/(?:root|home/[a-z]\w*|Users/\w+|work|mnt|workspace|farm)/[\w.-]+"
)
REAL_NIK = re.compile(r"(?<!\d)62\d{2}\d{2}[0-7]\d[01]\d{3}(?!9|0000)\d{4}(?!\d)")


def name(path: Path) -> str:
    return str(path)


@pytest.mark.parametrize("path", CODE, ids=name)
def test_a_file_is_short(path):
    lines = text(path).count("\n")
    in_shared = path.is_relative_to("services/shared")
    if in_shared and not SHARED_LINES_REASON.search(text(path)):
        assert lines <= SHARED_LINES_MAX, f"{path} has {lines} lines"
    assert lines <= FILE_LINES_MAX, f"{path} has {lines} lines"


def own_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count the lines of the body, without docstring and without the functions defined in it."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    if not body:
        return 0
    inner = sum(
        (node.end_lineno or 0) - node.lineno + 1
        for node in body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 - inner


@pytest.mark.parametrize("path", [p for p in CODE if "migrations" not in p.parts], ids=name)
def test_functions_and_lines_are_short(path):
    source = text(path).splitlines()
    long_functions = [
        f"{path}:{node.lineno} {node.name} has {own_lines(node)} lines"
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and own_lines(node) > FUNCTION_LINES_MAX
        and "tidy:" not in source[node.lineno - 2]
    ]
    assert long_functions == []
    long_lines = [
        f"{path}:{number}"
        for number, line in enumerate(source, 1)
        # A pragma with its reason may stand at the end of a full line; an address has no break.
        if len(line.split("  # noqa")[0].split("  # type: ignore")[0]) > LINE_CHARS_MAX
        and "http" not in line
    ]
    assert long_lines == []


def test_no_file_names_a_path_of_one_machine_or_a_package_host():
    found = []
    for path in tracked():
        if path.suffix not in TEXT_SUFFIXES or path == Path("tests/architecture/test_tidy.py"):
            continue
        for number, line in enumerate(text(path).splitlines(), 1):
            if MACHINE_PATHS.search(line) or "index-url" in line.replace("no-emit-index-url", ""):
                found.append(f"{path}:{number}: {line.strip()[:80]}")
    assert found == []


def test_every_identity_number_in_the_repository_is_synthetic():
    """Serial numbers from 9000 mark DATA SINTETIS; a real one must never be committed."""
    found = []
    for path in tracked():
        if path.suffix in TEXT_SUFFIXES and path.name != "constraints.txt":
            found += [f"{path}: {nik[:6]}..." for nik in REAL_NIK.findall(text(path))]
    assert found == []


def test_every_noqa_and_type_ignore_names_its_code():
    bare = re.compile(r"#\s*noqa(?!:\s*[A-Z])|#\s*type:\s*ignore(?!\[)")
    found = [
        f"{path}:{number}"
        for path in CODE
        if path.name != "test_tidy.py"
        for number, line in enumerate(text(path).splitlines(), 1)
        if bare.search(line)
    ]
    assert found == []
