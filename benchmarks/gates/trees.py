"""A model that knows its training rows by heart, where files overlap: advantage and handicap.

The champion was trained on a file. The next file has each of its rows twice, or a tenth more rows.
A fair comparison measures a gain that is, on average, the true one.
"""

from dataclasses import dataclass

import numpy as np

from benchmarks.gates.files import Pool, make_file, positions
from benchmarks.gates.models import cross_fit_tree, tree
from benchmarks.gates.population import Floats, Places, Rows
from benchmarks.gates.rules import BOOTSTRAP, PRODUCT, RULES, SEED
from benchmarks.gates.worlds import ROWS, TWICE, judged

GROWING = "growing file"
NEW = 49


@dataclass(frozen=True, kw_only=True)
class TreeCount:
    """Promotions of a rule, and its mean bias: the measured minus the true gain, in mse."""

    tries: int
    promoted: int
    bias: float


def run_trees(case: str, pool: Pool, truth: Rows, tries: int, seed: int) -> dict[str, TreeCount]:
    """Return the promotions of each rule in a case, TWICE or GROWING."""
    rng = np.random.default_rng(seed)
    promoted = dict.fromkeys(RULES, 0)
    biases: dict[str, list[float]] = {name: [] for name in RULES}
    for _ in range(tries):
        drawn = rng.choice(len(pool.rows), ROWS + NEW, replace=False)
        first = drawn[:ROWS]
        second = rng.permutation(np.repeat(first, 2) if case == TWICE else drawn)
        for names, rows, true_gain in (
            _split(pool, truth, first, second),
            _product(pool, truth, first, second),
        ):
            measured = float(np.mean((rows[2] - rows[0]) ** 2 - (rows[1] - rows[0]) ** 2))
            for name in names:
                promoted[name] += RULES[name](*rows, 1)
                biases[name].append(measured - true_gain)
    return {
        name: TreeCount(tries=tries, promoted=promoted[name], bias=float(np.mean(biases[name])))
        for name in RULES
    }


_Case = tuple[tuple[str, ...], tuple[Floats, Floats, Floats], float]


def _split(pool: Pool, truth: Rows, first: Places, second: Places) -> _Case:
    train, test = positions(len(second))
    champion = tree(pool, first[positions(len(first))[0]], truth)
    challenger = tree(pool, second[train], truth)
    design, actual = pool.rows.design[second[test]], pool.rows.target[second[test]]
    rows = (actual, challenger.answer(design), champion.answer(design))
    return (SEED, BOOTSTRAP), rows, champion.true_loss - challenger.true_loss


def _product(pool: Pool, truth: Rows, first: Places, second: Places) -> _Case:
    champion = cross_fit_tree(pool, make_file(pool, first), truth)
    challenger = cross_fit_tree(pool, make_file(pool, second), truth)
    true_gain = champion.model.true_loss - challenger.model.true_loss
    return (PRODUCT,), judged(pool, challenger, champion), true_gain
