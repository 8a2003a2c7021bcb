"""A/A worlds: a model that is retrained each night on data of the same population.

No challenger has a better recipe, so each promotion is noise. In 1,000 nights a rule may promote a
few lucky trainings; a challenger whose true error is not lower is a promotion of pure noise.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from benchmarks.gates.files import NightFile, Pool, make_file, positions
from benchmarks.gates.models import Model, Trained, cross_fit_ridge, ridge
from benchmarks.gates.population import Floats, Places, Rows
from benchmarks.gates.rules import BOOTSTRAP, PRODUCT, RULES, SEED

ROWS = 442
FRESH, SLIDING, RESAMPLED, TWICE = "fresh rows", "sliding window", "bootstrap", "duplicated rows"
# Rows of a sliding window that are new each night.
STEP = 44
Stream = Callable[[np.random.Generator, int], Iterator[Places]]


@dataclass(slots=True, kw_only=True)
class Count:
    """Promotions of one rule in many worlds."""

    retrains: int = 0
    promoted: int = 0
    no_better: int = 0
    worlds: int = 0
    worlds_promoted: int = 0
    worlds_no_better: int = 0

    def add(self, other: "Count") -> None:
        """Add the counts of one more world."""
        self.retrains += other.retrains
        self.promoted += other.promoted
        self.no_better += other.no_better
        self.worlds += 1
        self.worlds_promoted += other.promoted > 0
        self.worlds_no_better += other.no_better > 0


def fresh(rng: np.random.Generator, pool: int) -> Iterator[Places]:
    """Yield files of rows that no earlier file had, until the pool begins again."""
    while True:
        order = rng.permutation(pool)
        for begin in range(0, pool - ROWS + 1, ROWS):
            yield order[begin : begin + ROWS]


def sliding(rng: np.random.Generator, pool: int) -> Iterator[Places]:
    """Yield windows over one stream of rows; STEP rows of each are new."""
    while True:
        order = rng.permutation(pool)
        for begin in range(0, pool - ROWS + 1, STEP):
            yield order[begin : begin + ROWS]


def resampled(rng: np.random.Generator, pool: int) -> Iterator[Places]:
    """Yield samples with replacement of one file."""
    base = rng.choice(pool, ROWS, replace=False)
    while True:
        yield base[rng.integers(0, ROWS, ROWS)]


def twice(rng: np.random.Generator, pool: int) -> Iterator[Places]:
    """Yield files of fresh rows that have each row twice, in any order."""
    for places in fresh(rng, pool):
        yield rng.permutation(np.repeat(places, 2))


STREAMS: dict[str, Stream] = {
    FRESH: fresh, SLIDING: sliding, RESAMPLED: resampled, TWICE: twice,
}  # fmt: skip


def split_world(
    pool: Pool, truth: Rows, files: Iterator[Places], nights: int, rules: tuple[str, ...]
) -> dict[str, Count]:
    """Return the counts of rules that judge on the test rows of a split by position."""
    counts = {name: Count() for name in rules}
    first = next(files)
    champions = dict.fromkeys(rules, ridge(pool, first[positions(len(first))[0]], truth))
    for night in range(1, nights + 1):
        order = next(files)
        train, test = positions(len(order))
        challenger = ridge(pool, order[train], truth)
        design, actual = pool.rows.design[order[test]], pool.rows.target[order[test]]
        answers = challenger.answer(design)
        for name in rules:
            own = champions[name]
            promoted = RULES[name](actual, answers, own.answer(design), night)
            if _record(counts[name], challenger, own, promoted=promoted):
                champions[name] = challenger
    return counts


def product_world(
    pool: Pool,
    truth: Rows,
    files: Iterator[Places],
    nights: int,
    train: Callable[[Pool, NightFile, Rows], Trained] = cross_fit_ridge,
) -> Count:
    """Return the counts of the product: cross-fitting, rows that neither model saw, its gate."""
    count = Count()
    champion = train(pool, make_file(pool, next(files)), truth)
    for night in range(1, nights + 1):
        challenger = train(pool, make_file(pool, next(files)), truth)
        actual, ours, theirs = judged(pool, challenger, champion)
        promoted = RULES[PRODUCT](actual, ours, theirs, night)
        if _record(count, challenger.model, champion.model, promoted=promoted):
            champion = challenger
    return count


def judged(pool: Pool, challenger: Trained, champion: Trained) -> tuple[Floats, Floats, Floats]:
    """Return the targets and both models' answers to the challenger's file.

    The champion answers by its cross-fitting where it was trained on a row, as in
    `platform_jobs.splitting.unseen`.
    """
    places = challenger.places
    theirs = champion.model.answer(pool.rows.design[places])
    by_place = np.argsort(champion.places)
    nearby = np.searchsorted(champion.places[by_place], places)
    nearest = by_place[np.minimum(nearby, len(by_place) - 1)]
    seen = champion.places[nearest] == places
    theirs = np.where(seen, champion.answers[nearest], theirs)
    return pool.rows.target[places], challenger.answers, theirs


def _record(count: Count, challenger: Model, champion: Model, *, promoted: bool) -> bool:
    count.retrains += 1
    count.promoted += promoted
    count.no_better += promoted and challenger.true_loss >= champion.true_loss
    return promoted


def run_stream(
    name: str, pool: Pool, truth: Rows, worlds: int, split_worlds: int, nights: int, seed: int
) -> dict[str, Count]:
    """Return the counts of each rule over worlds of one stream.

    The product gets `worlds`; the other rules, which promote in every world, get `split_worlds`.
    World number n has the same files for all rules.
    """
    totals = {rule: Count() for rule in (SEED, BOOTSTRAP, PRODUCT)}

    def files(world: int) -> Iterator[Places]:
        return STREAMS[name](np.random.default_rng([seed, world]), len(pool.rows))

    for world in range(worlds):
        totals[PRODUCT].add(product_world(pool, truth, files(world), nights))
    for world in range(split_worlds):
        counts = split_world(pool, truth, files(world), nights, (SEED, BOOTSTRAP))
        for rule, count in counts.items():
            totals[rule].add(count)
    return totals
