"""The models of the simulation: Ridge in closed form, and scikit-learn's decision tree."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn.tree import DecisionTreeRegressor

from benchmarks.gates.files import FOLDS, NightFile, Pool
from benchmarks.gates.population import Floats, Places, Rows

ALPHA = 0.4
_PENALTY = np.diag([0.0, *[ALPHA] * 10])
_LEAST_LEAF = 2


@dataclass(frozen=True, kw_only=True)
class Model:
    """A trained model: its answers to rows of shape (rows, 11), and its true mean squared error."""

    answer: Callable[[Floats], Floats]
    true_loss: float


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A version: the final model, the rows of its file, and its cross-fitted answers to them."""

    model: Model
    places: Places
    answers: Floats


def ridge(pool: Pool, order: Places, truth: Rows) -> Model:
    """Return Ridge trained on these rows of the pool."""
    design = pool.rows.design[order]
    weights = np.linalg.solve(design.T @ design + _PENALTY, design.T @ pool.rows.target[order])
    return _linear(np.asarray(weights, dtype=np.float64), truth)


def cross_fit_ridge(pool: Pool, file: NightFile, truth: Rows) -> Trained:
    """Return Ridge trained on a file, with the answer to each row of a model without its fold."""
    design, target = pool.rows.design[file.distinct], pool.rows.target[file.distinct]
    weighted = design * file.counts[:, None]
    ends = np.searchsorted(file.folds, np.arange(FOLDS + 1))
    parts = [slice(ends[fold], ends[fold + 1]) for fold in range(FOLDS)]
    squares = np.stack([weighted[part].T @ design[part] for part in parts])
    mixed = np.stack([weighted[part].T @ target[part] for part in parts])
    all_squares, all_mixed = squares.sum(axis=0), mixed.sum(axis=0)
    left = np.concatenate([all_squares - squares, all_squares[None]]) + _PENALTY
    right = np.concatenate([all_mixed - mixed, all_mixed[None]])
    weights = np.linalg.solve(left, right[..., None])[..., 0]
    answers = np.concatenate([design[part] @ weights[fold] for fold, part in enumerate(parts)])
    return Trained(model=_linear(weights[-1], truth), places=file.distinct, answers=answers)


def tree(pool: Pool, order: Places, truth: Rows) -> Model:
    """Return a decision tree trained on these rows; it knows its training rows by heart."""
    fitted = DecisionTreeRegressor(min_samples_leaf=_LEAST_LEAF, random_state=0)
    fitted.fit(pool.rows.design[order], pool.rows.target[order])
    errors = fitted.predict(truth.design) - truth.target
    return Model(answer=fitted.predict, true_loss=float(errors @ errors) / len(errors))


def cross_fit_tree(pool: Pool, file: NightFile, truth: Rows) -> Trained:
    """Return a decision tree trained on a file, with cross-fitted answers."""
    rows, answers = pool.rows, np.empty(len(file.distinct))
    fold_of = dict(zip(file.distinct.tolist(), file.folds.tolist(), strict=True))
    folds = np.asarray([fold_of[place] for place in file.order.tolist()])
    for fold in range(FOLDS):
        own = file.folds == fold
        others = file.order[folds != fold]
        fitted = DecisionTreeRegressor(min_samples_leaf=_LEAST_LEAF, random_state=0)
        fitted.fit(rows.design[others], rows.target[others])
        answers[own] = fitted.predict(rows.design[file.distinct[own]])
    return Trained(model=tree(pool, file.order, truth), places=file.distinct, answers=answers)


def _linear(weights: Floats, truth: Rows) -> Model:
    return Model(answer=lambda design: design @ weights, true_loss=truth.loss_of(weights))
