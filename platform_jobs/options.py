"""Options that several commands share."""

import argparse
from pathlib import Path

from platform_jobs.argument_types import (
    command_words,
    level,
    metric,
    number_or_zero,
    part,
    seconds,
    share,
)
from platform_jobs.errors import ContractError
from platform_jobs.judging.comparison import ComparisonRules
from platform_jobs.judging.metrics import metric_of
from platform_jobs.own_metric.function import DIRECTIONS, is_function
from platform_jobs.probing.probes import Probes
from platform_jobs.tables.words import Words, read_label

TIMEOUT = 1800.0


def add_project(parser: argparse.ArgumentParser) -> None:
    """Add the options of a model project."""
    add_program(parser)
    parser.add_argument("--code", type=Path, default=Path(), help="folder that holds the module")
    add_timeout(parser)


def add_program(parser: argparse.ArgumentParser) -> None:
    """Add the options of the program that runs a model's commands."""
    parser.add_argument("--module", required=True, help="module with the model's commands")
    parser.add_argument(
        "--command",
        dest="program",
        type=command_words,
        default=(),
        metavar="TEXT",
        help="words that run them in the module's folder instead, such as 'sh train.sh'",
    )


def add_timeout(parser: argparse.ArgumentParser) -> None:
    """Add the limit of the commands of a model."""
    parser.add_argument(
        "--timeout", type=seconds, default=TIMEOUT, help="limit of each command, in seconds"
    )


def add_words(parser: argparse.ArgumentParser) -> None:
    """Add the options of columns whose cells may be words."""
    for name, noun in (
        ("label", "a label of the target"),
        ("category", "a column of categories"),
        ("text", "a column of texts"),
        ("date", "a column of dates"),
        ("future-date", "a column of dates that may lie in the future"),
    ):
        parser.add_argument(f"--{name}", action="append", default=[], help=noun)


def words_of(given: argparse.Namespace) -> Words:
    """Return the columns of words and dates that the options name."""
    return Words(
        labels=tuple(read_label(label) for label in given.label),
        categories=tuple(given.category),
        texts=tuple(given.text),
        dates=tuple(given.date),
        future_dates=tuple(given.future_date),
    )


def add_memory(parser: argparse.ArgumentParser) -> None:
    """Add the option of the champion's evaluation."""
    parser.add_argument(
        "--champion-evaluation", type=Path, help="folder of the evaluation of the champion"
    )


def add_rules(parser: argparse.ArgumentParser) -> None:
    """Add the options of a comparison."""
    rules = ComparisonRules()
    parser.add_argument(
        "--level", type=level, default=rules.level, help="error of each bound of the gain"
    )
    parser.add_argument(
        "--look",
        type=number_or_zero,
        default=rules.look,
        help="number among the model's comparisons",
    )
    parser.add_argument(
        "--metric",
        type=metric,
        default=rules.metric,
        help="metric by which models are compared; package.module:function of the model's code",
    )
    add_direction(parser)
    parser.add_argument(
        "--quantile", type=float, default=rules.quantile, help="quantile of the metric pinball"
    )
    parser.add_argument("--beta", type=float, default=rules.beta, help="beta of the metric f_beta")
    parser.add_argument(
        "--needed-share",
        type=part,
        default=rules.needed_share,
        help="share of the champion's loss that a gain must exceed",
    )
    parser.add_argument(
        "--slice", action="append", default=[], help="column whose groups are compared, too"
    )


def add_direction(parser: argparse.ArgumentParser) -> None:
    """Add the option of the direction of an own metric."""
    parser.add_argument(
        "--direction",
        choices=("", *DIRECTIONS),
        default="",
        help="which values of a metric of the model's code are better",
    )


def add_probes(parser: argparse.ArgumentParser) -> None:
    """Add the options of the measurements of a model."""
    parser.add_argument("--size", action="store_true", help="measure the model folder")
    parser.add_argument("--time", action="store_true", help="measure the time of predict")
    for direction, verb in (("increasing", "rise"), ("decreasing", "fall")):
        parser.add_argument(
            f"--{direction}",
            action="append",
            default=[],
            help=f"column with which predictions must {verb}",
        )
    parser.add_argument(
        "--tolerance",
        type=share,
        default=0.0,
        help="allowed move against a direction, as a share of the range of the true values",
    )


def rules_of(given: argparse.Namespace) -> ComparisonRules:
    """Return the rules of a comparison; ContractError when a metric's number is out of range."""
    if is_function(given.metric):
        check_direction(given)
    else:
        try:
            metric_of(given.metric, given.quantile, given.beta)
        except ValueError as error:
            raise ContractError(str(error)) from None
    return ComparisonRules(
        level=given.level,
        look=given.look,
        metric=given.metric,
        quantile=given.quantile,
        beta=given.beta,
        slices=tuple(given.slice),
        needed_share=given.needed_share,
        direction=given.direction,
    )


def check_direction(given: argparse.Namespace) -> None:
    """Raise ContractError when a metric of the model's code has no direction."""
    if not given.direction:
        raise ContractError(
            f"The metric {given.metric} has no direction. Give it: --direction lower or higher."
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
