"""Options of the commands that compare and measure models."""

import argparse

from platform_jobs.judging.evaluate import ComparisonRules
from platform_jobs.judging.metrics import NAMES
from platform_jobs.probing.probes import Probes


def add_rules(parser: argparse.ArgumentParser) -> None:
    """Add the options of a comparison."""
    rules = ComparisonRules()
    parser.add_argument(
        "--level", type=_level, default=rules.level, help="error of each bound of the gain"
    )
    parser.add_argument(
        "--look", type=int, default=rules.look, help="number among the model's comparisons"
    )
    parser.add_argument("--metric", choices=NAMES, default=rules.metric, help="of the losses")
    parser.add_argument("--quantile", type=float, default=rules.quantile, help="of pinball")
    parser.add_argument("--beta", type=float, default=rules.beta, help="of f_beta")
    parser.add_argument("--slice", action="append", default=[], help="a column of groups")


def _level(text: str) -> float:
    level = float(text)
    # Written so that NaN is refused.
    if not 0.0 < level <= 0.5:
        raise argparse.ArgumentTypeError(f"{text} is not above 0 and at most 0.5")
    return level


def add_probes(parser: argparse.ArgumentParser) -> None:
    """Add the options of the measurements of a model."""
    parser.add_argument("--size", action="store_true", help="measure the model folder")
    parser.add_argument("--time", action="store_true", help="measure predict")
    for direction in ("increasing", "decreasing"):
        parser.add_argument(f"--{direction}", action="append", default=[], help="with this column")
    parser.add_argument("--tolerance", type=float, default=0.0, help="of moves back, as a share")


def rules_of(given: argparse.Namespace) -> ComparisonRules:
    """Return the rules of a comparison that the options give."""
    return ComparisonRules(
        level=given.level,
        look=given.look,
        metric=given.metric,
        quantile=given.quantile,
        beta=given.beta,
        slices=tuple(given.slice),
    )


def probes_of(given: argparse.Namespace) -> Probes:
    """Return the measurements that the options ask for."""
    return Probes(
        size=given.size,
        time=given.time,
        increasing=tuple(given.increasing),
        decreasing=tuple(given.decreasing),
        tolerance=given.tolerance,
    )
