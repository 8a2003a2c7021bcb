"""The commands of the jobs, and their options."""

import argparse
from collections.abc import Callable
from pathlib import Path

from platform_jobs.argument_types import count, key, own_function
from platform_jobs.options import (
    add_direction,
    add_memory,
    add_probes,
    add_program,
    add_project,
    add_rules,
    add_timeout,
    add_words,
)

AddParser = Callable[..., argparse.ArgumentParser]


def make_parser(description: str) -> argparse.ArgumentParser:
    """Return the parser; `command` of its result is the name of the command."""
    parser = argparse.ArgumentParser(prog="python -m platform_jobs", description=description)
    commands = parser.add_subparsers(dest="command", required=True)
    for add in (
        _add_profile,
        _add_columns,
        _add_labels,
        _add_prepare,
        _add_evaluate,
        _add_ask,
        _add_judge,
        _add_metric,
        _add_sample,
        _add_contract,
    ):
        add(commands.add_parser)
    return parser


def _add_profile(add_parser: AddParser) -> None:
    command = add_parser("profile", help="write the figures of a CSV file")
    command.add_argument("--data", type=Path, required=True, help="the CSV file")
    command.add_argument("--out", type=Path, required=True, help="the JSON file to write")


def _add_columns(add_parser: AddParser) -> None:
    command = add_parser("columns", help="write numbers of standard input's columns")
    command.add_argument("--out", type=Path, required=True, help="the file of doubles to write")
    command.add_argument("names", nargs="+", help="the columns")


def _add_labels(add_parser: AddParser) -> None:
    command = add_parser("labels", help="write ids and truths of standard input")
    command.add_argument("--target", required=True, help="the column of truths")
    command.add_argument("--out", type=Path, required=True, help="the JSON file to write")


def _add_prepare(add_parser: AddParser) -> None:
    command = add_parser("prepare", help="write figures, seen and held-out rows")
    command.add_argument("--data", type=Path, required=True, help="the CSV file that arrived")
    command.add_argument("--digest", help="SHA-256 that the file must have")
    command.add_argument("--target", required=True, help="the column to predict")
    command.add_argument("--key", required=True, help="name of the model; decides the split")
    command.add_argument("--group", default="", help="column whose equal cells stay together")
    command.add_argument(
        "--folds", type=count, default=1, help="1 holds out a fifth of the rows; more cross-fit"
    )
    command.add_argument("--out", type=Path, required=True, help="the folder to write")
    command.add_argument(
        "--column", action="append", default=[], help="a column of mlops.toml, in its order"
    )
    command.add_argument("--reference", type=Path, help="earlier data to compare the file with")
    command.add_argument(
        "--reference-digest", default="", help="SHA-256 that --reference must have"
    )
    add_words(command)


def _add_evaluate(add_parser: AddParser) -> None:
    command = add_parser("evaluate", help="let models answer the held-out rows")
    command.add_argument("--held-out", type=Path, required=True, help="folder of held-out rows")
    add_program(command)
    add_timeout(command)
    for name, needed in (("challenger", True), ("champion", False)):
        command.add_argument(f"--{name}", type=Path, required=needed, help=f"the {name}'s folder")
        command.add_argument(
            f"--{name}-code", type=Path, default=Path(), help=f"folder of the {name}'s code"
        )
    command.add_argument(
        "--champion-digest", default="", help="digest that the champion's folder must have"
    )
    add_memory(command)
    command.add_argument("--out", type=Path, required=True, help="the folder to write")
    command.add_argument(
        "--trusted-type", action="append", default=[], help="a type that a skops file may hold"
    )
    command.add_argument(
        "--seen", type=Path, help="folder with the rows of the training of each fold"
    )
    command.add_argument("--isolation", default="", help="level of the sandbox of the commands")
    command.add_argument(
        "--network", action="store_true", help="let sandboxed trainings use the network"
    )
    command.add_argument(
        "--hide", type=Path, action="append", default=[], help="path that the sandbox hides"
    )
    command.add_argument(
        "--show", type=Path, action="append", default=[], help="path that the sandbox shows"
    )
    command.add_argument(
        "--forks", type=Path, help="socket of a server that forks the sandboxed commands"
    )
    add_rules(command)
    add_probes(command)


def _add_ask(add_parser: AddParser) -> None:
    command = add_parser("ask", help="let one model answer features, judged elsewhere")
    add_project(command)
    command.add_argument("--name", required=True, help="name of the model in texts")
    model = command.add_mutually_exclusive_group(required=True)
    model.add_argument("--model", type=Path, help="the model's folder")
    model.add_argument("--rows", type=Path, help="rows to train a model on for these answers alone")
    command.add_argument("--digest", default="", help="digest that the model's folder must have")
    command.add_argument("--key", type=key, default="", help="hex digits that seal the answers")
    command.add_argument("--asked", type=Path, required=True, help="folder of features")
    command.add_argument("--out", type=Path, required=True, help="the folder to write")
    add_probes(command)


def _add_judge(add_parser: AddParser) -> None:
    command = add_parser("judge", help="judge the answers of `ask` without loading a model")
    command.add_argument("--held-out", type=Path, required=True, help="folder of held-out rows")
    command.add_argument("--challenger", type=Path, required=True, help="the challenger's folder")
    command.add_argument(
        "--answers", type=Path, required=True, help="folder of the challenger's answers"
    )
    command.add_argument("--champion-answers", type=Path, help="folder of the champion's answers")
    add_memory(command)
    command.add_argument(
        "--key", type=key, default="", help="key that sealed the challenger's answers"
    )
    command.add_argument(
        "--champion-key", type=key, default="", help="key that sealed the champion's answers"
    )
    command.add_argument(
        "--fold-answers",
        type=Path,
        action="append",
        default=[],
        help="folder of a fold's answers; give it for each fold, in order",
    )
    command.add_argument(
        "--fold-key", type=key, action="append", default=[], help="key that sealed them"
    )
    command.add_argument(
        "--pairs", type=Path, help="write the pairs that a metric is asked for here, and end"
    )
    command.add_argument("--values", type=Path, help="folder of the values that a metric gave them")
    command.add_argument("--values-key", type=key, default="", help="key that sealed the values")
    command.add_argument("--out", type=Path, required=True, help="the folder to write")
    command.add_argument(
        "--trusted-type", action="append", default=[], help="a type that a skops file may hold"
    )
    add_rules(command)
    add_probes(command)


def _add_metric(add_parser: AddParser) -> None:
    command = add_parser("metric", help="let a metric of a model's code value pairs")
    command.add_argument("function", type=own_function, help="package.module:function")
    command.add_argument("--code", type=Path, required=True, help="folder of the code")
    command.add_argument("--champion-code", type=Path, help="folder of the champion's code")
    command.add_argument("--asked", type=Path, required=True, help="folder of pairs")
    command.add_argument("--out", type=Path, required=True, help="the folder to write")
    command.add_argument("--key", type=key, required=True, help="hex digits that seal the values")
    add_timeout(command)


def _add_sample(add_parser: AddParser) -> None:
    command = add_parser("sample", help="write a project's sample data and its figures")
    add_project(command)
    command.add_argument("--out", type=Path, required=True, help="the folder to write")


def _add_contract(add_parser: AddParser) -> None:
    command = add_parser("contract", help="check a model project step by step")
    add_project(command)
    command.add_argument("--data", type=Path, help="a CSV file; by default the project's sample")
    command.add_argument(
        "--target", default="", help="the column to predict; by default the last column"
    )
    command.add_argument(
        "--column", action="append", default=[], help="a column that the file must have, in order"
    )
    command.add_argument(
        "--trusted-type", action="append", default=[], help="a type that a skops file may hold"
    )
    command.add_argument(
        "--train-once", action="store_true", help="train once, and compare no second training"
    )
    add_words(command)
    command.add_argument("--group", default="", help="column whose equal cells stay together")
    command.add_argument(
        "--metric",
        type=own_function,
        help="metric of the model's code that is called, too: package.module:function",
    )
    add_direction(command)
