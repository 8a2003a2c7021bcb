"""The system calls of Linux that Python's library does not offer. Each raises OSError."""

from __future__ import annotations

import ctypes
import os
import sys

TYPE_CHECKING = False  # typing's own needs a slow import
if TYPE_CHECKING:
    from typing import Any

NEW_MOUNTS, NEW_NAMES, NEW_IPC = 0x20000, 0x04000000, 0x08000000
NEW_USER, NEW_PIDS, NEW_NETWORK = 0x10000000, 0x20000000, 0x40000000
READ_ONLY, NO_SETUID, NO_DEVICES, NO_EXEC = 1, 2, 4, 8
REMOUNT, BIND, RECURSIVE, PRIVATE = 32, 4096, 16384, 1 << 18
DETACH = 2
PARENT_DEATH, DUMPABLE, DROP_BOUND, SUBREAPER, NO_NEW_PRIVILEGES = 1, 4, 24, 36, 38
_NAME = 15
LAST_CAPABILITY = 63
_CAPABILITY_VERSION = 0x20080522  # of capset(2): two words of bits for each of three sets

_MOUNT_SETATTR = 442  # on every architecture; Linux 5.12
_PIVOT_ROOT = {
    "x86_64": 155,
    "aarch64": 41,
    "riscv64": 41,
    "loongarch64": 41,
    "armv7l": 218,
    "i686": 217,
    "ppc64le": 203,
    "s390x": 217,
}
_AT_FDCWD, _AT_RECURSIVE = -100, 0x8000


def mount(source: str, target: str, kind: str | None, flags: int, options: str = "") -> None:
    words = [None if word is None else os.fsencode(word) for word in (source, target, kind)]
    _call("mount", *words, ctypes.c_ulong(flags), options.encode() or None, about=target)


def bind(source: str, target: str) -> None:
    """Show a file, or a folder with all that is mounted below it, at another path."""
    mount(source, target, None, BIND | RECURSIVE)


def restrict(target: str, attributes: int) -> None:
    """Set attributes of a mount and of all mounts below it, also of mounts that no path reaches."""
    values = (ctypes.c_uint64 * 4)(attributes, 0, 0, 0)
    size = ctypes.c_size_t(ctypes.sizeof(values))
    words = (_AT_FDCWD, os.fsencode(target), _AT_RECURSIVE, ctypes.byref(values), size)
    _call("syscall", ctypes.c_long(_MOUNT_SETATTR), *words, about=f"mount_setattr {target}")


def pivot_root(new: str, old: str) -> None:
    machine = os.uname().machine
    if machine not in _PIVOT_ROOT:
        raise OSError(38, f"pivot_root of {machine} is not known; install bubblewrap")
    number = ctypes.c_long(_PIVOT_ROOT[machine])
    _call("syscall", number, os.fsencode(new), os.fsencode(old), about="pivot_root")


def unmount(target: str) -> None:
    """Remove a mount from the tree, also while something uses it."""
    _call("umount2", os.fsencode(target), DETACH, about=f"unmount {target}")


def unshare(flags: int) -> None:
    _call("unshare", flags, about="unshare")


def drop_capabilities() -> None:
    """Remove every capability of this process, as an exec with an empty bounding set does."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    empty = (ctypes.c_uint32 * 6)()
    _call("capset", ctypes.byref(header), ctypes.byref(empty), about="capset")


def show_name(name: str) -> None:
    """Give this process a name in lists of processes; the kernel keeps its first 15 bytes."""
    text = ctypes.create_string_buffer(name.encode(errors="replace"))
    control(_NAME, ctypes.addressof(text))


def control(*numbers: int) -> None:
    """Call prctl; other systems, and kernels that do not know the number, change nothing."""
    if sys.platform == "linux":
        words = (ctypes.c_ulong(number) for number in (*numbers, 0, 0, 0)[:5])
        ctypes.CDLL(None).prctl(*words)


def _call(function: str, *words: Any, about: str) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, function)(*words):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), about)
