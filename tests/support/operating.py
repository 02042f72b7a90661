"""``betang`` as an operator runs it: a process, with the variables of the running system."""

import asyncio
import os
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.support.system import RunningSystem

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 300


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    said: str
    complained: str


def environment(system: RunningSystem) -> dict[str, str]:
    """Return the variables that ``. operator.env`` sets, and the little that a process needs."""
    lines = (system.state / "operator.env").read_text().splitlines()
    words = [shlex.split(line)[1] for line in lines]
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    return {**kept, **dict(word.split("=", 1) for word in words)}


async def betang(
    system: RunningSystem, command: str, env: dict[str, str] | None = None, **more: str
) -> Ended:
    """Run ``betang <command>`` and return how it ended."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "deploy.betang", *shlex.split(command),
        env={**(environment(system) if env is None else env), **more},
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(PATIENCE_S):
        said, complained = await process.communicate()
    return Ended(process.returncode or 0, said.decode(), complained.decode())


async def done(system: RunningSystem, command: str) -> str:
    """Run a command that must end well; return what it said."""
    ended = await betang(system, command)
    assert ended.code == 0, f"betang {command}: {ended}"
    assert ended.complained == "", ended.complained
    return ended.said
