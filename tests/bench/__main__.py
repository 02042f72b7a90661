"""``make bench``: how fast Betang is, each figure beside its limit from the same run.

JSON lines on standard output as they come, then a table. ``python -m tests.bench family gateway``
runs those sections only; ``--docs`` also writes the table into docs/performance.md. PostgreSQL
(with fsync) and NATS are its own, in a temporary folder; nothing is left behind.
"""

import argparse
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import uvloop

from tests.bench import events, family, gateway, imports, indicators, relay
from tests.bench.frame import Bench, Figure
from tests.bench.report import as_text, write_docs
from tests.support.stack import Stack

Section = Callable[[Bench], AsyncIterator[Figure]]
SECTIONS: dict[str, Section] = {
    "family": family.run,
    "gateway": gateway.run,
    "events": events.run,
    "relay": relay.run,
    "imports": imports.run,
    "indicators": indicators.run,
}


async def main(names: list[str]) -> list[Figure]:
    """Run the sections one after another, each with fresh servers around it."""
    figures = []
    stack = Stack(settings=("track_commit_timestamp=on",))
    try:
        await stack.provision()
        for name in names:
            started = time.monotonic()
            async with AsyncExitStack() as stopping:
                bench = Bench(stack, stopping)
                async for figure in SECTIONS[name](bench):
                    print(figure.line(), flush=True)
                    figures.append(figure)
            bench.say(f"{name}: {time.monotonic() - started:.0f} s")
    finally:
        stack.stop()
    return figures


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("sections", nargs="*", metavar="section", help=", ".join(SECTIONS))
    parser.add_argument("--docs", action="store_true", help="write docs/performance.md's table")
    options = parser.parse_args()
    if unknown := set(options.sections) - set(SECTIONS):
        parser.error(f"no such section: {', '.join(sorted(unknown))}")
    found = uvloop.run(main(options.sections or list(SECTIONS)))
    print(as_text(found))
    if options.docs:
        write_docs(found)
    sys.exit(0)
