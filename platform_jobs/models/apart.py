"""Runs a model's commands in the sandbox of this app, where the sandbox package is present.

In Azure ML the container of the job is the sandbox, and the package is not there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.forkserver import Forks, ForkServer

COULD_NOT = 125  # exit code of the sandbox when it could not be made


@dataclass(frozen=True, slots=True)
class Apart:
    """A level of the sandbox by its name in sandbox/levels.py, and the files that it hides.

    `network` is True when `[runs] network` of mlops.toml gives trainings the network. `forks` is
    the socket of a server that forks the commands.
    """

    level: str
    hidden: tuple[Path, ...] = ()
    shown: tuple[Path, ...] = ()
    network: bool = False
    forks: Path | None = None

    def shared(self) -> "Forks | None":
        """Return the server that other jobs use, too; None without one."""
        from sandbox.forkserver import SharedForks

        return SharedForks(self.forks) if self.forks else None

    def server(self, libraries: Sequence[str], environ: Mapping[str, str]) -> "ForkServer":
        """Return a process that imports libraries once for many commands; close it at the end."""
        from sandbox.forkserver import ForkServer
        from sandbox.levels import BY_NAME

        return ForkServer(BY_NAME[self.level], libraries, environ)

    def wrap(
        self,
        words: Sequence[str],
        folder: Path,
        sees: Sequence[Path],
        writes: Path,
        scratch: Path | None = None,
        *,
        trains: bool = False,
    ) -> list[str]:
        """Return the words that run a command which sees these paths and writes into one folder.

        It has neither the network, unless it trains and trainings have it, nor a process or a file
        of the evaluation.
        """
        from sandbox.command import command
        from sandbox.levels import BY_NAME

        return command(
            words,
            level=BY_NAME[self.level],
            folder=folder,
            readable=[*sees, *self.shown],
            writable=[writes],
            hidden=self.hidden,
            network=trains and self.network,
            scratch=scratch,
            devices=True,
        )
