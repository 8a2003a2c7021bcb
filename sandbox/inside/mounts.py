"""Builds the files that a command sees: a root of its own, with the mounts that SPEC names.

A mount is (kind, source, target), parents before children. Kinds: `ro` and `rw` show a file or a
folder, `device` a device, `empty` an empty folder that cannot be written, `tmpfs` a folder in
memory (its source is its size in bytes), `nothing` an empty file, `link` a symbolic link.
"""

from __future__ import annotations

import os

from sandbox.inside import kernel

TYPE_CHECKING = False  # typing's own needs a slow import
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

_BASE, _OLD, _NEW = "/tmp", "/old", "/new"
_DEVICES = ("null", "zero", "full", "random", "urandom")
_STREAMS = (("fd", "fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2"))
_SAFE = kernel.NO_SETUID | kernel.NO_DEVICES
_SMALL = "size=1m,mode=755"


def bubblewrap(spec: dict[str, Any]) -> list[str]:
    """Return the words that let bubblewrap build these files and run a command as process 1."""
    words = ["bwrap", "--die-with-parent", "--as-pid-1", "--cap-drop", "ALL"]
    words += ["--unshare-pid", "--unshare-ipc", "--unshare-uts"]
    words += [] if spec["network"] else ["--unshare-net"]
    sealed = ["/"]
    devices: list[str] = []
    for kind, source, target in spec["mounts"]:
        if kind in ("ro", "rw"):
            words += ["--ro-bind" if kind == "ro" else "--bind", source, target]
        elif kind == "device":
            devices += ["--dev-bind", source, target]
        elif kind == "empty":
            words += ["--size", str(2**20), "--tmpfs", target]
            sealed.append(target)
        elif kind == "tmpfs":
            words += ["--size", source, "--tmpfs", target]
        elif kind == "nothing":
            words += ["--ro-bind", "/dev/null", target]
        elif kind == "link":
            words += ["--symlink", source, target]
    # Without a /proc of its own the command gets an empty one: the host's names every process.
    words += ["--proc", "/proc", "--remount-ro", "/proc"] if spec["proc"] else ["--dir", "/proc"]
    words += ["--dev", "/dev", *devices]
    words += ["--size", str(spec["shared_memory_bytes"]), "--tmpfs", "/dev/shm"]
    for target in reversed(sealed):
        words += ["--remount-ro", target]
    return words


def enter(spec: dict[str, Any]) -> None:
    """Replace this process's files; it must be process 1 of new namespaces of mounts and PIDs."""
    kernel.mount("none", "/", None, kernel.RECURSIVE | kernel.PRIVATE)
    kernel.mount("tmpfs", _BASE, "tmpfs", _SAFE, _SMALL)
    for name in (_OLD, _NEW):
        os.mkdir(_BASE + name)
    kernel.pivot_root(_BASE, _BASE + _OLD)
    os.chdir("/")
    kernel.mount("tmpfs", _NEW, "tmpfs", _SAFE, _SMALL)
    sealed = [_NEW]
    for kind, source, target in spec["mounts"]:
        if kind != "device":
            sealed += _add(kind, source, target)
    os.makedirs(f"{_NEW}/proc", exist_ok=True)
    if spec["proc"]:
        flags = kernel.NO_SETUID | kernel.NO_DEVICES | kernel.NO_EXEC | kernel.READ_ONLY
        kernel.mount("proc", f"{_NEW}/proc", "proc", flags)
    devices = [source for kind, source, _ in spec["mounts"] if kind == "device"]
    _add_devices(spec["shared_memory_bytes"], devices)
    for target in reversed(sealed):
        flags = kernel.REMOUNT | kernel.BIND | kernel.READ_ONLY | _SAFE
        kernel.mount("none", target, None, flags)
    os.chdir(_NEW)
    kernel.pivot_root(".", ".")
    kernel.unmount(".")
    os.chdir("/")


def _add(kind: str, source: str, target: str) -> Sequence[str]:
    """Add a mount below the new root; return the mounts that must become read-only at the end."""
    place = _NEW + target
    if kind == "link":
        os.makedirs(os.path.dirname(place), exist_ok=True)
        os.symlink(source, place)
        return ()
    if kind in ("empty", "tmpfs"):
        os.makedirs(place, exist_ok=True)
        size = "size=1m,mode=755" if kind == "empty" else f"size={source},mode=700"
        kernel.mount("tmpfs", place, "tmpfs", _SAFE, size)
        return (place,) if kind == "empty" else ()
    shown = "/old/dev/null" if kind == "nothing" else _OLD + source
    _touch(place, shown)
    kernel.bind(shown, place)
    # A mount of /dev/null loses its use without devices, and is read-only to others anyway.
    safe = kernel.NO_SETUID if kind == "nothing" else _SAFE
    kernel.restrict(place, safe | (0 if kind == "rw" else kernel.READ_ONLY))
    return ()


def _touch(place: str, shown: str) -> None:
    """Make the file or the folder on which another one is mounted."""
    if os.path.isdir(shown):
        os.makedirs(place, exist_ok=True)
    elif not os.path.exists(place):
        os.makedirs(os.path.dirname(place), exist_ok=True)
        os.close(os.open(place, os.O_CREAT | os.O_WRONLY, 0o600))


def _add_devices(shared_memory: int, devices: Sequence[str]) -> None:
    """Make a /dev without disks and terminals."""
    made = f"{_NEW}/dev"
    os.makedirs(made, exist_ok=True)
    flags = kernel.NO_SETUID | kernel.NO_EXEC
    kernel.mount("tmpfs", made, "tmpfs", flags, _SMALL)
    for source in (*(f"/dev/{name}" for name in _DEVICES), *devices):
        if os.path.exists(_OLD + source):
            _touch(_NEW + source, _OLD + source)
            kernel.bind(_OLD + source, _NEW + source)
    for name, target in _STREAMS:
        os.symlink(f"/proc/self/{target}", f"{made}/{name}")
    os.mkdir(f"{made}/shm")
    kernel.mount("tmpfs", f"{made}/shm", "tmpfs", _SAFE, f"size={shared_memory},mode=1777")
    flags |= kernel.REMOUNT | kernel.BIND | kernel.READ_ONLY
    kernel.mount("none", made, None, flags)
