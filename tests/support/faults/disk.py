"""Disks that fill up when we say: a tmpfs whose size shrinks to what is in it.

Its size is a promise, not memory taken, so that JetStream can reserve what it wants to reserve.
"""

import os
import subprocess
from pathlib import Path

import pytest

MOUNT_S = 20
SIZE_MB = 8_192


class SmallDisk:
    """A file system of its own at ``folder``; ``refused`` says why there is none."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o711)
        self.refused = _run(["mount", "-t", "tmpfs", "-o", _size(f"{SIZE_MB}m"), "tmpfs"], folder)
        # Waits for the end of its input, which comes with ours, also when we are killed.
        guard = "cat > /dev/null; umount --lazy $0" if not self.refused else "cat > /dev/null"
        self._guard = subprocess.Popen(
            ["sh", "-c", guard, str(folder)], stdin=subprocess.PIPE, start_new_session=True
        )

    def needed(self) -> None:
        """Skip the test where nothing could be mounted."""
        if self.refused:
            pytest.skip(f"needs the right to mount a small tmpfs: {self.refused}")

    def fill(self) -> None:
        """Leave not a byte."""
        now = os.statvfs(self.folder)
        used = (now.f_blocks - now.f_bfree) * now.f_frsize
        self._remount(str(used))

    def free(self) -> None:
        """Give the space back, as an operator does who deletes something else."""
        if not self.refused:
            self._remount(f"{SIZE_MB}m")

    def unmount(self) -> None:
        """Let it go; processes that still use it keep it until they end."""
        self._guard.communicate()

    def _remount(self, size: str) -> None:
        failed = _run(["mount", "-o", f"remount,{_size(size)}"], self.folder)
        assert not failed, failed


def _size(size: str) -> str:
    return f"size={size},mode=0711"


def _run(command: list[str], folder: Path) -> str:
    """Return why ``command`` failed on ``folder``; nothing when it did not."""
    try:
        done = subprocess.run(
            [*command, str(folder)], capture_output=True, text=True, timeout=MOUNT_S, check=False
        )
    except OSError as error:
        return str(error)
    return "" if done.returncode == 0 else done.stderr.strip() or "refused"
