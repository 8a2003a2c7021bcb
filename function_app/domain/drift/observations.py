"""Requests of production as counts against the training data: figures, never rows.

Each column is reduced to a few events `value <= edge`, whose edges are order statistics of the
training data. Counts add up, so it does not matter by which replica or in which order rows came.
"""

import math
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from function_app.domain.drift.ranks import rank_moments

QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)
# Shares of the capital that the test of labels bets; see drift.py.
BETS = (0.01, 0.03, 0.1, 0.3)
# The name of the column of the model's predictions, beside those of its inputs.
PREDICTION = "prediction"
# The name of the column of a row's distance from the training rows, over all inputs at once.
JOINT = "joint"


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """The watched champion: the image that serves, and the training data of its model."""

    model: str
    version: str
    digest: str
    run_id: str
    dataset_version: str
    model_uri: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnReference:
    """The training data's values of one column: `below[i]` of `rows` are at most `edges[i]`.

    `tied[i]` is True when several rows have exactly the value of the edge. `mean_rank` is the mean
    of the rows' ranks on a line between the edges (ranks.py), and `rank_error` its standard error;
    None for ties or few rows, and in references of earlier versions.
    """

    name: str
    rows: int
    edges: tuple[float, ...]
    below: tuple[int, ...]
    tied: tuple[bool, ...]
    mean_rank: float | None = None
    rank_error: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorReference:
    """Squared errors on the rows that were held out of the training, and their standard error."""

    rows: int
    mean: float
    standard_error: float


@dataclass(frozen=True, slots=True, kw_only=True)
class JointScore:
    """The rule of a row's distance from the training rows; see joint.py.

    `factor` has the rows of the lower triangle L of the covariance L L', after division of each
    feature's values by `scales`.
    """

    features: tuple[str, ...]
    means: tuple[float, ...]
    scales: tuple[float, ...]
    factor: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """The distribution of the champion's training data.

    `seen` is the number of training rows that production was asked before. `echoed` of these have
    as their target exactly the answer of production. `repeated` is the share of the training rows
    whose inputs are those of an earlier one. `joint` is None without two features at least.
    """

    watched: Watched
    target: str
    columns: tuple[ColumnReference, ...]
    errors: ErrorReference | None = None
    seen: int = 0
    echoed: int = 0
    features: tuple[str, ...] = ()
    repeated: float = 0.0
    joint: JointScore | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RankSums:
    """Sums over units in the order of their time, by which their dependence is estimated.

    A unit's rank is the share of the training rows that its values exceed, from 0 to 1. `pairs` are
    units of one caller of which one follows the other, `differences` their ranks' squared ones.
    """

    units: float = 0.0
    total: float = 0.0
    squares: float = 0.0
    pairs: int = 0
    differences: float = 0.0

    def __add__(self, other: "RankSums") -> "RankSums":
        return RankSums(
            units=self.units + other.units,
            total=self.total + other.total,
            squares=self.squares + other.squares,
            pairs=self.pairs + other.pairs,
            differences=self.differences + other.differences,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnCounts:
    """The number of units with a value in this column, and the sums of their shares at each edge.

    A unit is a request, or a row of one. `below[i]` is the sum, over the units, of the share of
    the unit's values that are at most the edge i.
    """

    rows: float
    below: tuple[float, ...]
    ranks: RankSums = RankSums()

    def __add__(self, other: "ColumnCounts") -> "ColumnCounts":
        pairs = zip(self.below, other.below, strict=True)
        return ColumnCounts(
            rows=self.rows + other.rows,
            below=tuple(mine + theirs for mine, theirs in pairs),
            ranks=self.ranks + other.ranks,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The counts of one caller on one day (UTC, as `2026-01-31`); `rows` are those that count."""

    day: str
    caller: str
    rows: int
    columns: dict[str, ColumnCounts]


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelSums:
    """Sums over the rows with a known label: squared errors, and the log of each bet's winnings.

    `units` are the requests of these rows; `total` and `squares` are sums of their mean squared
    errors, and of these to the power of 2.
    """

    rows: int = 0
    squared_error: float = 0.0
    units: int = 0
    total: float = 0.0
    squares: float = 0.0
    winnings: tuple[float, ...] = (0.0,) * len(BETS)

    def __add__(self, other: "LabelSums") -> "LabelSums":
        pairs = zip(self.winnings, other.winnings, strict=True)
        return LabelSums(
            rows=self.rows + other.rows,
            squared_error=self.squared_error + other.squared_error,
            units=self.units + other.units,
            total=self.total + other.total,
            squares=self.squares + other.squares,
            winnings=tuple(mine + theirs for mine, theirs in pairs),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservationBatch:
    """The rows since the last comparison; the next comparison begins at `cursor`.

    `parts` add up to `columns`; `repeated` rows were counted before. `out_of_range` are the values
    of each column that no unit of the training data comes near. `unmatched` labels belong to no
    logged prediction of this champion; `complaints` name the files of labels that could not be
    read.
    """

    cursor: str
    rows: int = 0
    columns: dict[str, ColumnCounts]
    parts: tuple[Part, ...] = ()
    repeated: int = 0
    out_of_range: dict[str, int] = field(default_factory=dict)
    labels: LabelSums = LabelSums()
    unmatched: int = 0
    complaints: tuple[str, ...] = ()


def describe_column(name: str, values: Iterable[float]) -> ColumnReference | None:
    """Return the reference of a column; None when it has no finite value."""
    ordered = sorted(_finite(values))
    rows = len(ordered)
    if not rows:
        return None
    # No training value is less than the first edge, and all are at most the last.
    edges, tied = [math.nextafter(ordered[0], -math.inf)], [False]
    ranks = sorted({max(1, math.ceil(q * rows)) for q in QUANTILES} | {rows})
    for rank in ranks:
        edge = ordered[rank - 1]
        if edge != edges[-1]:
            edges.append(edge)
            tied.append(rank < rows and ordered[rank] == edge)
        else:
            tied[-1] = True
    below = tuple(bisect_right(ordered, edge) for edge in edges)
    shares = [count / rows for count in below]
    moments = None if any(tied) else rank_moments(edges, shares, ordered)
    mean, error = moments or (None, 0.0)
    return ColumnReference(
        name=name,
        rows=rows,
        edges=tuple(edges),
        below=below,
        tied=tuple(tied),
        mean_rank=mean,
        rank_error=error,
    )


def count_column(reference: ColumnReference, values: Iterable[float]) -> ColumnCounts:
    """Return the counts of values at most each edge; values that are not finite do not count."""
    ordered = sorted(_finite(values))
    below = tuple(bisect_right(ordered, edge) for edge in reference.edges)
    return ColumnCounts(rows=len(ordered), below=below)


def add_columns(
    older: Mapping[str, ColumnCounts], newer: Mapping[str, ColumnCounts]
) -> dict[str, ColumnCounts]:
    """Return the sums of the counts of both by column."""
    columns = dict(older)
    for name, counts in newer.items():
        columns[name] = columns[name] + counts if name in columns else counts
    return columns


def describe_errors(actual: Iterable[float], predicted: Iterable[float]) -> ErrorReference | None:
    """Return the reference of the squared errors; None without at least two held-out rows.

    None also when one of them is not finite. ValueError when the two differ in length.
    """
    errors = [(float(p) - float(a)) ** 2 for a, p in zip(actual, predicted, strict=True)]
    rows = len(errors)
    if rows < 2 or not all(math.isfinite(error) for error in errors):
        return None
    mean = math.fsum(errors) / rows
    variance = math.fsum([(error - mean) ** 2 for error in errors]) / (rows - 1)
    return ErrorReference(rows=rows, mean=mean, standard_error=math.sqrt(variance / rows))


def sum_labels(requests: Iterable[Iterable[float]], allowed: float) -> LabelSums:
    """Bet on each request's mean squared error against a fair mean of `allowed`.

    `requests` has the squared errors of the rows of each request.
    """
    units = [finite for errors in requests if (finite := _finite(errors))]
    if not units or allowed <= 0:
        return LabelSums()
    means = [math.fsum(errors) / len(errors) for errors in units]
    ratios = [mean / allowed - 1 for mean in means]
    return LabelSums(
        units=len(means),
        total=math.fsum(means),
        squares=math.fsum(mean * mean for mean in means),
        rows=sum(map(len, units)),
        squared_error=math.fsum(error for errors in units for error in errors),
        winnings=tuple(math.fsum([math.log1p(bet * r) for r in ratios]) for bet in BETS),
    )


def _finite(values: Iterable[float]) -> list[float]:
    return [float(value) for value in values if math.isfinite(value)]
