"""Logged requests as units: one bounded variable for each request, and a repeated row once.

Rows of one request are similar, so that a request is one unit: its share of values at most an edge
lies in [0, 1]. drift.py bets on such shares; Waudby-Smith and Ramdas ("Estimating means of bounded
random variables by betting", 2024) have the bound for variables in [0, 1]. A row that was counted
before is left out, because a load test and a client that repeats itself say nothing new. A row with
a value out of range is a matter of input validation: it is counted as such, and left out.
"""

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from function_app.domain.drift.joint import ROWS_PER_REQUEST, distance
from function_app.domain.drift.observations import (
    JOINT,
    PREDICTION,
    ColumnCounts,
    ColumnReference,
    Part,
    RankSums,
    Reference,
    add_columns,
)
from function_app.domain.drift.prediction_lines import LoggedPrediction, row_key
from function_app.domain.drift.ranks import rank

# Limits of the memory: keys of rows, and callers with the ranks of their last unit.
MOST_ROWS, MOST_CALLERS = 4000, 50
# With more repeated training rows, equal rows are usual and no sign of one source.
USUAL_REPEATS = 0.05
# The range of valid values reaches beyond the training data by so many widths of its own range.
RANGES = 1.0
OTHERS = "other callers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """The content of earlier comparisons that the next one needs.

    `rows` are keys of rows, the latest last; `ranks` are the ranks of the last unit of each caller,
    by column.
    """

    rows: tuple[int, ...] = ()
    ranks: dict[str, dict[str, float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """The units of some requests, and the memory for the next ones."""

    parts: tuple[Part, ...]
    repeated: int
    out_of_range: dict[str, int]
    memory: Memory


def count_units(
    reference: Reference,
    predictions: Iterable[LoggedPrediction],
    rows_per_request: int,
    memory: Memory,
) -> Counted:
    """Return the units of these requests by caller and day, in the order of their time."""
    counter = _Counter(reference, rows_per_request, memory)
    for prediction in sorted(predictions, key=lambda prediction: prediction.at):
        counter.add(prediction)
    return counter.result()


def total_columns(parts: Iterable[Part]) -> dict[str, ColumnCounts]:
    """Return the sum of the parts' counts by column."""
    columns: dict[str, ColumnCounts] = {}
    for part in parts:
        columns = add_columns(columns, part.columns)
    return columns


class _Column:
    """The edges of a column, and the line between neighbouring ones for ranks."""

    def __init__(self, reference: ColumnReference) -> None:
        self.name, self.edges = reference.name, reference.edges
        self._shares = tuple(below / reference.rows for below in reference.below)
        span = self.edges[-1] - self.edges[0]
        varies = reference.rows > 1 and len(self.edges) > 2 and math.isfinite(span)
        reach = RANGES * span if varies and self.name not in (PREDICTION, JOINT) else math.inf
        self.low, self.high = self.edges[0] - reach, self.edges[-1] + reach

    def level(self, value: float) -> int:
        """Return the number of edges under the value: the first edge that it does not exceed."""
        return bisect_left(self.edges, value)

    def rank(self, value: float, level: int) -> float:
        """Return the share of the training rows under the value, on a line between the edges."""
        return rank(self.edges, self._shares, value, level)


class _Sums:
    """The counts of one column of one part, while they grow."""

    def __init__(self, edges: int) -> None:
        self.units = 0
        self.levels = [0.0] * (edges + 1)
        self.total = self.squares = self.differences = 0.0
        self.pairs = 0

    def counts(self) -> ColumnCounts:
        below, so_far = [], 0.0
        for level in self.levels[:-1]:
            so_far += level
            below.append(so_far)
        ranks = RankSums(
            units=self.units,
            total=self.total,
            squares=self.squares,
            pairs=self.pairs,
            differences=self.differences,
        )
        return ColumnCounts(rows=self.units, below=tuple(below), ranks=ranks)


class _Counter:
    def __init__(self, reference: Reference, rows_per_request: int, memory: Memory) -> None:
        self._reference, self._most = reference, rows_per_request
        self._columns = {c.name: _Column(c) for c in reference.columns}
        self._sums: dict[tuple[str, str], dict[str, _Sums]] = {}
        self._rows: dict[tuple[str, str], int] = {}
        self._seen = dict.fromkeys(memory.rows)
        self._ranks = {caller: dict(ranks) for caller, ranks in memory.ranks.items()}
        self._repeated = 0
        self._out_of_range: dict[str, int] = {}

    def add(self, prediction: LoggedPrediction) -> None:
        positions = {name: position for position, name in enumerate(prediction.columns)}
        rows = self._fresh(prediction, positions)
        rows = [row for row in rows if self._is_in_range(prediction, row, positions)][: self._most]
        if not rows:
            return
        key = (_day(prediction.at), prediction.caller)
        self._rows[key] = self._rows.get(key, 0) + len(rows)
        sums = self._sums.setdefault(key, {})
        for name, column in self._columns.items():
            values = self._values(name, prediction, rows, positions)
            finite = [value for value in values if math.isfinite(value)]
            if finite:
                if name not in sums:
                    sums[name] = _Sums(len(column.edges))
                self._add_unit(column, sums[name], finite, prediction.caller)

    def result(self) -> Counted:
        parts = tuple(
            Part(
                day=day,
                caller=caller,
                rows=rows,
                columns={n: s.counts() for n, s in self._sums[day, caller].items()},
            )
            for (day, caller), rows in sorted(self._rows.items())
        )
        ranks = dict(list(self._ranks.items())[-MOST_CALLERS:])
        memory = Memory(rows=tuple(self._seen)[-MOST_ROWS:], ranks=ranks)
        return Counted(
            parts=parts,
            repeated=self._repeated,
            out_of_range=self._out_of_range,
            memory=memory,
        )

    def _fresh(self, prediction: LoggedPrediction, positions: dict[str, int]) -> list[int]:
        """Return the numbers of the rows that were not counted before."""
        rows = range(len(prediction.outputs))
        features = self._reference.features
        is_usual = self._reference.repeated > USUAL_REPEATS
        if is_usual or not positions or any(name not in positions for name in features):
            return list(rows)
        fresh = []
        for row in rows:
            key = row_key(prediction.inputs[row])
            if key in self._seen:
                # The row becomes the latest, so that a row that is sent for ever stays known.
                del self._seen[key]
                self._repeated += 1
            else:
                fresh.append(row)
            self._seen[key] = None
            if len(self._seen) > MOST_ROWS:
                del self._seen[next(iter(self._seen))]
        return fresh

    def _is_in_range(
        self, prediction: LoggedPrediction, row: int, positions: dict[str, int]
    ) -> bool:
        within = True
        for name, position in positions.items():
            column = self._columns.get(name)
            if column is None or name in (PREDICTION, JOINT):
                continue
            value = prediction.inputs[row][position]
            if math.isfinite(value) and not column.low <= value <= column.high:
                self._out_of_range[name] = self._out_of_range.get(name, 0) + 1
                within = False
        return within

    def _values(
        self,
        name: str,
        prediction: LoggedPrediction,
        rows: Sequence[int],
        positions: dict[str, int],
    ) -> list[float]:
        """Return the rows' values of a column, none when it is not logged."""
        rule = self._reference.joint
        if name == PREDICTION:
            return [prediction.outputs[row] for row in rows]
        if name == JOINT and rule is not None:
            if any(feature not in positions for feature in rule.features):
                return []
            order = [positions[feature] for feature in rule.features]
            inputs = (prediction.inputs[row] for row in rows[:ROWS_PER_REQUEST])
            return [distance(rule, [values[position] for position in order]) for values in inputs]
        if name not in positions:
            return []
        position = positions[name]
        return [prediction.inputs[row][position] for row in rows]

    def _add_unit(self, column: _Column, sums: _Sums, values: Sequence[float], caller: str) -> None:
        weight, rank = 1 / len(values), 0.0
        for value in values:
            level = column.level(value)
            sums.levels[level] += weight
            rank += column.rank(value, level) * weight
        sums.units += 1
        sums.total += rank
        sums.squares += rank * rank
        last = self._ranks.setdefault(caller, {})
        if column.name in last:
            sums.pairs += 1
            sums.differences += (rank - last[column.name]) ** 2
        last[column.name] = rank


def _day(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).date().isoformat()
