"""Finds the best level of isolation that this system allows, by trying."""

import functools
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from sandbox.command import command
from sandbox.levels import LEVELS, LIMITS, Level

_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The best level here; `reason` says why no namespaces can be made, "" when they can."""

    level: Level
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.level} ({self.reason})" if self.reason else str(self.level)


@functools.cache
def find_level() -> Found:
    """Return the best level; the answer is cached, because each try needs a process."""
    reasons = []
    for level in LEVELS:
        if not level.isolated:
            break
        failure = try_level(level)
        if not failure:
            return Found(level=level)
        reasons.append(f"{level.name}: {failure}")
    return Found(level=LEVELS[-1], reason="; ".join(dict.fromkeys(reasons)))


def try_level(level: Level) -> str:
    """Return "" when commands run at this level here, else the reason in a few words."""
    if level.name == LIMITS:
        return ""
    if sys.platform != "linux":
        return f"{sys.platform} has no namespaces"
    if level.tool == "bwrap" and shutil.which("bwrap") is None:
        return "bubblewrap is not installed"
    # This command is the shortest test of /proc, /dev and a folder of the caller.
    test = "import os; os.listdir('/proc'); open('/dev/null').close()"
    words = [sys.executable, "-I", "-S", "-c", test]
    tried = subprocess.run(
        command(words, level=level, folder=Path(__file__).parent),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    if tried.returncode == 0:
        return ""
    lines = [line for line in tried.stderr.strip().splitlines() if line.strip()]
    return lines[-1].removeprefix("sandbox: ")[:200] if lines else f"exit code {tried.returncode}"
