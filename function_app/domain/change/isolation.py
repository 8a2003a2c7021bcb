"""The isolation of foreign code from this app, as mlops.toml requires it."""

from dataclasses import dataclass

NAMESPACES, LIMITS = "namespaces", "limits"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckIsolation:
    """`[checks]` in mlops.toml: below `min_isolation` no pull request is checked."""

    min_isolation: str = NAMESPACES


@dataclass(frozen=True, slots=True, kw_only=True)
class RunIsolation:
    """`[runs]` in mlops.toml, for the runs and services of this machine.

    Below `min_isolation` none starts. `network` lets trainings reach other machines. `readable`
    are paths that trainings may read beside their rows and their code.
    """

    min_isolation: str = LIMITS
    network: bool = True
    readable: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Isolation:
    """The isolation that mlops.toml asks for."""

    checks: CheckIsolation = CheckIsolation()
    runs: RunIsolation = RunIsolation()
