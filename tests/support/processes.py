"""Real processes under test, stopped at the end whatever happens."""

import contextlib
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from deploy.local import process


@contextlib.contextmanager
def running(
    command: Sequence[str], *, env: Mapping[str, str], cwd: Path, log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """Run ``command`` for the length of the block; its output is in ``log``."""
    started = process.spawn(command, log=log, env=env, cwd=cwd, death_signal=signal.SIGKILL)
    try:
        yield started
    finally:
        process.stop(started, within_s=15)
