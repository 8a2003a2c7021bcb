"""The table: medians, their ratios to the floor and to the best peer, and the targets."""

from __future__ import annotations

import statistics
from collections.abc import Mapping

Samples = Mapping[str, Mapping[str, list[float]]]  # contender -> row -> samples
FLOOR, OURS = "raw SQLite commits", "funchost"
FLOORS = (FLOOR, "SDK replay, not stored")
AIMS = {
    "chain 10": 10.0,
    "chain 100": 80.0,
    "chain 1000": 900.0,
    "fan 100": 25.0,
    "signal": 3.0,
    "per second": 700.0,
}
MORE_IS_BETTER = ("per second",)


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
    ours, floor, aim = values.get(OURS), values.get(FLOOR), AIMS.get(row)
    more = row in MORE_IS_BETTER
    peers = [v for n, v in values.items() if n != OURS and n not in FLOORS and v is not None]
    best = (max if more else min)(peers, default=None)
    sign = "≥" if more else "≤"
    met = ""
    if aim is not None and ours is not None:
        met = " ✓" if (ours >= aim if more else ours <= aim) else " ✗"
    return [
        _times(ours, floor),
        _times(ours, best),
        "" if aim is None else f"{sign} {aim:g}{met}",
    ]


def _times(ours: float | None, other: float | None) -> str:
    return "" if not ours or not other else f"x {ours / other:.2f}"


def _figure(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.1f}" if value < 100 else f"{value:,.0f}"
