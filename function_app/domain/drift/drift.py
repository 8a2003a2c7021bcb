"""A sequential test for drift between the requests of production and the training data.

It may be read after every batch, for ever: while nothing has changed, the probability that it ever
reports drift is at most `alpha` (per champion, over the draw of the training data and of the
whole stream). How:

1. A quarter of alpha is for the unknown distribution behind the training data: each of its shares
   F(edge) lies in an interval around the share of the training rows, by the smaller of the
   bounds of Dvoretzky, Kiefer, Wolfowitz (with Massart's constant, 1990) and of Chernoff (1952),
   over all edges and columns at once. No drift means: production's share lies in it too. Another
   quarter goes to the mean squared error, which is known from the held-out rows, half of it, and
   from these and the champion's first labels, the other half.
2. Against that, for each edge and direction, an e-process: the likelihood ratio of shares beyond
   the interval, mixed, to the interval's end. A non-negative supermartingale from 1; it depends on
   counts only. The labels' one bets on squared errors, which are not negative, against an upper
   bound of their mean (Waudby-Smith and Ramdas, "Estimating means of bounded random variables
   by betting", 2024, section 4).
   A column without ties has a second e-process, for half of its level and evidence: it bets on
   the mean rank of the units among the training rows, whose expectation lies in an interval of
   its own (e_processes.py). A small shift moves every rank a little, and no single share beyond
   its interval.
3. A change may come late. One such process begins at every block of rows, with weights that sum to
   1, as in Shin, Ramdas and Rinaldo, "E-detectors", 2024, but so that the probability of a false
   alarm, not its rate, is bounded.
4. The average over edges, directions, starts and columns is an e-process again, also when they
   depend on each other. By Ville's inequality it ever reaches 2/alpha with probability at most
   alpha/2.
5. A unit is a request, with the share of its rows (clusters.py). For shares a step 2 ratio is
   a^share b^(1 - share), at most share a + (1 - share) b, because the exponential is convex: it
   stays a supermartingale for any variable in [0, 1] whose conditional mean is in the interval.
6. Units that depend on each other weigh less: their numbers are divided by a design effect of at
   least 1 (dependence.py). A ratio to a power below 1 is at most 1 plus the ratio, so that the
   threshold is 2/alpha + 1.

Units of different requests are taken as drawn independently, up to the design effect;
confirmation.py asks for other days and callers, and docs/how-to/drift.md has the figures.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TypeVar

from function_app.domain.drift.dependence import design_effects, rank_variance
from function_app.domain.drift.e_processes import (
    interval,
    log_mixture,
    log_rank_mixture,
    log_sum,
    mirrored,
    rank_interval,
)
from function_app.domain.drift.observations import (
    BETS,
    ColumnCounts,
    ColumnReference,
    ErrorReference,
    LabelSums,
    ObservationBatch,
    RankSums,
    Reference,
    add_columns,
)
from function_app.domain.text.figures import figure, figures

Number = TypeVar("Number", int, float, RankSums)
BLOCK_ROWS, MAX_BLOCKS = 200, 24
LABELS = "labels"
# Requests with labels after which the champion's own errors are part of the reference.
EARLY_LABELS = 200
LARGEST_LOG = 690.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Counts of some hundred rows; `start` is its number among all blocks that ever began."""

    start: int
    rows: int
    columns: dict[str, ColumnCounts]
    labels: LabelSums = field(default_factory=LabelSums)


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnEvidence:
    """The evidence of one column (or of the labels) for drift, and the direction of its values.

    `rows` are units, which are requests, or labels. `e_value` is 1 at the start; while nothing
    changed it has no tendency to grow.
    """

    name: str
    rows: int
    e_value: float
    direction: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The evidence of all columns, the strongest first, and their average, which decides."""

    e_value: float
    threshold: float
    rows: int
    columns: tuple[ColumnEvidence, ...]

    @property
    def drifted(self) -> bool:
        return self.e_value >= self.threshold


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceTexts:
    """The figures of evidence as texts, the same ones in each sentence and table.

    `columns` has the e-value of each column, in the order of the evidence.
    """

    e_value: str
    threshold: str
    columns: tuple[str, ...]


def allowed_error(
    reference: Reference, margin: float, alpha: float, early: LabelSums | None = None
) -> float | None:
    """Return the mean squared error up to which the labels show no drift; None without errors.

    It is the upper bound of the champion's known error (normal, alpha/8), times 1 + `margin`. The
    error is known from the held-out rows, and from these and its `early` labels as soon as these
    are EARLY_LABELS requests. The lower bound counts: early labels bring it closer, and those of a
    champion whose errors grew before its first label do not raise it.
    """
    if reference.errors is None:
        return None
    known = [reference.errors]
    if early is not None and early.units >= EARLY_LABELS:
        known.append(_pooled(reference.errors, early))
    reach = math.sqrt(2 * math.log(8 / alpha))
    return min(each.mean + reach * each.standard_error for each in known) * (1 + margin)


def _pooled(held_out: ErrorReference, early: LabelSums) -> ErrorReference:
    """Return the mean of the held-out rows and the early requests, and its standard error."""
    rows = held_out.rows + early.units
    mean = (held_out.rows * held_out.mean + early.total) / rows
    own = (held_out.standard_error**2 * held_out.rows + held_out.mean**2) * held_out.rows
    variance = max(0.0, (own + early.squares) / rows - mean**2)
    return ErrorReference(rows=rows, mean=mean, standard_error=math.sqrt(variance / rows))


def add_batch(blocks: tuple[Block, ...], batch: ObservationBatch) -> tuple[Block, ...]:
    """Add a batch to the last block, or begin another block when that is full."""
    if not batch.rows and not batch.labels.rows:
        return blocks
    last = blocks[-1] if blocks else None
    if last is not None and last.rows < BLOCK_ROWS:
        fresh = Block(start=last.start, rows=0, columns={})
        return (*blocks[:-1], _join(last, _filled(fresh, batch)))
    start = last.start + 1 if last else 0
    return _thin((*blocks, _filled(Block(start=start, rows=0, columns={}), batch)))


def threshold(alpha: float) -> float:
    """Return the e-value that units like the training data reach with probability alpha at most.

    That is alpha/2 for the stream; the other half is for the training data.
    """
    return 2 / alpha + 1


def describe_evidence(
    columns: Sequence[ColumnEvidence], e_value: float, threshold: float
) -> EvidenceTexts:
    """Return the figures of evidence as texts; figures that differ have different texts.

    The strongest column, all columns together and the threshold stand beside each other in the
    reason of an alarm.
    """
    strongest = (column.e_value for column in columns[:1])
    *first, together, needed = figures(*strongest, e_value, threshold)
    others = (figure(column.e_value) for column in columns[1:])
    return EvidenceTexts(e_value=together, threshold=needed, columns=(*first, *others))


def weigh(reference: Reference, blocks: tuple[Block, ...], alpha: float) -> Evidence:
    """Return the evidence that production has left the reference."""
    level = alpha / 4 / max(1, len(reference.columns))
    weights = [math.log(1 / ((b.start + 1) * (b.start + 2))) for b in blocks]
    # The weight of the starts that are still to come; they stand at 1.
    rest = -math.log(blocks[-1].start + 2) if blocks else 0.0
    weighed = [_weigh_column(c, blocks, weights, rest, level) for c in reference.columns]
    total = _mean([log for log, _ in weighed]) if weighed else 0.0
    if reference.errors is not None:
        labels = _weigh_labels(blocks, weights, rest)
        weighed.append(labels)
        total = _mean([total, labels[0]]) if len(weighed) > 1 else labels[0]
    columns = sorted((evidence for _, evidence in weighed), key=lambda c: (-c.e_value, c.name))
    return Evidence(
        e_value=_value(total),
        threshold=threshold(alpha),
        rows=sum(block.rows for block in blocks),
        columns=tuple(columns),
    )


def _weigh_column(
    column: ColumnReference,
    blocks: tuple[Block, ...],
    weights: list[float],
    rest: float,
    level: float,
) -> tuple[float, ColumnEvidence]:
    none = ColumnCounts(rows=0, below=(0.0,) * len(column.edges))
    counts = [block.columns.get(column.name, none) for block in blocks]
    # Element i has the units from start i to now, by their design effect.
    effects = design_effects([c.ranks for c in counts], rank_variance(column))
    units = _from_each_start([c.rows for c in counts])
    total = units[0] if units else 0.0
    rows = [number / effect for number, effect in zip(units, effects, strict=True)]
    log, direction = rest, ""
    if total:
        ups, downs = [], []
        means = rank_interval(column, level / 2)
        low, high = interval(column, level if means is None else level / 2)
        share = -math.log(2 * len(column.edges))  # edges times directions
        if means is not None:
            # One half bets on the shares at the edges, and one on the mean rank.
            share -= math.log(2)
            sums = _from_each_start([c.ranks for c in counts])
            for ranks, effect, weight in zip(sums, effects, weights, strict=True):
                part = weight - math.log(4)
                ups.append(log_rank_mixture(ranks, effect, means[1]) + part)
                downs.append(log_rank_mixture(mirrored(ranks), effect, 1 - means[0]) + part)
        for edge, (least, most) in enumerate(zip(low, high, strict=True)):
            shares = _from_each_start([c.below[edge] for c in counts])
            below = [number / effect for number, effect in zip(shares, effects, strict=True)]
            for under, seen, weight in zip(below, rows, weights, strict=True):
                # Fewer values at most an edge: the values went up.
                ups.append(log_mixture(seen - under, under, 1 - least) + weight + share)
                downs.append(log_mixture(under, seen - under, most) + weight + share)
        log = log_sum([*ups, *downs, rest])
        direction = "up" if log_sum(ups) >= log_sum(downs) else "down"
    name = column.name
    return log, ColumnEvidence(
        name=name, rows=round(total), e_value=_value(log), direction=direction
    )


def _weigh_labels(
    blocks: tuple[Block, ...], weights: list[float], rest: float
) -> tuple[float, ColumnEvidence]:
    log, rows = rest, sum(block.labels.rows for block in blocks)
    if rows:
        share = -math.log(len(BETS))
        logs = [rest]
        for bet in range(len(BETS)):
            winnings = _from_each_start([block.labels.winnings[bet] for block in blocks])
            logs += [won + weight + share for won, weight in zip(winnings, weights, strict=True)]
        log = log_sum(logs)
    direction = "up" if rows else ""
    return log, ColumnEvidence(name=LABELS, rows=rows, e_value=_value(log), direction=direction)


def _from_each_start(values: Iterable[Number]) -> list[Number]:
    """Return, for each block, the sum of its value and all later ones."""
    return list(accumulate(reversed(list(values))))[::-1]


def _mean(logs: list[float]) -> float:
    return log_sum(logs) - math.log(len(logs))


def _value(log: float) -> float:
    return math.exp(min(log, LARGEST_LOG))


def _filled(block: Block, batch: ObservationBatch) -> Block:
    return Block(start=block.start, rows=batch.rows, columns=batch.columns, labels=batch.labels)


def _join(older: Block, newer: Block) -> Block:
    return Block(
        start=older.start,
        rows=older.rows + newer.rows,
        columns=add_columns(older.columns, newer.columns),
        labels=older.labels + newer.labels,
    )


def _thin(blocks: tuple[Block, ...]) -> tuple[Block, ...]:
    """Drop a start when there are too many; distances of old starts may be larger.

    A process that is given up counts as nothing from then on, which keeps the guarantee.
    """
    if len(blocks) <= MAX_BLOCKS:
        return blocks
    newer, best, index = 1.0, math.inf, 0
    for i in range(len(blocks) - 2, -1, -1):
        newer += blocks[i + 1].rows
        size = (blocks[i].rows + blocks[i + 1].rows) / newer
        if i < len(blocks) - 2 and size <= best:
            best, index = size, i
    joined = _join(blocks[index], blocks[index + 1])
    return (*blocks[:index], joined, *blocks[index + 2 :])
