"""The files that a sandboxed command sees: the system, this Python, and paths of its caller.

It sees nothing else: no home, no temporary files of others, no sockets, no other disks.
"""

import os
import stat
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

Mount = tuple[str, str, str]  # kind, source, target; sandbox/inside/mounts.py

_SYSTEM = (
    *("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"),
    *("/etc", "/opt", "/sys", "/nix/store", "/gnu/store", "/var/lib/ca-certificates"),
)
# Programs expect these folders; each is empty.
_PLACES = ("/run", "/tmp", "/var/tmp", "/root", "/home")
_GRAPHICS = ("nvidia*", "dri", "kfd")
_TEMPORARY = (
    "/tmp/"  # This folder is writable, so that an empty folder must hide a hidden one in it.
)
_RESOLVER = "/etc/resolv.conf"
_MOST_LINKS = 40
_KINDS = ("link", "empty", "nothing", "tmpfs", "ro", "rw")


def mounts(
    readable: Sequence[Path],
    writable: Sequence[Path],
    hidden: Sequence[Path],
    *,
    memory: Sequence[tuple[Path, int]] = (),
    network: bool = False,
    devices: bool = False,
) -> list[Mount]:
    """Return the mounts of a command, parents before children: the deepest path decides.

    `memory` names folders that lie in memory, with their size in bytes. `devices` shows graphics
    processors. A path that does not exist is left out.
    """
    shown = [Path(path) for path in _SYSTEM if os.path.exists(path)]
    shown += [*python_paths(), *readable]
    shown += [Path(_RESOLVER)] if network else []
    bound: dict[str, str] = {}
    links: dict[str, str] = {}
    for kind, paths in (("empty", hidden), ("ro", shown), ("rw", writable)):
        for path in paths:
            links.update(_links(path))
            real = os.path.realpath(path)
            if os.path.exists(real):
                bound[real] = kind if kind != "empty" else _hiding(real)
    bound.update((path, _hiding(path)) for path in _secrets() if path not in bound)
    result = [
        (kind, path, path)
        for path, kind in bound.items()
        if kind in ("ro", "rw") or _is_below(path, bound) or path.startswith(_TEMPORARY)
    ]
    result = [mount for mount in result if not _is_needless(mount, bound)]
    result += [("tmpfs", str(size), os.path.realpath(path)) for path, size in memory]
    result += [
        ("link", target, path) for path, target in links.items() if not _is_below(path, bound)
    ]
    taken = {target for _, _, target in result} | set(links)
    result += [("empty", "", path) for path in _PLACES if path not in taken]
    result.sort(key=lambda mount: (mount[2].count("/"), _KINDS.index(mount[0])))
    if devices:
        graphics = (path for name in _GRAPHICS for path in Path("/dev").glob(name))
        result += [("device", str(path), str(path)) for path in graphics]
    return result


def python_paths() -> list[Path]:
    """Return the folders of which this Python is made, wherever they lie."""
    prefixes = [sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix]
    packages = [path for path in sys.path if path.endswith("-packages")]
    own = Path(__file__).parent  # process 1 runs it
    return [*map(Path, dict.fromkeys([*prefixes, *packages])), own]


def _hiding(path: str) -> str:
    return "empty" if os.path.isdir(path) else "nothing"


def _is_below(path: str, bound: dict[str, str]) -> bool:
    """Return whether a folder that is shown contains this path."""
    for parent in Path(path).parents:
        kind = bound.get(str(parent))
        if kind is not None:
            return kind in ("ro", "rw")
    return False


def _is_needless(mount: Mount, bound: dict[str, str]) -> bool:
    """Return whether the folder above shows this path in the same way."""
    kind, _, path = mount
    for parent in Path(path).parents:
        above = bound.get(str(parent))
        if above is not None:
            return above == kind
    return False


def _links(path: Path) -> Iterator[tuple[str, str]]:
    """Yield each symbolic link on the way to a path, with its target."""
    waiting, place, count = list(Path(os.path.abspath(path)).parts[1:]), "/", 0
    while waiting and count < _MOST_LINKS:
        name = waiting.pop(0)
        if name in (".", ".."):
            place = os.path.dirname(place) if name == ".." else place
            continue
        step = os.path.join(place, name)
        if os.path.islink(step):
            count += 1
            target = os.readlink(step)
            yield step, target
            place = "/" if target.startswith("/") else place
            waiting = [*(part for part in target.split("/") if part), *waiting]
        else:
            place = step


def _secrets() -> Iterator[str]:
    """Yield the files of /etc that only root or a group may read: keys, password digests."""
    waiting = ["/etc"]
    for depth in range(2):
        folders, waiting = waiting, []
        for folder in folders:
            with os.scandir(folder) as entries:
                for entry in entries:
                    mode = entry.stat(follow_symlinks=False).st_mode
                    if stat.S_ISLNK(mode):
                        continue
                    if not mode & stat.S_IROTH:
                        yield entry.path
                    elif stat.S_ISDIR(mode) and not depth:
                        waiting.append(entry.path)
