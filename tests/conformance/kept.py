"""The differences that stay: the data file that the documentation is written from, too."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("kept.toml")
KITS = ("durable", "eventgrid", "none")


@dataclass(frozen=True, slots=True)
class Hidden:
    """A difference that does not count: in scenarios and paths that the patterns are found in."""

    scenario: re.Pattern[str]
    path: re.Pattern[str] | None

    def whole(self, scenario: str) -> bool:
        """Return whether no answer of this scenario counts."""
        return self.path is None and bool(self.scenario.search(scenario))

    def hides(self, scenario: str, path: str) -> bool:
        """Return whether a difference at this path of this scenario's answers does not count."""
        return (
            self.path is not None
            and bool(self.scenario.search(scenario))
            and bool(self.path.search(path))
        )


def entries() -> list[dict[str, Any]]:
    """Return every entry of the data file."""
    found: list[dict[str, Any]] = tomllib.loads(FILE.read_text(encoding="utf-8"))["kept"]
    return found


def hidden(kit: str) -> list[Hidden]:
    """Return the differences that the comparison with one kit leaves out."""
    return [
        Hidden(re.compile(one["scenario"]), re.compile(one["path"]) if "path" in one else None)
        for entry in entries()
        if entry["kit"] == kit
        for one in entry.get("hidden", ())
    ]
