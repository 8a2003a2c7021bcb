"""Chooses the rows that judge: those that neither model was trained on.

The evaluation of each version keeps the hashes of its training rows, and the hashes of the rows
that judged it. A row that the champion was trained on still judges when its cross-fitting answered
it: the model that answered was trained without the row.
"""

import json
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from shutil import copyfile

from platform_jobs.errors import ChangedError, ContractError
from platform_jobs.splitting.hashes import read_hashes, write_hashes
from platform_jobs.splitting.split import BOUND

# Files of an evaluation: the hashes of the rows that trained its model, and of those that judged it
# in the order of its answers.
SEEN_HASHES, JUDGED_HASHES, PREDICTIONS = "seen.hashes", "judged.hashes", "predictions.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hashes:
    """The hashes of judging rows and of their groups, and those of the rows that trained."""

    rows: Sequence[int] = ()
    groups: Sequence[int] = ()
    folds: Sequence[int] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """The rows that a version was trained on, and its answers to rows that it was not, by hash.

    Without `seen` they are unknown, because an earlier version of this app registered the model.
    """

    seen: "array[int] | None" = None
    answers: Mapping[int, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judging:
    """The rows that compare two models, by their places, and the champion's answers to them.

    `left_out` counts the other rows, which the champion was trained on; `recalled` those that an
    earlier cross-fitting of the champion answered. `known` is False when the champion's training
    rows are unknown.
    """

    places: tuple[int, ...]
    champion: tuple[float, ...]
    left_out: int
    recalled: int
    known: bool

    def figures(self) -> dict[str, int]:
        """Return the counts for the record of a comparison."""
        return {"left_out": self.left_out, "recalled": self.recalled, "known": self.known}


def remember(held_out: Path, hashes: Hashes, out: Path) -> None:
    """Keep the hashes of the training rows and of the judging rows in an evaluation's folder."""
    if (held_out / SEEN_HASHES).is_file():
        copyfile(held_out / SEEN_HASHES, out / SEEN_HASHES)
        write_hashes(out / JUDGED_HASHES, hashes.rows)


def recall(evaluation: Path | None) -> Memory:
    """Return the memory of the champion from its evaluation's folder; ChangedError when damaged."""
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
        answers = [float(answer) for answer in content["predicted"]]
    except (OSError, ValueError, TypeError, KeyError):
        answers = []
    if judged is None or len(judged) != len(answers):
        raise ChangedError(
            f"The champion's evaluation was changed: {PREDICTIONS} and {JUDGED_HASHES} do not have "
            "the same rows. Restore them, or release a version that is unchanged."
        )
    return Memory(seen=seen, answers=dict(zip(judged, answers, strict=True)))


def choose(hashes: Hashes, memory: Memory, answers: Sequence[float]) -> Judging:
    """Return the rows that compare a challenger with the champion of this memory.

    `answers` are the champion's own, shape (rows,). When its training rows are unknown, those rows
    are left out that the split of a fifth gave to trainings.
    """
    if not hashes.rows:
        # An earlier version of this app prepared the rows, and held them out by its fixed split.
        places_of_all = tuple(range(len(answers)))
        return Judging(
            places=places_of_all, champion=tuple(answers), left_out=0, recalled=0, known=False
        )
    known = memory.seen is not None
    seen = frozenset(memory.seen or ())
    places, champion, recalled = [], [], 0
    for place, (answer, row, group) in enumerate(
        zip(answers, hashes.rows, hashes.groups, strict=True)
    ):
        if not (row in seen or group in seen if known else row >= BOUND):
            places.append(place)
            champion.append(answer)
        # Without this group's hash the champion's folds did not keep its rows together.
        elif row in memory.answers and group in seen:
            places.append(place)
            champion.append(memory.answers[row])
            recalled += 1
    return Judging(
        places=tuple(places),
        champion=tuple(champion),
        left_out=len(answers) - len(places),
        recalled=recalled,
        known=known,
    )
