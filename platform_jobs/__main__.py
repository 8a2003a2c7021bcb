"""Jobs of the platform; --help of each command names its input and output files.

Exit code 0: the result is written; it may refuse data or a model. 1: the job itself failed, so that
nothing is decided. 2: its own input is wrong.
"""

import argparse
import os
import signal
import sys
from array import array
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from io import BufferedReader, BytesIO, FileIO, TextIOWrapper
from pathlib import Path
from typing import IO

from platform_jobs.contract.walk import Rows, check_contract
from platform_jobs.errors import ContractError
from platform_jobs.files import file_digest, write_json
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
from platform_jobs.options import check_direction, probes_of, rules_of, words_of
from platform_jobs.own_metric.exchange import (
    PairsWritten,
    answered,
    asking_later,
    call,
    write_pairs,
)
from platform_jobs.own_metric.function import is_function
from platform_jobs.own_metric.measure import OwnFunction
from platform_jobs.parser import make_parser
from platform_jobs.prepare import prepare
from platform_jobs.probing.probes import probe
from platform_jobs.profile import profile_table
from platform_jobs.sample import write_sample
from platform_jobs.splitting.cross_fitting import train_and_ask
from platform_jobs.tables.columns import read_columns, read_labels
from platform_jobs.tables.parquet import MAGIC, is_parquet, read_parquet_columns
from platform_jobs.tables.parts import MAGIC as ZIP
from platform_jobs.tables.parts import is_parts, read_parts
from platform_jobs.tables.tables import scan_table

# A command does not send these signals to itself when it fails.
SENT_FROM_OUTSIDE = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL)


def main(arguments: list[str]) -> int:
    given = make_parser(__doc__).parse_args(arguments)
    try:
        return COMMANDS[given.command](given)
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


def _profile(given: argparse.Namespace) -> int:
    limit_process(size=_size(given.data))
    write_json(given.out, profile_table(scan_table(given.data)))
    return 0


def _columns(given: argparse.Namespace) -> int:
    limit_process(READER_MEMORY, size=os.fstat(sys.stdin.fileno()).st_size)
    with given.out.open("wb") as out:
        for column in _read_columns(_standard_input(), given.names):
            column.tofile(out)
    return 0


def _labels(given: argparse.Namespace) -> int:
    limit_process(READER_MEMORY)
    write_json(given.out, read_labels(_text(_standard_input()), given.target))
    return 0


def _size(path: Path | None) -> int:
    """Return the size of a file in bytes, 0 without one: its reader names the fault."""
    try:
        return path.stat().st_size if path else 0
    except OSError:
        return 0


def _standard_input() -> BufferedReader:
    return BufferedReader(FileIO(sys.stdin.fileno(), closefd=False))


def _read_columns(file: BufferedReader, names: Sequence[str]) -> "list[array[float]]":
    """Return the columns of a CSV, of a Parquet file, or of an archive of parts."""
    if file.peek(len(ZIP)).startswith(ZIP) and is_parts(content := file.read()):
        joined = [array("d") for _ in names]
        for name, part in read_parts(content):
            if not part:
                continue
            try:
                if is_parts(part):
                    raise ContractError("It is an archive of parts itself.")
                columns = _read_columns(BufferedReader(BytesIO(part)), names)
            except ContractError as error:
                raise ContractError(f"{name}: {error}") from None
            for column, more in zip(joined, columns, strict=True):
                column.extend(more)
        return joined
    if not file.peek(len(MAGIC)).startswith(MAGIC):
        return read_columns(_text(file), names)
    content = file.read()
    if is_parquet(content):
        return read_parquet_columns(content, names)
    return read_columns(_text(BytesIO(content)), names)


def _text(file: IO[bytes]) -> TextIOWrapper:
    return TextIOWrapper(file, encoding="utf-8-sig", errors="replace", newline="")


def _prepare(given: argparse.Namespace) -> int:
    limit_process(size=max(_size(given.data), _size(given.reference)))
    if given.digest and file_digest(given.data) != given.digest:
        raise ContractError(f"{given.data} was changed after it was kept. Send the file again.")
    if given.reference_digest and not given.reference:
        raise ContractError("--reference-digest has no file. Give it by --reference.")
    if given.reference_digest and file_digest(given.reference) != given.reference_digest:
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
        words=words_of(given),
        group=given.group,
        folds=given.folds,
    )
    print(content["refused"] or f"{content['profile']['rows']} rows")
    return 0


def _evaluate(given: argparse.Namespace) -> int:
    apart = None
    if given.isolation:
        apart = Apart(
            given.isolation, tuple(given.hide), tuple(given.show), given.network, given.forks
        )

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
            command=given.program,
            apart=apart,
            server=apart.shared() if apart else None,
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
    rules = rules_of(given)
    own: OwnFunction | None = None
    if is_function(rules.metric) and given.pairs:
        own = asking_later(rules.metric, rules.direction, given.pairs)
    elif is_function(rules.metric):
        if not (given.values and given.values_key):
            raise ContractError(f"The metric {rules.metric} needs --values and --values-key.")
        own = answered(rules.metric, rules.direction, given.values, given.values_key)
    try:
        content = judge(
            given.held_out,
            given.challenger,
            given.answers,
            given.champion_answers,
            given.out,
            rules,
            given.trusted_type,
            key=given.key,
            champion_key=given.champion_key,
            champion_evaluation=given.champion_evaluation,
            fold_answers=given.fold_answers,
            fold_keys=given.fold_key,
            probes=probes_of(given),
            own=own,
        )
    except PairsWritten:
        print("The pairs were written.")
        return 0
    if given.pairs:
        # There is nothing to compare, so that the job that judges says why.
        write_pairs(given.pairs, [])
    print(content["refused"] or "The answers were judged.")
    return 0


def _metric(given: argparse.Namespace) -> int:
    project = Project(
        name="The challenger", code=given.code.resolve(), module="", timeout=given.timeout
    )
    content = call(project, given.champion_code, given.function, given.asked, given.out, given.key)
    print(content["refused"] or "The metric gave its values.")
    return 0


def _sample(given: argparse.Namespace) -> int:
    content = write_sample(_project(given), given.out)
    print(content["refused"] or f"{content['profile']['rows']} rows")
    return 0


def _contract(given: argparse.Namespace) -> int:
    if given.metric:
        check_direction(given)
    rows = Rows(
        data=given.data.resolve() if given.data else None,
        target=given.target,
        group=given.group,
        columns=tuple(given.column),
        words=words_of(given),
        trusted_types=tuple(given.trusted_type),
        metric=given.metric or "",
        direction=given.direction,
    )
    passed = check_contract(_project(given), rows, _say, again=not given.train_once)
    return 0 if passed else 1


def _say(line: str) -> None:
    print(line, flush=True)


def _project(given: argparse.Namespace) -> Project:
    return Project(
        name=given.module,
        code=given.code.resolve(),
        module=given.module,
        timeout=given.timeout,
        command=given.program,
    )


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "profile": _profile,
    "columns": _columns,
    "labels": _labels,
    "prepare": _prepare,
    "evaluate": _evaluate,
    "ask": _ask,
    "judge": _judge,
    "metric": _metric,
    "sample": _sample,
    "contract": _contract,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
