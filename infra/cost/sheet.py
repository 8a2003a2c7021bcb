"""Prices, assumptions and counted steps, from infra/cost/sheet.json."""

import json
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
DAYS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """The table of prices and assumptions."""

    prices: dict[str, tuple[float, str]]
    assumptions: dict[str, tuple[float, str]]
    counted: dict[str, dict[str, int | str]]
    timers: dict[str, int]
    reconciliation: dict[str, int]
    watching: dict[str, int]

    def price(self, name: str) -> float:
        return self.prices[name][0]

    def given(self, name: str) -> float:
        return self.assumptions[name][0]

    def steps(self, story: str, part: str) -> float:
        """Return how many activities or turns a story takes, with the polls of Azure."""
        polls = self.given("training_polls" if story == "training" else "release_polls")
        # A poll is an activity, a timer and the turns after each.
        more = polls if part == "activities" else 2 * polls
        return int(self.counted[story][part]) + more

    def monthly(self, part: str) -> float:
        """Return the activities or turns of one model in a month."""
        return self.given("trainings") * self.steps("training", part) + self.given(
            "releases"
        ) * self.steps("release", part)

    def comparisons(self, models: int) -> float:
        """Return the executions of a month that compare the records with the platform."""
        once = self.reconciliation["executions"] + models * self.reconciliation["a_model"]
        return DAYS * self.reconciliation["a_day"] * once

    def looks(self, models: int) -> float:
        """Return how often in a month a model in production is compared for drift."""
        return DAYS * self.watching["a_day"] * models


def read_sheet() -> Sheet:
    """Return the sheet of sheet.json."""
    return Sheet(**json.loads((FOLDER / "sheet.json").read_text("utf-8")))
