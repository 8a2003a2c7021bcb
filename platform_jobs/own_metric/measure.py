"""Makes the metric of a comparison from an own function of the model's code.

The function is called once, for the distinct pairs of true value and prediction of both models and
of constant predictions, sorted. So neither a name nor an order tells the function which of them are
the challenger's, and a pair has one loss, whichever model gave it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path

from platform_jobs.models.models import Project
from platform_jobs.own_metric.asking import Pair, ask_metric
from platform_jobs.own_metric.function import HIGHER, source_digest

# Returns the function's value of each pair.
Ask = Callable[[Sequence[Pair]], list[float]]
# Constant predictions of which the one with the least loss is the trivial model.
_SHARES = (0.1, 0.25, 0.5, 0.75, 0.9)
# 0 and 1 are not among them: the log loss of a certain prediction may be infinite.
_PROBABILITIES = tuple(step / 10 for step in range(1, 10))


Losses = Callable[[Sequence[float], Sequence[float]], list[float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The losses of the pairs of one comparison, and the constant prediction with the least loss.

    `losses` maps true and predicted values of shape (rows,) to losses of shape (rows,), `constant`
    true values to a prediction; KeyError for a pair that is not of the comparison.
    """

    losses: Losses
    constant: Callable[[Sequence[float]], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnFunction:
    """The function by which a policy judges: its import path, its direction and its source.

    `ask` calls it. `digest` is the SHA-256 of the file that defines it, `champion_digest` that of
    the same file in the champion's code; None without such a file, and without a champion.
    """

    function: str
    direction: str
    ask: Ask
    digest: str | None = None
    champion_digest: str | None = None

    def measure(
        self, actual: Sequence[float], predicted: Sequence[Sequence[float]], *, labels: bool
    ) -> Measured:
        """Return the losses as `measure` does."""
        return measure(self.direction, actual, predicted, self.ask, labels=labels)

    def record(self) -> dict[str, str | None]:
        """Return the facts of the function for the record of a comparison."""
        return {
            "function": self.function,
            "direction": self.direction,
            "digest": self.digest,
            "champion_digest": self.champion_digest,
        }


def function_of(
    project: Project, champion: Project | None, function: str, direction: str, parent: Path
) -> OwnFunction:
    """Return the function of the challenger's project; its calls write below `parent`."""
    return OwnFunction(
        function=function,
        direction=direction,
        ask=partial(ask_metric, project, function, parent=parent),
        digest=source_digest(project.code, function),
        champion_digest=source_digest(champion.code, function) if champion else None,
    )


def measure(
    direction: str,
    actual: Sequence[float],
    predicted: Sequence[Sequence[float]],
    ask: Ask,
    *,
    labels: bool = False,
) -> Measured:
    """Return the losses of true values of shape (rows,) and of each model's predictions of them.

    `direction` is HIGHER for a score, whose loss is minus the score. `labels` says that the true
    values are 0 and 1. ContractError and KilledError as `ask`.
    """
    constants = _constants(actual, labels=labels)
    pairs = pairs_of(actual, predicted, constants)
    sign = -1.0 if direction == HIGHER else 1.0
    losses = {pair: sign * value for pair, value in zip(pairs, ask(pairs), strict=True)}

    def of(truths: Sequence[float], given: Sequence[float]) -> list[float]:
        return [losses[pair] for pair in zip(truths, given, strict=True)]

    def constant(truths: Sequence[float]) -> float:
        return min(constants, key=lambda value: sum(of(truths, [value] * len(truths))))

    return Measured(losses=of, constant=constant)


def pairs_of(
    actual: Sequence[float], predicted: Sequence[Sequence[float]], constants: Sequence[float]
) -> list[Pair]:
    """Return the distinct pairs to ask for, sorted."""
    pairs = set(chain.from_iterable(zip(actual, given, strict=True) for given in predicted))
    pairs.update((truth, constant) for truth in set(actual) for constant in constants)
    return sorted(pairs)


def _constants(actual: Sequence[float], *, labels: bool) -> tuple[float, ...]:
    ordered = sorted(actual)
    mean = sum(value / len(ordered) for value in ordered)
    if labels:
        return (*_PROBABILITIES, *([mean] if 0 < mean < 1 else []))
    return (mean, *(ordered[int(share * (len(ordered) - 1))] for share in _SHARES))
