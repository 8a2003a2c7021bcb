"""Lets a model answer rows in a job of its own, which sees features only and judges nothing."""

import hashlib
import hmac
import json
import math
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from platform_jobs.errors import AnswerError, ChangedError, ContractError
from platform_jobs.files import folder_digest, has_files, write_json
from platform_jobs.models.answers import MOST_TIMES, Answers
from platform_jobs.models.models import Project
from platform_jobs.scratch import scratch_folder
from platform_jobs.tables.tables import Table, read_table, write_table

ASKED, FEATURES, ANSWERS, LABELS = "asked", "features.csv", "answers.json", "labels.json"
SIZE, TIMES, VARIED, PROBABILITIES = "size", "milliseconds", "varied", "probabilities"
# Bytes of a file of answers: for its other parts, for each row, for each letter of its label, and
# for each probability of more than two labels.
_BYTES, _ROW_BYTES, _LETTER_BYTES, _PROBABILITY_BYTES = 1 << 16, 64, 12, 64
# Probabilities were scaled to a sum of 1, which rounding misses by less.
_ROUNDING = 1e-9


def write_asked(
    folder: Path, held_out: Table, target: str, group: str = "", *, labels: Sequence[str] = ()
) -> None:
    """Write the features of held-out rows, and the labels of the target, where a model may see."""
    indices = [n for n, name in enumerate(held_out.columns) if name not in (target, group)]
    folder.mkdir(parents=True, exist_ok=True)
    columns = tuple(held_out.columns[index] for index in indices)
    rows = tuple(tuple(row[index] for index in indices) for row in held_out.rows)
    write_table(folder / FEATURES, Table(columns=columns, rows=rows))
    if labels:
        write_json(folder / LABELS, list(labels))


Answer = Callable[[Path, int, Path, Sequence[str]], Answers]
# From a model folder, the features, the labels of the target and the answers to the features.
Measure = Callable[[Path, Table, Sequence[str], Answers], Answers]


def ask(
    project: Project,
    model: Path,
    asked: Path,
    out: Path,
    *,
    digest: str = "",
    key: str = "",
    measure: Measure | None = None,
) -> dict[str, object]:
    """Write the answers of a model to a folder of features as `answers.json`; return its content.

    `digest` is the digest that the model's folder must have, "" for any. `key` seals the answers:
    hex digits, "" for no seal. `measure` adds measurements. A model that breaks the contract is a
    result: `refused` says how. KilledError when a signal ended its predict.
    """

    def answer(data: Path, rows: int, folder: Path, labels: Sequence[str]) -> Answers:
        check_written(model, project.name)
        used = model
        if digest:
            # Other code may write where the model lies, so that a copy is compared and used.
            used = Path(shutil.copytree(model, folder / "model", symlinks=True))
            check_digest(used, digest, project.name)
        used = used.resolve()
        given = project.predict(used, data, rows, folder / "answer.csv", labels)
        return measure(used, read_table(data), labels, given) if measure else given

    return write_answers(answer, asked, out, key)


def write_answers(answer: Answer, asked: Path, out: Path, key: str) -> dict[str, object]:
    """Write what `answer` returns for a folder of features; return the content as `ask` does.

    `answer` takes the file of features, the number of its rows, an empty folder to use, and the
    labels of the target, () for numbers.
    """
    try:
        rows = len(read_table(asked / FEATURES).rows)
        with scratch_folder() as folder:
            given = answer((asked / FEATURES).resolve(), rows, folder, _labels(asked))
        content: dict[str, object] = {"refused": "", "answers": list(given.numbers)}
        if given.labels:
            content["labels"] = list(given.labels)
        if given.probabilities:
            content[PROBABILITIES] = list(given.probabilities)
        content |= _measured(given)
        if key:
            content["seal"] = _seal(key, given)
    except ContractError as error:
        content = {"refused": str(error), "answers": []}
        if isinstance(error, AnswerError):
            content["invalid"] = True
            if key:
                content["seal"] = _seal(key, str(error))
    write_json(out / ANSWERS, content)
    return content


def check_digest(model: Path, digest: str, name: str) -> None:
    """Raise ChangedError unless the model's folder has the digest with which it was registered."""
    seen = folder_digest(model)
    if seen != digest:
        raise ChangedError(
            f"{name}: its model folder was changed after it was registered: its digest is "
            f"{seen[:12]}, not {digest[:12]}. Find out which code wrote it; then restore it, "
            "or release a version that is unchanged."
        )


def check_written(model: Path, name: str) -> None:
    """Raise ContractError unless a training wrote a file into its model folder."""
    if not has_files(model):
        raise ContractError(f"{name}: train wrote no file into its model folder (--out).")


def _labels(asked: Path) -> tuple[str, ...]:
    path = asked / LABELS
    return tuple(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else ()


def read_answers(
    folder: Path,
    rows: int,
    name: str,
    key: str = "",
    labels: Sequence[str] = (),
    varied: int = 0,
) -> Answers:
    """Return the answers to the rows, and to `varied` more rows, from a folder that `ask` wrote.

    The folder is written where the model's code runs, so that it may hold anything. ContractError
    when the model broke the contract, or when the folder does not hold its answers; AnswerError
    when it answered an impossible value, which needs the seal, because a champion that did so is
    not compared; ChangedError when answers lack the seal of this key: other code wrote them.
    """
    path = folder / ANSWERS
    of_row = _ROW_BYTES + _LETTER_BYTES * max(map(len, labels), default=0)
    of_row += _PROBABILITY_BYTES * len(labels)
    try:
        if path.is_symlink() or path.stat().st_size > _BYTES + of_row * (rows + varied):
            raise ValueError
        content = json.loads(path.read_text(encoding="utf-8"))
        refused, answers = content["refused"], content["answers"]
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        raise ContractError(f"{name}: its answers are missing or no JSON. Train again.") from None
    if refused:
        text = str(refused)
        if content.get("invalid") is True and (
            not key or _sealed(content.get("seal"), _seal(key, text))
        ):
            raise AnswerError(text[:1000])
        raise ContractError(text[:1000])
    if not _fits(answers, rows):
        raise ContractError(f"{name}: predict must answer {rows} rows with finite numbers.")
    chosen, given_each = content.get("labels", []), content.get(PROBABILITIES, [])
    if not (_fit_labels(chosen, answers, labels) and _fit_each(given_each, answers, labels)):
        raise ContractError(
            f"{name}: predict must answer {rows} rows with the labels {', '.join(labels)[:200]} "
            "and their probabilities."
            if labels
            else f"{name}: predict answered labels where numbers are asked. Train again."
        )
    size, times = content.get(SIZE), content.get(TIMES, [])
    if not _are_measurements(size, times):
        raise ContractError(f"{name}: its measured size and times are no numbers. Train again.")
    more = content.get(VARIED, [])
    if not _fits(more, varied):
        raise ContractError(
            f"{name}: predict must answer {varied} varied rows with finite numbers. Train again."
        )
    given = Answers(
        numbers=[float(answer) for answer in answers],
        labels=chosen,
        probabilities=tuple(tuple(map(float, row)) for row in given_each),
        size=size,
        milliseconds=[float(time) for time in times],
        varied=[float(answer) for answer in more],
    )
    if key and not _sealed(content.get("seal"), _seal(key, given)):
        raise ChangedError(
            f"{name}: its answers were changed after it gave them. Find out which code wrote "
            f"{ANSWERS} instead, and train again."
        )
    return given


def _sealed(seal: object, expected: str) -> bool:
    return hmac.compare_digest(str(seal).encode(), expected.encode())


def _seal(key: str, answers: Answers | str) -> str:
    """Return the HMAC of answers, or of the fault of one, with a key of hex digits.

    Only this app's jobs have the key.
    """
    return hmac.new(bytes.fromhex(key), _text(answers).encode(), hashlib.sha256).hexdigest()


def _text(answers: Answers | str) -> str:
    if isinstance(answers, str):
        return json.dumps(answers)
    numbers = [float(answer) for answer in answers.numbers]
    if answers.probabilities:
        rows = [list(map(float, row)) for row in answers.probabilities]
        return json.dumps([numbers, list(answers.labels), rows, _measured(answers)])
    if measured := _measured(answers):
        return json.dumps([numbers, list(answers.labels), measured])
    return json.dumps([numbers, list(answers.labels)] if answers.labels else numbers)


def _measured(answers: Answers) -> dict[str, object]:
    """Return the measurements of a model as the file of its answers has them."""
    measured: dict[str, object] = {} if answers.size is None else {SIZE: answers.size}
    if answers.milliseconds:
        measured[TIMES] = [float(time) for time in answers.milliseconds]
    if answers.varied:
        measured[VARIED] = [float(answer) for answer in answers.varied]
    return measured


def _are_measurements(size: object, times: object) -> bool:
    sized = size is None or (type(size) is int and size >= 0)
    return (
        sized and isinstance(times, list) and len(times) <= MOST_TIMES and _fits(times, len(times))
    )


def _fits(answers: object, rows: int) -> bool:
    return (
        isinstance(answers, Sequence)
        and not isinstance(answers, str)
        and len(answers) == rows
        and all(type(one) in (int, float) and abs(one) < 1e308 for one in answers)
        and all(math.isfinite(one) for one in answers)
    )


def _fit_labels(chosen: object, answers: Sequence[float], labels: Sequence[str]) -> bool:
    """Return whether there is a label and a probability for each row; without labels, neither."""
    if not isinstance(chosen, list) or len(chosen) != (len(answers) if labels else 0):
        return False
    known = all(isinstance(label, str) and label in labels for label in chosen)
    return known and (not labels or all(0 <= answer <= 1 for answer in answers))


def _fit_each(given: object, answers: Sequence[float], labels: Sequence[str]) -> bool:
    """Return whether each row has the probability of each label, where there are more than two."""
    if not isinstance(given, list) or len(given) != (len(answers) if len(labels) > 2 else 0):
        return False
    return all(
        isinstance(row, list)
        and _fits(row, len(labels))
        and all(0 <= probability <= 1 for probability in row)
        and abs(math.fsum(row) - 1.0) <= _ROUNDING
        and row[-1] == answer
        for row, answer in zip(given, answers, strict=False)
    )
