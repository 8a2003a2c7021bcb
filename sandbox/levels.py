"""The levels at which a command can be isolated; systems differ in the levels that they allow."""

from dataclasses import dataclass

NAMESPACES, LIMITS = "namespaces", "limits"
STRENGTHS = (LIMITS, NAMESPACES)
_OWN = "own files, processes and network"


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """A way to contain a command.

    `tool` makes the namespaces: `bwrap`, `unshare` (the kernel's calls), or "" for none. `proc`
    says that the command gets a fresh /proc; else its /proc is empty.
    """

    name: str
    tool: str
    proc: bool
    words: str

    @property
    def strength(self) -> str:
        """Return the strength that `min_isolation` of mlops.toml names: namespaces or limits."""
        return NAMESPACES if self.tool else LIMITS

    @property
    def isolated(self) -> bool:
        return bool(self.tool)

    def reaches(self, minimum: str) -> bool:
        """Return whether this level is at least as strong as `minimum`, one of STRENGTHS."""
        return STRENGTHS.index(self.strength) >= STRENGTHS.index(minimum)

    def __str__(self) -> str:
        return f"{self.strength}: {self.words}"


# The strongest level comes first. Some containers do not allow to mount a /proc.
LEVELS = (
    Level(name="bubblewrap", tool="bwrap", proc=True, words=f"{_OWN} (bubblewrap)"),
    Level(name="unshare", tool="unshare", proc=True, words=f"{_OWN} (unshare)"),
    Level(
        name="bubblewrap-without-proc",
        tool="bwrap",
        proc=False,
        words=f"{_OWN} (bubblewrap), an empty /proc",
    ),
    Level(
        name="unshare-without-proc",
        tool="unshare",
        proc=False,
        words=f"{_OWN} (unshare), an empty /proc",
    ),
    Level(
        name=LIMITS,
        tool="",
        proc=False,
        words="the files, processes and network of this user can be seen",
    ),
)
BY_NAME = {level.name: level for level in LEVELS}
