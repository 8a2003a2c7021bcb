"""How far apart untrusted code can run; systems differ in what they allow."""

import os
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """What a system allows: the options of `unshare`, and what they give in words."""

    name: str
    options: tuple[str, ...]
    words: str

    @property
    def mounts(self) -> bool:
        return "--mount" in self.options

    @property
    def pids(self) -> bool:
        return "--pid" in self.options

    @property
    def network(self) -> bool:
        return "--net" in self.options


_OWN = ("--net", "--ipc", "--uts", "--pid", "--fork", "--kill-child=KILL")
LEVELS = (
    Level(
        name="namespaces",
        options=("--mount", *_OWN),
        words="no network, no other processes, read-only files, a workspace in memory",
    ),
    Level(name="no-network", options=_OWN, words="no network, no other processes"),
    Level(name="limits", options=(), words="limits only: network, files and processes are visible"),
)


def unshare(level: Level) -> list[str]:
    """Return the words that run a command at this level."""
    if not level.options:
        return []
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    return ["unshare", *user, *level.options, "--"]
