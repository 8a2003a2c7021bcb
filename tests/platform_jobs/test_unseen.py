"""Rows that a model was trained on do not judge it, however the files overlap.

Simulations with a known truth: a model that remembers its rows (one nearest neighbour) gains most
from a leak. The truth is the loss on rows of the population that are in no file.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from platform_jobs.errors import ChangedError
from platform_jobs.splitting.hashes import write_hashes
from platform_jobs.splitting.split import Split, split_rows
from platform_jobs.splitting.unseen import Hashes, Memory, choose, recall, remember
from platform_jobs.tables.tables import Table

COLUMNS = ("a", "b", "Y")
ROWS, WORLDS = 240, 12
Array = Any


def population(rng: np.random.Generator, rows: int) -> list[tuple[str, ...]]:
    x = rng.normal(size=(rows, 2))
    y = x.sum(axis=1) + rng.normal(size=rows)
    return [tuple(map(repr, row)) for row in np.column_stack([x, y]).tolist()]


def numbers(rows: Any) -> Array:
    return np.array([[float(cell) for cell in row] for row in rows]).reshape(-1, len(COLUMNS))


def answer(training: Array, asked: Array) -> Array:
    """Return the target of the nearest training row."""
    distances = ((asked[:, None, :2] - training[None, :, :2]) ** 2).sum(axis=2)
    return training[distances.argmin(axis=1), 2]


@dataclass(frozen=True)
class Model:
    """A model with its final training rows, its split, and its answers to the judging rows."""

    split: Split
    rows: Array
    answers: Array

    @property
    def memory(self) -> Memory:
        answers = dict(zip(self.split.hashes, self.answers.tolist(), strict=True))
        return Memory(seen=self.split.seen_hashes, answers=answers)


def train(rows: list[tuple[str, ...]], folds: int) -> Model:
    made = split_rows(Table(columns=COLUMNS, rows=tuple(rows)), "m", folds=folds)
    final, asked = numbers(made.seen.rows), numbers(made.judging.rows)
    answers = answer(final, asked)
    for fold in range(made.fold_count) if made.fold_count > 1 else ():
        own = np.array(made.folds) == fold
        answers[own] = answer(numbers(made.training(fold).rows), asked[own])
    return Model(split=made, rows=final, answers=answers)


def later_file(kind: str, rng: np.random.Generator, old: list[tuple[str, ...]]) -> Any:
    new = population(rng, ROWS)
    return {
        "growing": old + new[: ROWS // 10],
        "overlapping": old[ROWS // 2 :] + new[: ROWS // 2],
        "reordered": [old[index] for index in rng.permutation(ROWS)],
        "duplicated": [row for row in old for _ in range(2)],
        "duplicated new": [row for row in new for _ in range(2)],
        "new": new,
    }[kind]


def gains(kind: str, folds: int, *, leaky: bool = False) -> tuple[Array, Array]:
    """Return the measured and the true gain of a challenger in each world, shape (WORLDS,)."""
    measured, true = [], []
    for world in range(WORLDS):
        rng = np.random.default_rng(world)
        old, fresh = population(rng, ROWS), numbers(population(rng, 600))
        champion = train(old, folds)
        challenger = train(later_file(kind, rng, old), folds)
        judging = numbers(challenger.split.judging.rows)
        hashes = Hashes(rows=challenger.split.hashes, groups=challenger.split.groups)
        own = answer(champion.rows, judging)
        memory = Memory(seen=type(champion.split.seen_hashes)("Q")) if leaky else champion.memory
        chosen = choose(hashes, memory, own.tolist())
        indices = list(chosen.indices)
        actual = judging[indices, 2]
        losses = (challenger.answers[indices] - actual) ** 2
        measured.append(float(np.mean((np.array(chosen.champion) - actual) ** 2 - losses)))
        ours, theirs = answer(challenger.rows, fresh), answer(champion.rows, fresh)
        true.append(float(np.mean((theirs - fresh[:, 2]) ** 2 - (ours - fresh[:, 2]) ** 2)))
    return np.array(measured), np.array(true)


@pytest.mark.parametrize("folds", [1, 5])
@pytest.mark.parametrize(
    "kind", ["growing", "overlapping", "reordered", "duplicated", "duplicated new", "new"]
)
def test_no_file_gives_an_advantage_or_a_handicap(kind: str, folds: int) -> None:
    measured, true = gains(kind, folds)

    error = measured - true
    bias, spread = float(error.mean()), float(error.std()) / WORLDS**0.5
    # The noise alone gives one nearest neighbour a loss of 2; a leak is worth that much.
    assert abs(bias) < 3 * spread + 0.05, f"{bias:.3f} +- {spread:.3f}"


@pytest.mark.parametrize("kind", ["growing", "overlapping", "reordered", "duplicated"])
def test_without_the_hashes_a_champion_would_be_judged_by_its_own_rows(kind: str) -> None:
    measured, true = gains(kind, 5, leaky=True)

    assert float((measured - true).mean()) < -0.5


def test_rows_that_the_champion_knows_are_left_out_and_counted() -> None:
    memory = Memory(seen=seen(1, 2, 3, 7), answers={2: 0.25, 3: 0.75})
    hashes = Hashes(rows=(1, 2, 4, 5, 3), groups=(1, 2, 7, 5, 9))

    chosen = choose(hashes, memory, [10.0, 20.0, 40.0, 50.0, 30.0])

    # Row 1 was trained on, row 4 is of a trained group, and row 3 was answered by a model that had
    # seen the rest of its group.
    assert (chosen.indices, chosen.champion) == ((1, 3), (0.25, 50.0))
    assert chosen.figures() == {"left_out": 3, "recalled": 1, "known": True}


def test_a_champion_without_hashes_is_judged_by_the_rows_of_the_fixed_split() -> None:
    table = Table(columns=COLUMNS, rows=tuple(population(np.random.default_rng(1), ROWS)))
    fixed, all_rows = split_rows(table, "m"), split_rows(table, "m", folds=5)
    hashes = Hashes(rows=all_rows.hashes, groups=all_rows.groups)

    chosen = choose(hashes, Memory(), [0.0] * ROWS)

    assert [all_rows.hashes[index] for index in chosen.indices] == list(fixed.hashes)
    assert chosen.figures()["known"] is False


def seen(*hashes: int) -> Any:
    return type(split_rows(Table(columns=COLUMNS, rows=()), "m").seen_hashes)("Q", hashes)


def keep(folder: Path, answers: list[float]) -> Path:
    held_out, evaluation = folder / "held_out", folder / "evaluation"
    held_out.mkdir(parents=True)
    evaluation.mkdir()
    write_hashes(held_out / "seen.hashes", [3, 2**64 - 1])
    (evaluation / "predictions.json").write_text(json.dumps({"predicted": answers}))
    remember(held_out, Hashes(rows=(8, 9)), evaluation)
    return evaluation


def test_an_evaluation_keeps_the_rows_that_trained_and_judged_its_model(tmp_path: Path) -> None:
    memory = recall(keep(tmp_path, [0.5, 1.5]))

    assert memory.seen is not None
    assert list(memory.seen) == [3, 2**64 - 1]
    assert memory.answers == {8: 0.5, 9: 1.5}


def test_an_evaluation_of_an_earlier_version_keeps_nothing(tmp_path: Path) -> None:
    assert recall(None) == recall(tmp_path / "gone") == recall(tmp_path) == Memory()


@pytest.mark.parametrize("name", ["seen.hashes", "judged.hashes", "predictions.json"])
@pytest.mark.parametrize("content", [b"", b"{}", b"ROWHASH1\0"])
def test_a_damaged_memory_is_no_verdict(tmp_path: Path, name: str, content: bytes) -> None:
    evaluation = keep(tmp_path, [0.5, 1.5])
    (evaluation / name).write_bytes(content)

    with pytest.raises(ChangedError, match="The champion's evaluation was changed"):
        recall(evaluation)
