"""Key files in use: a process follows its file, an operator changes it.

``KeyFile.current`` looks at each use whether the file was replaced, so that a rotation needs no
restart and no signal. One piece of work (a request, a batch) takes one keyring and stays with it.

A key goes through its life in steps, each a change of the file: added (every process can read by
it), active (new values are written by it), retired (no row needs it). Between two steps lies
``GRACE_S``, in which work that began with the former keyring ends.
"""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

import structlog

from services.shared import clock
from services.shared.sealing import KEY_BYTES, Keyring, Purpose, SealError

GRACE_S = 60.0
"""As long as a statement may take (``connections.STATEMENT_TIMEOUT_MS``); requests end before."""

log = structlog.get_logger(__name__)


class KeyFile:
    """A keyring that is as new as its file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._ring = Keyring.load(path)
        self._mark = _mark(path)

    def current(self) -> Keyring:
        """Return the keyring. While the file cannot be read the last one stays in use."""
        try:
            mark = _mark(self.path)
            if mark != self._mark:
                self._ring, self._mark = Keyring.load(self.path), mark
                log.info("keys_read", **{p: sorted(k.keys) for p, k in self._ring.purposes.items()})
        except (OSError, SealError) as error:
            log.warning("key_file_unreadable", error=type(error).__name__)
        return self._ring


class KeyFiles:
    """The key files of all services, changed together where they share a key."""

    def __init__(self, paths: Mapping[str, Path]) -> None:
        self._paths = paths

    def ring(self, service: str) -> Keyring:
        """Return the keys of ``service`` as they are in its file now."""
        return Keyring.load(self._paths[service])

    def sharing(self, service: str, purpose: Purpose) -> list[str]:
        """Return the services that use the same key as ``service``, itself among them.

        What the registry seals and indexes travels to programs and distribution: they need its
        keys, and a key that one of them retires alone would blind it.
        """
        own = self.ring(service)[purpose]
        return [
            each
            for each in self._paths
            if (theirs := self.ring(each)[purpose]).keys.get(own.active) == own.active_key
            or own.keys.get(theirs.active) == theirs.active_key
        ]

    def pending(self, service: str, purpose: Purpose) -> int | None:
        """Return the id of a key that was added and is not active everywhere yet."""
        rings = [self.ring(each)[purpose] for each in self.sharing(service, purpose)]
        newest = max(max(keys.keys) for keys in rings)
        return None if all(keys.active == newest for keys in rings) else newest

    def add(self, service: str, purpose: Purpose) -> int:
        """Add a fresh key to every sharing file, or finish an addition that was cut off."""
        rings = {each: self.ring(each) for each in self.sharing(service, purpose)}
        known = {i: k for ring in rings.values() for i, k in ring[purpose].keys.items()}
        key_id = self.pending(service, purpose) or max(known) + 1
        key = known.get(key_id) or os.urandom(KEY_BYTES)
        for each, ring in rings.items():
            if key_id not in ring[purpose].keys:
                self._write(each, ring.with_key(purpose, key_id, key))
        return key_id

    def activate(self, service: str, purpose: Purpose, key_id: int) -> None:
        """Let new values be written by ``key_id``, which every sharing file holds."""
        for each in self.sharing(service, purpose):
            if self.ring(each)[purpose].active != key_id:
                self._write(each, self.ring(each).activated(purpose, key_id))

    def retire(self, service: str, purpose: Purpose) -> list[int]:
        """Remove all keys but the active one from every sharing file. Return their ids."""
        gone: set[int] = set()
        for each in self.sharing(service, purpose):
            ring = self.ring(each)
            old = set(ring[purpose].keys) - {ring[purpose].active}
            if old:
                self._write(each, ring.only_active(purpose))
            gone |= old
        return sorted(gone)

    def grace_left(self, service: str, purpose: Purpose, grace_s: float) -> float:
        """Return how many seconds the last change of a sharing file is too young."""
        changed = max(self._paths[each].stat().st_mtime for each in self.sharing(service, purpose))
        return max(0.0, changed + grace_s - clock.now().timestamp())

    def _write(self, service: str, ring: Keyring) -> None:
        write_private(self._paths[service], ring.dump())


def write_private(path: Path, text: str) -> None:
    """Replace a file durably and never half: mode 0600, or as it was; the owner stays."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    partial = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if path.exists() and (owner := path.stat()).st_uid != os.geteuid():
            os.chown(partial, owner.st_uid, owner.st_gid)
        partial.rename(path)
    finally:
        partial.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _mark(path: Path) -> tuple[int, int, int]:
    stat = path.stat()
    return stat.st_ino, stat.st_mtime_ns, stat.st_size
