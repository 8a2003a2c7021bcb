"""The configurations of main.bicep that are compiled, from infra/configurations.json.

They are the three parameter files as they are (main, dev, prod), the sizes of dev in a private
network (private), one with every variable set (all), and two with the choices that it excludes
(other, endpoint). Each pair of choices occurs together in one of them.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

INFRA = Path(__file__).resolve().parents[1]
SUBSCRIPTION, LOCATION = "44444444-4444-4444-4444-444444444444", "westeurope"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A configuration: its parameter file, the variables that the file reads, and its traits."""

    file: str = ""
    environ: Mapping[str, str]
    traits: frozenset[str]

    def holds(self, when: str) -> bool:
        """Return whether it has each trait of a condition (`a && b`); an empty one holds."""
        return self.traits.issuperset(when.split(" && ") if when else ())


NONE = Choice(environ={}, traits=frozenset())  # of a snapshot without parameters to choose


def _read() -> dict[str, Choice]:
    """Return the configurations; `like` names the one whose variables another one changes."""
    choices: dict[str, Choice] = {}
    for name, entry in json.loads((INFRA / "configurations.json").read_text("utf-8")).items():
        like = choices[entry["like"]] if "like" in entry else NONE
        environ = {**like.environ, **entry.get("environ", {})}
        traits = frozenset(entry["traits"])
        choices[name] = Choice(file=entry["file"], environ=environ, traits=traits)
    return choices


CHOICES = _read()
LONGEST_NAME = CHOICES["all"].environ["AZURE_ENV_NAME"]
