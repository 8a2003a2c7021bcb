"""A metric that is an own function of the model's code, and the facts of it for people.

Whoever pushes code may change such a function, and with it the rule that judges the code. The
evidence therefore names the file, its digest and the commit, and says whether the champion's code
has the same file.
"""

import re
from dataclasses import dataclass

HIGHER = "higher"
_SHOWN = 12  # hex digits of a digest
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnMetric:
    """The function that gave the losses of a comparison.

    `digest` is the SHA-256 of the file that defines it, `champion_digest` that of the same file in
    the champion's code: None without such a file, and without a champion.
    """

    function: str
    direction: str = ""
    digest: str | None = None
    champion_digest: str | None = None


def is_own(metric: str) -> bool:
    """Return whether a metric is an own function; a name of a built-in metric has no colon."""
    return ":" in metric


def loss_name(metric: str, direction: str) -> str:
    """Return the name of the loss of an own function: that of a score is minus the score."""
    return f"minus {metric}" if direction == HIGHER else metric


def describe_metric(metric: OwnMetric | None, commit: str, *, compared: bool) -> tuple[str, ...]:
    """Return the sentences that name the function and its source, () for a built-in metric.

    `commit` is that of the challenger's code, "" when this app's own code was used. `compared` says
    that there was a champion.
    """
    if metric is None:
        return ()
    code = f"commit {commit[:_SHOWN]}" if commit else "this app's own code"
    file = _file(metric.digest)
    said = f"The metric is the function {metric.function} of {code}, defined in {file}."
    if not compared:
        return (said,)
    if metric.digest == metric.champion_digest:
        return (f"{said} The champion's code has the same file.",)
    other = "no such file"
    if metric.champion_digest is not None:
        other = f"{_file(metric.champion_digest)} there"
    return (
        f"{said} The champion's code has {other}: the rule of this comparison came with the "
        "challenger. Read the difference before you approve.",
    )


def _file(digest: str | None) -> str:
    if digest is None:
        return "no file"
    return f"a file with the SHA-256 {digest[:_SHOWN]}" if _DIGEST.fullmatch(digest) else "a file"
