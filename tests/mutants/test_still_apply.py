"""The mutants themselves are right: what they take out is there, and so are their tests."""

import ast
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from tests.architecture.source import ROOT
from tests.mutants.catalogue import MUTANTS


@cache
def functions(file: str) -> frozenset[str]:
    tree = ast.parse((ROOT / file).read_text())
    return frozenset(
        node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_applies_to_the_source_and_its_tests_exist(mutant):
    source = (ROOT / mutant.file).read_text()
    assert mutant.applied(source) != source
    assert not mutant.file.startswith("tests/")
    assert mutant.killers
    for killer in mutant.killers:
        file, _, name = killer.partition("::")
        assert Path(ROOT / file).exists(), killer
        assert name.split("[")[0] in functions(file), killer


def test_each_mutant_has_a_name_and_a_change_of_its_own():
    names = Counter(mutant.name for mutant in MUTANTS)
    changes = Counter((mutant.file, mutant.old, mutant.new) for mutant in MUTANTS)
    assert [name for name, count in (names + changes).items() if count > 1] == []
