"""The tables of mlops.toml for the isolation of code that is not part of the app."""

from configuration.kinds import Choice, Flag, Key, Listed, Table, Text

_LEVELS = Choice(words=("namespaces", "limits"))


def _is_path(text: str) -> bool:
    return text.startswith(("/", "~/")) and "\0" not in text


_PATH = Text(allowed="an absolute path, or a path that begins with `~/`", accepts=_is_path)
CHECKS = Table(
    name="checks",
    help="Isolation of the checks of pull requests, whose code is not accepted yet. "
    "See [isolation](../explanation/isolation.md).",
    keys=(
        Key(
            name="min_isolation",
            kind=_LEVELS,
            default="namespaces",
            help="Least isolation at which a pull request is checked; below it the pull request is "
            "refused. `namespaces`: its code sees neither files nor processes nor the network. "
            "`limits`: it runs with the rights of the app. In Azure checks run on a machine of "
            "their own, and this key has no effect.",
        ),
    ),
)
RUNS = Table(
    name="runs",
    help="Isolation of trainings, evaluations and services on one machine. "
    "See [isolation](../explanation/isolation.md).",
    keys=(
        Key(
            name="min_isolation",
            kind=_LEVELS,
            default="limits",
            help="Least isolation at which runs and services start; below it they fail with the "
            "reason.",
        ),
        Key(
            name="network",
            kind=Flag(),
            default=True,
            help="Trainings reach the network. Evaluations never do; services always do.",
        ),
        Key(
            name="readable",
            kind=Listed(
                item=_PATH,
                noun="paths",
                once=True,
            ),
            default=(),
            help="Paths that trainings may read beside their rows and their code, such as a folder "
            "of weights.",
        ),
    ),
)
