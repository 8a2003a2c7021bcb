"""The table of figures: each rule's rate with its interval, the goal, and whether it is met."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scipy.stats import binomtest

from benchmarks.gates.rules import RULES


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """Hits in tries."""

    hits: int
    tries: int

    @property
    def value(self) -> float:
        """The share of hits."""
        return self.hits / self.tries

    def interval(self) -> tuple[float, float]:
        """Return the exact 95 % interval of the probability (Clopper and Pearson 1934)."""
        bounds = binomtest(self.hits, self.tries).proportion_ci(0.95, method="exact")
        return float(bounds.low), float(bounds.high)

    def __str__(self) -> str:
        low, high = self.interval()
        return f"{_percent(self.value)} ({100 * low:.3g}-{_percent(high)})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """A limit of a figure: at most, or at least, `limit`; `text` is its form in the table."""

    limit: float
    text: str
    at_least: bool = False

    def met(self, value: float) -> bool:
        """Return whether a figure keeps the limit; NaN does not."""
        return value >= self.limit if self.at_least else value <= self.limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of the table: the figure of each rule, "" for none, and the goal of the product."""

    figure: str
    cells: Mapping[str, str]
    value: float = float("nan")
    goal: Goal | None = None

    @property
    def mark(self) -> str:
        """The word on the goal: met, missed, or "" without a goal."""
        if self.goal is None:
            return ""
        return "met" if self.goal.met(self.value) else "missed"


def most(limit: float) -> Goal:
    """Return the goal of a share of at most `limit`."""
    return Goal(limit=limit, text=f"≤ {_percent(limit)}")


def least(limit: float) -> Goal:
    """Return the goal of a share of at least `limit`."""
    return Goal(limit=limit, text=f"≥ {_percent(limit)}", at_least=True)


def share_line(
    figure: str, shares: Mapping[str, Share], rule: str, goal: Goal | None = None
) -> Line:
    """Return the line of shares; `rule` is the one that the goal is about."""
    cells = {name: str(share) for name, share in shares.items()}
    return Line(figure=figure, cells=cells, value=shares[rule].value, goal=goal)


def table(lines: Sequence[Line]) -> str:
    """Return the lines as a table in Markdown."""
    head = ["figure", *RULES, "goal", ""]
    rows = [head, ["---", *["---:"] * len(RULES), "---", "---"]]
    for line in lines:
        cells = [line.cells.get(name, "") for name in RULES]
        rows.append([line.figure, *cells, line.goal.text if line.goal else "", line.mark])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def missed(lines: Sequence[Line]) -> list[str]:
    """Return the figures whose goals are missed."""
    return [line.figure for line in lines if line.mark == "missed"]


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
