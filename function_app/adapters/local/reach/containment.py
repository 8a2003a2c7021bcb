"""The isolation of runs and services here: they see their own files, never the app's state."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from configuration.people.tokens import config_folder
from function_app.domain.change.isolation import Isolation
from function_app.errors import PlatformError
from sandbox.command import command
from sandbox.levels import BY_NAME, Level
from sandbox.probe import Found, find_level

# Files of the app's folder that code of a run has no use for; some of them hold secrets.
_SECRETS = (".git", "local.settings.json", ".env*", ".mlops*", ".azure", ".netrc", ".pypirc")


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """The access of a command beside the system and its Python; paths are text, for a record."""

    readable: tuple[str, ...] = ()
    writable: tuple[str, ...] = ()
    network: bool = False
    devices: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Containment:
    """The isolation of one state folder's runs and services.

    `chosen` is the level to use, by default the best one of this machine, found when it is needed.
    """

    state: Path
    root: Path
    isolation: Isolation = field(default_factory=Isolation)
    chosen: Found | None = None

    @property
    def detected(self) -> Found:
        return self.chosen or find_level()

    @property
    def level(self) -> Level:
        return self.detected.level

    def check(self, operation: str) -> None:
        """Raise PlatformError when this machine isolates less than mlops.toml asks for."""
        least = self.isolation.runs.min_isolation
        if not self.level.reaches(least):
            text = (
                f"The isolation here is {self.detected}; `[runs] min_isolation` in mlops.toml asks "
                f"for {least}. Install bubblewrap, or lower it to {self.level.strength}."
            )
            raise PlatformError("local", operation, text)

    def training(self, readable: Sequence[Path], writable: Path) -> Access:
        """Return the access of a training: these paths, those of `[runs]`, and graphics cards."""
        named = (Path(path).expanduser() for path in self.isolation.runs.readable)
        return Access(
            readable=tuple(map(str, (*readable, *named))),
            writable=(str(writable),),
            network=self.isolation.runs.network,
            devices=True,
        )

    def predict_words(self) -> list[str]:
        """Return the options by which an evaluation runs each command in a sandbox of its own.

        The evaluation is code of this app; a judged model must neither see its rows nor reach its
        files.
        """
        named = (Path(path).expanduser() for path in self.isolation.runs.readable)
        words = ["--isolation", self.level.name]
        if self.isolation.runs.network:
            words.append("--network")
        for path in hidden_paths(self.state, self.root):
            words += ["--hide", str(path)]
        for path in named:
            words += ["--show", str(path)]
        return words

    def wrap(
        self,
        words: Sequence[str],
        folder: Path,
        access: Access,
        *,
        scratch: Path | None = None,
        parent: int | None = None,
    ) -> list[str]:
        """Return the words that run a command in `folder` so that it sees no more than this."""
        return contained(
            words,
            folder,
            access,
            level=self.level,
            state=self.state,
            root=self.root,
            scratch=scratch,
            parent=parent,
        )

    def record(self, access: Access) -> dict[str, Any]:
        """Return the record for `read_record`: a watcher need not detect the level again."""
        return {
            "level": self.level.name,
            "root": str(self.root),
            "readable": [*access.readable],
            "writable": [*access.writable],
            "network": access.network,
            "devices": access.devices,
        }


def contained(
    words: Sequence[str],
    folder: Path,
    access: Access,
    *,
    level: Level,
    state: Path,
    root: Path,
    scratch: Path | None = None,
    parent: int | None = None,
) -> list[str]:
    """Return the words that run a command without a access of the state and of the root's secrets.

    It ends with the process `parent`, by default this one; 0 for none.
    """
    return command(
        words,
        level=level,
        folder=folder,
        readable=[Path(path) for path in access.readable],
        writable=[Path(path) for path in access.writable],
        hidden=hidden_paths(state, root),
        network=access.network,
        scratch=scratch,
        devices=access.devices,
        parent=parent,
    )


def hidden_paths(state: Path, root: Path) -> list[Path]:
    """Return the paths that no run may see: the state, secrets of the root, this user's tokens."""
    secrets = [path for name in _SECRETS for path in root.glob(name)]
    return [state, *secrets, config_folder(os.environ)]


def read_record(record: dict[str, Any]) -> tuple[Access, Level, Path]:
    """Return the access of a command, its level and the folder of the app from a record."""
    access = Access(
        readable=tuple(record["readable"]),
        writable=tuple(record["writable"]),
        network=record["network"],
        devices=record["devices"],
    )
    return access, BY_NAME[record["level"]], Path(record["root"])
