"""``python -m tests.mutants [name ...]``: take out each guard in turn; the suite must fail.

Works on copies of the checkout in a temporary folder, never on the checkout. First the killing
tests must pass as the source is; then each mutant must make one of its own fail. Exit code 1 when
a mutant survives, no longer applies, or breaks more than it should (a fixture fails, no test does).
"""

import argparse
import contextlib
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.architecture.source import ROOT, tracked
from tests.mutants.catalogue import MUTANTS
from tests.mutants.mutant import DoesNotApply, Mutant

TIMEOUT_S = 600
"""A mutant may make its tests wait for what never comes; each test has its own limit as well."""

SAID = re.compile(r"^(FAILED|ERROR) (tests/\S+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a mutant: ``killer`` is the failing test, ``fault`` why it does not count."""

    mutant: Mutant
    killer: str | None
    fault: str | None
    seconds: float


def main() -> int:
    """Run the mutants that are asked for, print the table, return the exit code."""
    chosen, jobs = _arguments()
    with tempfile.TemporaryDirectory(prefix="betang-mutants-") as folder:
        checkouts: queue.Queue[Path] = queue.Queue()
        for number in range(jobs):
            checkouts.put(_copy(Path(folder) / str(number)))
        print(f"{len(chosen)} mutants; their tests must pass first ...", flush=True)
        if not _baseline(checkouts, sorted({test for each in chosen for test in each.killers})):
            return 1
        with ThreadPoolExecutor(jobs) as pool:
            outcomes = list(pool.map(lambda mutant: _attempt(mutant, checkouts), chosen))
    survivors = [each for each in outcomes if each.killer is None]
    _print_table(outcomes)
    print(f"{len(outcomes) - len(survivors)} of {len(outcomes)} mutants killed")
    return 1 if survivors else 0


def _arguments() -> tuple[list[Mutant], int]:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("names", nargs="*", help="names, or beginnings of names; all without one")
    parser.add_argument("--jobs", type=int, default=2, help="how many at once (2)")
    given = parser.parse_args()
    chosen = [m for m in MUTANTS if not given.names or m.name.startswith(tuple(given.names))]
    if not chosen:
        parser.error(f"no mutant of that name; there are {', '.join(m.name for m in MUTANTS)}")
    return chosen, max(1, min(given.jobs, len(chosen)))


def _copy(target: Path) -> Path:
    for path in tracked():
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / path, target / path)
    return target


def _baseline(checkouts: "queue.Queue[Path]", tests: Sequence[str]) -> bool:
    checkout = checkouts.get()
    code, output = _pytest(checkout, [*tests, "-n", str(checkouts.qsize() + 1)])
    checkouts.put(checkout)
    if code != 0:
        print(output[-4000:])
        print("the killing tests fail without any mutant: nothing can be said")
    return code == 0


def _attempt(mutant: Mutant, checkouts: "queue.Queue[Path]") -> Outcome:
    checkout = checkouts.get()
    target = checkout / mutant.file
    began = time.monotonic()
    try:
        try:
            mutated = mutant.applied(target.read_text())
        except DoesNotApply as error:
            return Outcome(mutant, None, str(error), 0)
        target.write_text(mutated)
        killer, fault = _run(checkout, mutant)
    finally:
        shutil.copy2(ROOT / mutant.file, target)
        checkouts.put(checkout)
    outcome = Outcome(mutant, killer, fault, time.monotonic() - began)
    print(f"{outcome.seconds:5.0f} s  {mutant.name}: {fault or 'killed'}", flush=True)
    return outcome


def _run(checkout: Path, mutant: Mutant) -> tuple[str | None, str | None]:
    code, output = _pytest(checkout, [*mutant.killers, "-x"])
    said = SAID.search(output)
    if code == 1 and said is not None and said[1] == "FAILED":
        return said[2].split("[")[0], None
    if code == 0:
        return None, "SURVIVED"
    return None, f"broke its tests instead of failing one: {output.strip().splitlines()[-1][:100]}"


def _pytest(checkout: Path, arguments: Sequence[str]) -> tuple[int, str]:
    """Run pytest in ``checkout``; its servers' files go to a folder of its own, gone with it."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--tb=no", "-rfE"]
    with tempfile.TemporaryDirectory(dir=checkout.parent) as own:
        process = subprocess.Popen(
            [*command, *arguments],
            cwd=checkout,
            # The copy comes first, before the checkout that is installed as editable.
            env={**os.environ, "TMPDIR": own, "PYTHONPATH": str(checkout)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            output, _ = process.communicate(timeout=TIMEOUT_S)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            output, _ = process.communicate()
            return 124, f"{output}\nnot done within {TIMEOUT_S} s"
    return process.returncode, output


def _print_table(outcomes: Sequence[Outcome]) -> None:
    width = max(len(each.mutant.name) for each in outcomes)
    print(f"\n{'mutant':{width}}  what it takes out\n{'':{width}}  killed by\n")
    for each in outcomes:
        print(f"{each.mutant.name:{width}}  {each.mutant.guards}")
        print(f"{'':{width}}  {each.killer or each.fault}")


if __name__ == "__main__":
    sys.exit(main())
