"""docs/explanation/cost.md, filled in from the sheet."""

import math

from infra.cost.bill import HOURS, READY, SECONDS, lines, smallest
from infra.cost.scale import nodes, rush
from infra.cost.sheet import FOLDER, Sheet

MODELS = (1, 100, 10_000)


def write_page(sheet: Sheet) -> str:
    """Return docs/explanation/cost.md."""
    bill = lines(sheet)
    cells = [
        f"| {name} | {how} | {' | '.join(f'{cost(n):,.2f}' for n in MODELS)} |"
        for name, how, cost in bill
    ]
    totals = [sum(cost(n) for name, _, cost in bill if not name.startswith("or ")) for n in MODELS]
    prices = [f"| {text} | {value:g} |" for value, text in sheet.prices.values()]
    given = [f"| {text} | {value:g} |" for value, text in sheet.assumptions.values()]
    counted = [
        f"- A {story} takes {entry['activities']} activities in {entry['turns']} turns without"
        f" polls (recorded: `tests/replay/histories/{entry['history']}.json`)."
        for story, entry in sheet.counted.items()
    ]
    scale = [_scale(sheet, n) for n in MODELS]
    template = (FOLDER / "page.template.md").read_text("utf-8")
    return template.format(
        prices="\n".join(prices),
        given="\n".join(given),
        counted="\n".join(counted),
        cells="\n".join(cells),
        totals=" | ".join(f"**{total:,.0f}**" for total in totals),
        scale="\n".join(scale),
        timers=sum(sheet.timers.values()),
        groups=sheet.given("ready_groups"),
        ready=next(cost(1) for name, _, cost in bill if name == READY),
        dev=smallest(sheet),
    )


def _scale(sheet: Sheet, models: int) -> str:
    """Return the row of the second table for so many models."""
    s, busy = sheet.given, rush(sheet, models)
    instances = math.ceil(busy * s("execution_seconds") / s("at_once"))
    activities = models * sheet.monthly("activities") / SECONDS
    groups = models * s("releases") * s("waiting_hours") / HOURS
    figures = (
        f"{models:,}",
        f"{busy:,.1f}",
        f"{instances:,}",
        f"{activities * s('storage_transactions'):,.1f}",
        f"{groups:,.1f}",
        f"{nodes(sheet, models):,}",
    )
    return f"| {' | '.join(figures)} |"
