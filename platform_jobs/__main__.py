"""Jobs of the platform; --help of each command names its input and output files.

Exit code 0: the result is written; it may refuse data or a model. 1: the job itself failed, so that
nothing is decided. 2: its own input is wrong.
"""

import argparse
import hashlib
import os
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from io import TextIOWrapper
from pathlib import Path

from platform_jobs.contract.walk import Rows, check_contract
from platform_jobs.errors import ContractError
from platform_jobs.files import write_json
from platform_jobs.judging.evaluate import (
    ChampionError,
    Contender,
    evaluate,
    judge,
)
from platform_jobs.limits import READER_MEMORY, limit_process, out_of_memory
from platform_jobs.models.answers import Answers
from platform_jobs.models.apart import Apart
from platform_jobs.models.asking import ask, write_answers
from platform_jobs.models.models import KilledError, Project
from platform_jobs.options import add_probes, add_rules, probes_of, rules_of
from platform_jobs.prepare import prepare
from platform_jobs.probing.probes import probe
from platform_jobs.profile import profile_table
from platform_jobs.sample import write_sample
from platform_jobs.splitting.cross_fitting import train_and_ask
from platform_jobs.tables.columns import read_columns, read_labels
from platform_jobs.tables.tables import scan_table
from platform_jobs.tables.words import Words, read_label

TIMEOUT = 1800.0
# A command does not send these signals to itself when it fails.
SENT_FROM_OUTSIDE = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL)


def main(arguments: list[str]) -> int:
    given = _parser().parse_args(arguments)
    act: Callable[[argparse.Namespace], int] = given.act
    try:
        return act(given)
    except KilledError as error:
        print(f"platform_jobs: {error}", file=sys.stderr, flush=True)
        if error.number in SENT_FROM_OUTSIDE:
            # The starter of this job sees that it was interrupted, and starts it again.
            if error.number != signal.SIGKILL:
                signal.signal(error.number, signal.SIG_DFL)
            os.kill(os.getpid(), error.number)
        return 1
    except MemoryError:
        print(f"platform_jobs: {out_of_memory()}", file=sys.stderr)
        return 2
    except (ContractError, ChampionError, OSError) as error:
        print(f"platform_jobs: {error}", file=sys.stderr)
        return 2 if isinstance(error, ContractError) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m platform_jobs", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)

    profile = commands.add_parser("profile", help="write the figures of a CSV file")
    profile.add_argument("--data", type=Path, required=True, help="the CSV file")
    profile.add_argument("--out", type=Path, required=True, help="the JSON file to write")
    profile.set_defaults(act=_profile)

    columns = commands.add_parser("columns", help="write numbers of standard input's columns")
    columns.add_argument("--out", type=Path, required=True, help="the file of doubles to write")
    columns.add_argument("names", nargs="+", help="the columns")
    columns.set_defaults(act=_columns)

    labels = commands.add_parser("labels", help="write ids and truths of standard input")
    labels.add_argument("--target", required=True, help="the column of truths")
    labels.add_argument("--out", type=Path, required=True, help="the JSON file to write")
    labels.set_defaults(act=_labels)

    split = commands.add_parser("prepare", help="write figures, seen and held-out rows")
    split.add_argument("--data", type=Path, required=True, help="the CSV file that arrived")
    split.add_argument("--digest", help="SHA-256 that the file must have")
    split.add_argument("--target", required=True, help="the column to predict")
    split.add_argument("--key", required=True, help="name of the model; decides the split")
    split.add_argument("--group", default="", help="column whose equal cells stay together")
    split.add_argument("--folds", type=int, default=1, help="1 holds out a fifth of the rows")
    split.add_argument("--out", type=Path, required=True, help="the folder to write")
    split.add_argument(
        "--column", action="append", default=[], help="a column of mlops.toml, in its order"
    )
    split.add_argument("--reference", type=Path, help="earlier data to compare the file with")
    split.add_argument("--reference-digest", default="", help="SHA-256 that it must have")
    _add_words(split)
    split.set_defaults(act=_prepare)

    judge = commands.add_parser("evaluate", help="let models answer the held-out rows")
    judge.add_argument("--held-out", type=Path, required=True, help="folder of held-out rows")
    judge.add_argument("--module", required=True, help="module with the model's commands")
    judge.add_argument("--timeout", type=float, default=TIMEOUT, help="of each command, seconds")
    for name, needed in (("challenger", True), ("champion", False)):
        judge.add_argument(f"--{name}", type=Path, required=needed, help=f"the {name}'s folder")
        judge.add_argument(f"--{name}-code", type=Path, default=Path(), help="and its code")
    judge.add_argument("--champion-digest", default="", help="that the champion's folder must have")
    _add_memory(judge)
    judge.add_argument("--out", type=Path, required=True, help="the folder to write")
    judge.add_argument(
        "--trusted-type", action="append", default=[], help="a type that a skops file may hold"
    )
    judge.add_argument(
        "--seen", type=Path, help="folder with the rows of the training of each fold"
    )
    judge.add_argument("--isolation", default="", help="level of the sandbox of the commands")
    judge.add_argument("--network", action="store_true", help="for trainings in the sandbox")
    judge.add_argument("--hide", type=Path, action="append", default=[], help="from predict")
    judge.add_argument("--show", type=Path, action="append", default=[], help="to predict")
    add_rules(judge)
    add_probes(judge)
    judge.set_defaults(act=_evaluate)

    asking = commands.add_parser("ask", help="let one model answer features, judged elsewhere")
    _add_project(asking)
    asking.add_argument("--name", required=True, help="of the model in texts")
    model = asking.add_mutually_exclusive_group(required=True)
    model.add_argument("--model", type=Path, help="the model's folder")
    model.add_argument("--rows", type=Path, help="rows to train a model on for these answers alone")
    asking.add_argument("--digest", default="", help="that the model's folder must have")
    asking.add_argument("--key", default="", help="hex digits that seal the answers")
    asking.add_argument("--asked", type=Path, required=True, help="folder of features")
    asking.add_argument("--out", type=Path, required=True, help="the folder to write")
    add_probes(asking)
    asking.set_defaults(act=_ask)

    compute = commands.add_parser(
        "judge", help="judge the answers of `ask` without loading a model"
    )
    compute.add_argument("--held-out", type=Path, required=True, help="folder of held-out rows")
    compute.add_argument("--challenger", type=Path, required=True, help="the challenger's folder")
    compute.add_argument(
        "--answers", type=Path, required=True, help="folder of the challenger's answers"
    )
    compute.add_argument("--champion-answers", type=Path, help="folder of the champion's answers")
    _add_memory(compute)
    compute.add_argument("--key", default="", help="that sealed the challenger's answers")
    compute.add_argument("--champion-key", default="", help="that sealed the champion's answers")
    compute.add_argument(
        "--fold-answers", type=Path, action="append", default=[], help="of each fold, in order"
    )
    compute.add_argument("--fold-key", action="append", default=[], help="that sealed them")
    compute.add_argument("--out", type=Path, required=True, help="the folder to write")
    compute.add_argument("--trusted-type", action="append", default=[], help="as of evaluate")
    add_rules(compute)
    add_probes(compute)
    compute.set_defaults(act=_judge)

    sample = commands.add_parser("sample", help="write a project's sample data and its figures")
    _add_project(sample)
    sample.add_argument("--out", type=Path, required=True, help="the folder to write")
    sample.set_defaults(act=_sample)

    contract = commands.add_parser("contract", help="check a model project step by step")
    _add_project(contract)
    contract.add_argument("--data", type=Path, help="a CSV file; the project's own sample without")
    contract.add_argument("--target", default="", help="the column to predict; the last without")
    contract.add_argument("--column", action="append", default=[], help="that it must have")
    contract.add_argument("--trusted-type", action="append", default=[], help="as of evaluate")
    contract.add_argument("--train-once", action="store_true", help="compare no second training")
    _add_words(contract)
    contract.add_argument("--group", default="", help="column whose equal cells stay together")
    contract.set_defaults(act=_contract)
    return parser


def _add_words(parser: argparse.ArgumentParser) -> None:
    for name, noun in (
        ("label", "a label of the target"),
        ("category", "a column of categories"),
        ("text", "a column of texts"),
    ):
        parser.add_argument(f"--{name}", action="append", default=[], help=noun)


def _words(given: argparse.Namespace) -> Words:
    return Words(
        labels=tuple(read_label(label) for label in given.label),
        categories=tuple(given.category),
        texts=tuple(given.text),
    )


def _add_memory(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--champion-evaluation", type=Path, help="folder of the evaluation of the champion"
    )


def _add_project(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--module", required=True, help="module with the model's commands")
    parser.add_argument("--code", type=Path, default=Path(), help="folder that holds the module")
    parser.add_argument("--timeout", type=float, default=TIMEOUT, help="of each command, seconds")


def _profile(given: argparse.Namespace) -> int:
    limit_process()
    write_json(given.out, profile_table(scan_table(given.data)))
    return 0


def _columns(given: argparse.Namespace) -> int:
    limit_process(READER_MEMORY)
    with given.out.open("wb") as out:
        for column in read_columns(_standard_input(), given.names):
            column.tofile(out)
    return 0


def _labels(given: argparse.Namespace) -> int:
    limit_process(READER_MEMORY)
    write_json(given.out, read_labels(_standard_input(), given.target))
    return 0


def _standard_input() -> TextIOWrapper:
    return TextIOWrapper(sys.stdin.buffer, encoding="utf-8-sig", errors="replace", newline="")


def _prepare(given: argparse.Namespace) -> int:
    limit_process()
    if given.digest and _digest(given.data) != given.digest:
        raise ContractError(f"{given.data} was changed after it was kept. Send the file again.")
    if given.reference_digest and _digest(given.reference) != given.reference_digest:
        raise ContractError(
            f"{given.reference}, the reference data, was changed after it was kept. Restore it."
        )
    content = prepare(
        given.data,
        given.target,
        given.key,
        given.out,
        given.column,
        given.reference,
        words=_words(given),
        group=given.group,
        folds=given.folds,
    )
    print(content["refused"] or f"{content['profile']['rows']} rows")
    return 0


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _evaluate(given: argparse.Namespace) -> int:
    apart = None
    if given.isolation:
        apart = Apart(given.isolation, tuple(given.hide), tuple(given.show), given.network)

    def contender(name: str) -> Contender | None:
        model: Path | None = getattr(given, name)
        if model is None:
            return None
        code: Path = getattr(given, f"{name}_code")
        project = Project(
            name=f"The {name}",
            code=code.resolve(),
            module=given.module,
            timeout=given.timeout,
            apart=apart,
        )
        if name == "challenger":
            return Contender(project=project, model=model)
        digest, evaluation = given.champion_digest, given.champion_evaluation
        return Contender(project=project, model=model, digest=digest, evaluation=evaluation)

    challenger = contender("challenger")
    assert challenger is not None  # argparse requires it
    content = evaluate(
        given.held_out,
        challenger,
        contender("champion"),
        given.out,
        rules_of(given),
        given.trusted_type,
        seen=given.seen,
        probes=probes_of(given),
    )
    print(content["refused"] or "The models answered.")
    return 0


def _ask(given: argparse.Namespace) -> int:
    project = replace(_project(given), name=given.name)
    if given.rows:

        def answer(data: Path, rows: int, folder: Path, labels: Sequence[str]) -> Answers:
            return train_and_ask(project, given.rows, data, rows, folder, labels)

        content = write_answers(answer, given.asked, given.out, given.key)
    else:
        model, digest = given.model, given.digest
        content = ask(
            project,
            model,
            given.asked,
            given.out,
            digest=digest,
            key=given.key,
            measure=partial(probe, project, probes_of(given)),
        )
    print(content["refused"] or "The model answered.")
    return 0


def _judge(given: argparse.Namespace) -> int:
    content = judge(
        given.held_out,
        given.challenger,
        given.answers,
        given.champion_answers,
        given.out,
        rules_of(given),
        given.trusted_type,
        key=given.key,
        champion_key=given.champion_key,
        champion_evaluation=given.champion_evaluation,
        fold_answers=given.fold_answers,
        fold_keys=given.fold_key,
        probes=probes_of(given),
    )
    print(content["refused"] or "The answers were judged.")
    return 0


def _sample(given: argparse.Namespace) -> int:
    content = write_sample(_project(given), given.out)
    print(content["refused"] or f"{content['profile']['rows']} rows")
    return 0


def _contract(given: argparse.Namespace) -> int:
    rows = Rows(
        data=given.data.resolve() if given.data else None,
        target=given.target,
        group=given.group,
        columns=tuple(given.column),
        words=_words(given),
        trusted_types=tuple(given.trusted_type),
    )
    passed = check_contract(_project(given), rows, _say, again=not given.train_once)
    return 0 if passed else 1


def _say(line: str) -> None:
    print(line, flush=True)


def _project(given: argparse.Namespace) -> Project:
    return Project(
        name=given.module, code=given.code.resolve(), module=given.module, timeout=given.timeout
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
