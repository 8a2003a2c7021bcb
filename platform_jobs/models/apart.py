"""Runs a model's predict in the sandbox of this app, where the sandbox package is present.

In Azure ML the container of the job is the sandbox, and the package is not there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

COULD_NOT = 125  # exit code of the sandbox when it could not be made


@dataclass(frozen=True, slots=True)
class Apart:
    """A level of the sandbox by its name in sandbox/levels.py, and the files that it hides."""

    level: str
    hidden: tuple[Path, ...] = ()
    shown: tuple[Path, ...] = ()

    def wrap(
        self, words: Sequence[str], code: Path, sees: Sequence[Path], writes: Path
    ) -> list[str]:
        """Return the words that run a command which sees these paths and writes into one folder.

        It has neither the network nor a process or a file of the evaluation.
        """
        from sandbox.command import command
        from sandbox.levels import BY_NAME

        return command(
            words,
            level=BY_NAME[self.level],
            folder=code,
            readable=[*sees, *self.shown],
            writable=[writes],
            hidden=self.hidden,
            devices=True,
        )
