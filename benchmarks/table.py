"""The table: medians, their ratios to the floor and to the best peer, and the targets.

A target is a ratio to another contender of the same run, because figures of two machines, or of
two moments of one, cannot be compared.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping

from benchmarks.measure import CROWD

Samples = Mapping[str, Mapping[str, list[float]]]  # contender -> row -> samples
FLOOR, OURS = "raw SQLite commits", "funchost"
POLLED, OBVIOUS, DBOS = "funchost polled", "obvious host", "DBOS on SQLite"
HTTP_FLOOR, LIBRARIES = "HTTP and two commits", "the libraries alone"
FLOORS = (FLOOR, HTTP_FLOOR, LIBRARIES, "SDK replay, not stored")
# The other contender, and the ratio of the polled funchost to it.
AIMS = {
    "chain 10": (OBVIOUS, 0.4),
    "chain 1000": (DBOS, 0.3),
    "fan 100": (OBVIOUS, 0.7),
    "signal": (OBVIOUS, 0.7),
    "per second": (OBVIOUS, 2.0),
    CROWD: (OBVIOUS, 2.0),
}
MORE_IS_BETTER = ("per second", CROWD)


def render(samples: Samples, rows: tuple[str, ...]) -> str:
    """Return the table in Markdown: milliseconds, but for rows per second."""
    names = list(samples)
    head = ["", *names, "to the floor", "to the best peer", "aim"]
    lines = [head, ["---", *["---:"] * (len(head) - 1)]]
    for row in rows:
        values = {name: median(samples[name].get(row, [])) for name in names}
        lines.append([row, *[_figure(values[name]) for name in names], *_ratios(row, values)])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def median(values: list[float]) -> float | None:
    """Return the median, None when nothing was measured."""
    return statistics.median(values) if values else None


def _ratios(row: str, values: Mapping[str, float | None]) -> list[str]:
    ours, floor = values.get(OURS), values.get(FLOOR)
    more = row in MORE_IS_BETTER
    apart = (OURS, POLLED, *FLOORS)
    peers = [v for n, v in values.items() if n not in apart and v is not None]
    best = (max if more else min)(peers, default=None)
    return [_times(ours, floor), _times(ours, best), _aim(row, values, more=more)]


def _aim(row: str, values: Mapping[str, float | None], *, more: bool) -> str:
    """Return the target of a row, and the ratio that was reached; "" when it has none."""
    if row not in AIMS:
        return ""
    other, aim = AIMS[row]
    polled, rival = values.get(POLLED), values.get(other)
    text = f"{'≥' if more else '≤'} x {aim:g} {other}"
    if not polled or not rival:
        return text
    ratio = polled / rival
    return f"{text}: x {ratio:.2f} {'✓' if (ratio >= aim if more else ratio <= aim) else '✗'}"


def _times(ours: float | None, other: float | None) -> str:
    return "" if not ours or not other else f"x {ours / other:.2f}"


def _figure(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.1f}" if value < 100 else f"{value:,.0f}"
