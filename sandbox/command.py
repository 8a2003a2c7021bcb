"""Makes the words that run a command in the sandbox."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sandbox.levels import Level
from sandbox.view import Mount, mounts

INSIDE = Path(__file__).with_name("inside") / "__main__.py"
COULD_NOT = 125  # exit code when the sandbox could not be made, so that the command did not start
_MIB = 1024 * 1024
_TEMPORARY = "/tmp"
_TEMPORARY_BYTES = 64 * _MIB


def command(
    argv: Sequence[str],
    *,
    level: Level,
    folder: Path,
    readable: Sequence[Path] = (),
    writable: Sequence[Path] = (),
    hidden: Sequence[Path] = (),
    network: bool = False,
    scratch: Path | None = None,
    devices: bool = False,
    parent: int | None = None,
    shared_memory_bytes: int = 1024 * _MIB,
) -> list[str]:
    """Return the words that run `argv` in `folder`, isolated from every path that is not named.

    The command sees the system, this Python, its folder and `readable` (read-only), `writable`, and
    none of `hidden`; where one path contains another, the inner one decides. /tmp, also its home,
    is the folder `scratch`, else 64 MiB of memory. Without `network` it has a loopback of its own
    and nothing else. `devices` shows graphics processors. It ends with the process `parent`, by
    default this one; 0 for none. Below the level of namespaces it runs with this user's rights.
    """
    places: list[Mount] = []
    environ: dict[str, str] = {}
    if level.isolated:
        memory = [] if scratch is not None else [(Path(_TEMPORARY), _TEMPORARY_BYTES)]
        places = mounts(
            [*readable, folder],
            writable,
            hidden,
            memory=memory,
            network=network,
            devices=devices,
        )
        if scratch is not None:
            places = [mount for mount in places if mount[2] != _TEMPORARY]
            places.insert(0, ("rw", os.path.realpath(scratch), _TEMPORARY))
        environ = {"HOME": _TEMPORARY, "TMPDIR": _TEMPORARY}
    return wrapped(
        argv,
        level=level,
        folder=folder,
        places=places,
        network=network,
        parent=os.getpid() if parent is None else parent,
        shared_memory_bytes=shared_memory_bytes,
        environ=environ,
    )


def wrapped(
    argv: Sequence[str],
    *,
    level: Level,
    folder: Path,
    places: Sequence[Mount],
    network: bool,
    parent: int,
    shared_memory_bytes: int,
    environ: Mapping[str, str] | None = None,
    limits: Mapping[str, int] | None = None,
    job: Mapping[str, Any] | None = None,
) -> list[str]:
    """Return the words that run a command with exactly these mounts; sandbox/inside reads them."""
    spec = {
        "argv": [*argv],
        "folder": str(folder),
        "tool": level.tool,
        "proc": level.proc,
        "mounts": [*places],
        "network": network,
        "parent": parent,
        "shared_memory_bytes": shared_memory_bytes,
        "environ": {**(environ or {})},
        "limits": {**(limits or {})},
        "job": job,
    }
    return [sys.executable, "-I", "-S", str(INSIDE), json.dumps(spec)]
