"""Chooses the rows that judge: neither model was trained on them.

The evaluation of each version keeps the hashes of its training rows, and the hashes of the rows
that judged it. A row that trained the champion still judges when the champion's cross-fitting
answered it, because the model of this fold was trained without the row.
"""

import json
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from shutil import copyfile

from platform_jobs.errors import ChangedError, ContractError
from platform_jobs.models.answers import Prediction
from platform_jobs.splitting.hashes import SEEN_HASHES, read_hashes, write_hashes
from platform_jobs.splitting.split import BOUND

# Files of an evaluation, beside SEEN_HASHES of its model's training: the hashes of the rows that
# judged the model, in the order of its answers, and these answers.
JUDGED_HASHES, PREDICTIONS = "judged.hashes", "predictions.json"
CLASSES = "classes"  # key of PREDICTIONS with the labels of the target, in their order


@dataclass(frozen=True, slots=True, kw_only=True)
class Hashes:
    """The hashes of judging rows and of their groups, and the rows' folds, each of shape (rows,).

    All are empty for rows that an earlier version of this app prepared.
    """

    rows: Sequence[int] = ()
    groups: Sequence[int] = ()
    folds: Sequence[int] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """The hashes of a version's training rows, and its answers to its judging rows, by hash.

    `seen` is None when the training rows are unknown, because an earlier version of this app
    registered the model.
    """

    seen: "array[int] | None" = None
    answers: Mapping[int, Prediction] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judging:
    """The indices of the rows that compare two models, and the champion's answers to them.

    `left_out` counts the other rows, which trained the champion. `recalled` counts the rows whose
    answer comes from the champion's own cross-fitting. `known` is False when the champion's
    training rows are unknown.
    """

    indices: tuple[int, ...]
    champion: tuple[Prediction, ...]
    left_out: int
    recalled: int
    known: bool

    def figures(self) -> dict[str, int]:
        """Return the counts for the record of a comparison."""
        return {"left_out": self.left_out, "recalled": self.recalled, "known": self.known}


def remember(held_out: Path, hashes: Hashes, out: Path) -> None:
    """Store the hashes of the training rows and of the judging rows in an evaluation's folder.

    Rows that an earlier version of this app prepared have no hashes to store.
    """
    if (held_out / SEEN_HASHES).is_file():
        copyfile(held_out / SEEN_HASHES, out / SEEN_HASHES)
        write_hashes(out / JUDGED_HASHES, hashes.rows)


def recall(evaluation: Path | None, labels: Sequence[str] = ()) -> Memory:
    """Return the memory of the champion from its evaluation's folder, an empty one without it.

    Answers about other labels than these, or in another order, are left out. ChangedError when its
    files are damaged or have different rows.
    """
    if evaluation is None:
        return Memory()
    try:
        seen = read_hashes(evaluation / SEEN_HASHES)
        judged = read_hashes(evaluation / JUDGED_HASHES)
    except ContractError as error:
        raise ChangedError(f"The champion's evaluation was changed: {error}") from None
    if seen is None:
        return Memory()
    try:
        content = json.loads((evaluation / PREDICTIONS).read_text(encoding="utf-8"))
        answers = [to_prediction(answer) for answer in content["predicted"]]
    except (OSError, ValueError, TypeError, KeyError):
        content, answers = {}, []
    if judged is None or len(judged) != len(answers):
        raise ChangedError(
            f"The champion's evaluation was changed: {PREDICTIONS} and {JUDGED_HASHES} do not have "
            "the same rows. Restore them, or release a version that is unchanged."
        )
    if content.get(CLASSES, list(labels)) != list(labels):
        return Memory(seen=seen)
    return Memory(seen=seen, answers=dict(zip(judged, answers, strict=True)))


def to_prediction(answer: object) -> Prediction:
    """Return an answer of PREDICTIONS; TypeError or ValueError when it is none."""
    if isinstance(answer, list):
        return tuple(float(value) for value in answer)
    if isinstance(answer, str | int | float):
        return float(answer)
    raise TypeError


def choose(hashes: Hashes, memory: Memory, answers: Sequence[Prediction]) -> Judging:
    """Return the rows that compare a challenger with the champion of this memory.

    `answers` are those of the champion's final model, shape (rows,). When its training rows are
    unknown, the rows are left out that the split with one fold gives to trainings.
    """
    if not hashes.rows:
        # An earlier version of this app prepared the rows, and held them out by its fixed split.
        every = tuple(range(len(answers)))
        return Judging(indices=every, champion=tuple(answers), left_out=0, recalled=0, known=False)
    known = memory.seen is not None
    seen = frozenset(memory.seen or ())
    indices: list[int] = []
    champion: list[Prediction] = []
    recalled = 0
    for index, (answer, row, group) in enumerate(
        zip(answers, hashes.rows, hashes.groups, strict=True)
    ):
        if not (row in seen or group in seen if known else row >= BOUND):
            indices.append(index)
            champion.append(answer)
        # When the group's hash is unknown, another row of the group may have trained the model of
        # the champion's fold.
        elif row in memory.answers and group in seen:
            indices.append(index)
            champion.append(memory.answers[row])
            recalled += 1
    return Judging(
        indices=tuple(indices),
        champion=tuple(champion),
        left_out=len(answers) - len(indices),
        recalled=recalled,
        known=known,
    )
