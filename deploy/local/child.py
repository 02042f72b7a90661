"""Become another program that dies with its parent: ``child.py SIGNAL UID:GID -- program args``.

Run by path with ``python -I -S``, so it imports the standard library only and costs 10 ms. It is a
program of its own and not a ``preexec_fn``, which may deadlock where the parent has threads.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
PR_SET_SECUREBITS = 28
SECBIT_NO_SETUID_FIXUP = 4
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAPABILITY_VERSION_3 = 0x20080522
CAP_DAC_OVERRIDE = 1
CAP_DAC_READ_SEARCH = 2
CANNOT_START = 126


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Data(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


def _reaches(uid: int, gid: int, *paths: str) -> bool:
    os.setegid(gid)
    os.seteuid(uid)
    try:
        return all(os.access(path, os.X_OK, effective_ids=True) for path in paths)
    finally:
        os.seteuid(0)
        os.setegid(0)


def _keep(libc: ctypes.CDLL, capability: int) -> bool:
    """Keep one capability over exec: as ambient, and alone."""
    header = _Header(CAPABILITY_VERSION_3, 0)
    bit = 1 << capability
    data = (_Data * 2)(_Data(bit, bit, bit), _Data(0, 0, 0))
    if libc.capset(ctypes.byref(header), data) != 0:
        return False
    return bool(libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) == 0)


def _drop(libc: ctypes.CDLL | None, uid: int, gid: int, program: str) -> None:
    """Become ``uid``. Where it could not reach its program or folder, keep the right to pass.

    A checkout or a state below a private home (0700) is not reachable for another account. Opening
    the home would change what is not ours, so the one capability that passes folders is kept.
    access(2), which PostgreSQL asks, heeds it only with the secure bit set.
    """
    os.setgroups([])
    reaches = _reaches(uid, gid, program, os.getcwd())  # noqa: PTH109 - pathlib costs 10 ms
    if libc is not None and not reaches:
        libc.prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0)
    os.setgid(gid)
    os.setuid(uid)
    if reaches:
        return
    kept = libc is not None and (_keep(libc, CAP_DAC_READ_SEARCH) or _keep(libc, CAP_DAC_OVERRIDE))
    if not kept:
        sys.stderr.write(
            f"uid {uid} cannot reach {program}: set BETANG_STATE to a folder that every account"
            " may enter, or run as an ordinary user\n"
        )
        sys.exit(CANNOT_START)


def main() -> None:
    """Drop to the account (``-`` for none), ask to die with the parent, become the program."""
    name, account, separator, *command = sys.argv[1:]
    if separator != "--" or not command:
        sys.exit(CANNOT_START)
    libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
    parent = os.getppid()
    if account != "-":
        uid, gid = account.split(":")
        _drop(libc, int(uid), int(gid), command[0])
    if libc is not None:
        # After setuid, which clears it. The parent may have died before: then there is no signal.
        libc.prctl(PR_SET_PDEATHSIG, signal.Signals[name].value, 0, 0, 0)
        if os.getppid() != parent:
            sys.exit(CANNOT_START)
    os.umask(0o077)
    os.execv(command[0], command)  # noqa: S606 - becoming that program is what this is for


if __name__ == "__main__":
    main()
