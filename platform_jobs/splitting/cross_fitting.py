"""Cross-fitting: each row is answered by a model that was trained without its fold.

Chernozhukov and others 2018, "Double/debiased machine learning for treatment and structural
parameters", section 3; Hastie, Tibshirani and Friedman 2009, section 7.10 (K-fold
cross-validation).
"""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from platform_jobs.errors import ContractError
from platform_jobs.files import check_plain
from platform_jobs.models.answers import Answers
from platform_jobs.models.asking import check_written, read_answers
from platform_jobs.models.models import Project
from platform_jobs.scratch import scratch_folder
from platform_jobs.splitting.held_out import ROWS, HeldOut
from platform_jobs.tables.tables import Table, write_table

# Trainings on fewer bytes of rows run side by side; larger ones may need the whole memory.
SMALL = 16 << 20


def cross_fit(project: Project, seen: Path, rows: HeldOut, out: Path) -> Answers:
    """Return the answer to each judging row by the model of its fold, shape (rows,).

    `seen` is the folder of `prepare` with the rows of all trainings. Each training sees its own
    rows only. ContractError and KilledError as by `Project.train` and `Project.predict`.
    """
    count = rows.fold_count
    out.mkdir(parents=True, exist_ok=True)
    with (
        scratch_folder(out.resolve()) as folder,
        project.forked() as forked,
        ThreadPoolExecutor(_workers(seen, count)) as pool,
    ):
        waiting = [
            pool.submit(_answer, forked, fold, seen, rows, folder / str(fold))
            for fold in range(count)
        ]
        try:
            answered = [answer.result() for answer in waiting]
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return merge(rows.hashes.folds, answered)


def read_cross_fitted(folders: Sequence[Path], keys: Sequence[str], rows: HeldOut) -> Answers:
    """Return the answers of all folds, as `cross_fit` does, from the sealed answers of their jobs.

    ContractError when a job's model broke the contract, or when a fold lacks its job; ChangedError
    when other code wrote the answers.
    """
    count = rows.fold_count
    if not len(folders) == len(keys) == count:
        raise ContractError(
            f"There are {len(folders)} folders of answers and {len(keys)} keys, and the rows have "
            f"{count} folds. Give both for each fold, in order: --fold-answers, --fold-key."
        )
    answered = [
        read_answers(
            folder, rows.hashes.folds.count(fold), fold_name(fold, count), key, rows.labels
        )
        for fold, (folder, key) in enumerate(zip(folders, keys, strict=True))
    ]
    return merge(rows.hashes.folds, answered)


def fold_name(fold: int, count: int) -> str:
    """Return the name of the model of a fold in texts; `fold` is counted from 0."""
    return f"The challenger trained without fold {fold + 1} of {count}"


def merge(folds: Sequence[int], answered: Sequence[Answers]) -> Answers:
    """Return the answers of all folds in the order of the rows."""
    numbers = [iter(answers.numbers) for answers in answered]
    labels = [iter(answers.labels) for answers in answered]
    rows = [iter(answers.probabilities) for answers in answered]
    return Answers(
        numbers=[next(numbers[fold]) for fold in folds],
        labels=[next(labels[fold]) for fold in folds] if answered[0].labels else (),
        probabilities=[next(rows[fold]) for fold in folds] if answered[0].probabilities else (),
    )


def _workers(seen: Path, count: int) -> int:
    small = all((seen / str(fold + 1) / ROWS).stat().st_size < SMALL for fold in range(count))
    return min(count, os.cpu_count() or 1) if small else 1


def _answer(project: Project, fold: int, seen: Path, rows: HeldOut, folder: Path) -> Answers:
    named = replace(project, name=fold_name(fold, rows.fold_count))
    asked = tuple(
        row for row, own in zip(rows.features.rows, rows.hashes.folds, strict=True) if own == fold
    )
    data = folder / "asked" / "features.csv"
    data.parent.mkdir(parents=True)
    write_table(data, Table(columns=rows.features.columns, rows=asked))
    return train_and_ask(named, seen / str(fold + 1), data, len(asked), folder, rows.labels)


def train_and_ask(
    project: Project,
    rows: Path,
    features: Path,
    count: int,
    folder: Path,
    labels: Sequence[str] = (),
) -> Answers:
    """Train a model on `rows` in `folder`; return its answers to the `count` rows of `features`.

    The model is used for these answers only. `labels` are the labels of the target, () for numbers.
    ContractError and KilledError as by `Project.train` and `Project.predict`.
    """
    model, said, scratch = folder / "model", folder / "said", folder / "tmp"
    for made in (model, said, scratch):
        made.mkdir(parents=True)
    project.train(rows.resolve(), model, scratch)
    try:
        check_plain(model)
    except ContractError as error:
        raise ContractError(f"{project.name}: {error}") from None
    check_written(model, project.name)
    return project.predict(model, features, count, said / "answer.csv", labels)
