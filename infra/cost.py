"""docs/cost.md: what a month costs and how far it scales, as arithmetic over infra/cost.json."""

import json
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MODELS = (1, 100, 10_000)
HOURS, DAYS, SECONDS = 730, 30, 2_628_000
NODE_CPU = 3.5  # of 4; the rest is the system's


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
        """Return how often in a month a model in production is looked at for drift."""
        return DAYS * self.watching["a_day"] * models


def read_sheet() -> Sheet:
    """Return the sheet of infra/cost.json."""
    return Sheet(**json.loads((ROOT / "infra" / "cost.json").read_text("utf-8")))


def lines(sheet: Sheet) -> list[tuple[str, str, Callable[[int], float]]]:
    """Return each line of the month's bill: its name, its arithmetic, its price for n models."""
    s, p, r, w = sheet.given, sheet.price, sheet.reconciliation, sheet.watching
    executions = sheet.monthly("activities") + sheet.monthly("turns")
    timers = sum(sheet.timers.values()) * DAYS
    second = s("execution_seconds") * s("memory_gb")
    waiting = s("releases") * s("waiting_hours")
    runs = s("trainings") + s("releases")
    return [
        (
            "Functions, stories",
            f"{executions:,.0f} executions a model x {second:g} GB-s",
            lambda n: n * executions * (second * p("execution_gb_second")),
        ),
        (
            "Functions, timers",
            f"{timers:,.0f} executions, however many models x {second:g} GB-s",
            lambda n: timers * second * p("execution_gb_second"),
        ),
        (
            "Functions, comparing records with the platform",
            f"{r['a_day']} a day x ({r['executions']} + {r['a_model']} a model) x {second:g} GB-s",
            lambda n: sheet.comparisons(n) * second * p("execution_gb_second"),
        ),
        (
            "Functions, watching for drift",
            f"{w['a_day']} a day and model x {w['executions']} x {second:g} GB-s",
            lambda n: sheet.looks(n) * w["executions"] * second * p("execution_gb_second"),
        ),
        (
            "Functions, instances that zone redundancy keeps ready",
            f"{s('ready_groups'):g} groups x {s('ready_instances'):g} x {SECONDS:,} s"
            f" x {s('memory_gb'):g} GB",
            lambda n: (
                s("ready_groups")
                * s("ready_instances")
                * SECONDS
                * s("memory_gb")
                * p("ready_gb_second")
            ),
        ),
        (
            "Functions, executions",
            "all of these x price of a million",
            lambda n: (
                (n * executions + timers + sheet.comparisons(n) + sheet.looks(n) * w["executions"])
                * p("execution_million")
                / 1e6
            ),
        ),
        (
            "Durable on the scheduler, Dedicated",
            f"capacity units: actions a second in a rush / {s('unit_actions'):,.0f}, or 1",
            lambda n: units(sheet, n) * p("scheduler_unit"),
        ),
        (
            "or on the scheduler, Consumption (dev)",
            f"{executions:,.0f} actions a model, comparing and watching",
            lambda n: (
                (n * executions + sheet.comparisons(n) + sheet.looks(n) * w["executions"])
                * p("scheduler_1k")
                / 1e3
            ),
        ),
        (
            "or on Azure Storage",
            f"{sheet.monthly('activities'):,.0f} activities a model x {s('storage_transactions'):g}"
            " transactions, half tables, half queues",
            lambda n: (
                n
                * sheet.monthly("activities")
                * s("storage_transactions")
                * (p("table_10k") + p("queue_10k"))
                / 2e4
            ),
        ),
        (
            "Training nodes",
            f"{s('trainings'):g} x {s('training_minutes'):g} min a model",
            lambda n: n * s("trainings") * s("training_minutes") / 60 * p("training_hour"),
        ),
        (
            "Nodes of checks",
            f"{s('checks'):g} x {s('check_minutes'):g} min a model",
            lambda n: n * s("checks") * s("check_minutes") / 60 * p("training_hour"),
        ),
        (
            "Builds",
            f"{s('releases'):g} a model x 120 s x 2 CPU",
            lambda n: n * s("releases") * 240 * p("build_second"),
        ),
        (
            "Staging",
            f"{waiting:g} h a model x (1 vCPU + 1.5 GB)",
            lambda n: n * waiting * (p("staging_cpu_hour") + 1.5 * p("staging_gb_hour")),
        ),
        (
            "Cluster",
            f"nodes: {s('replicas'):g} x {s('replica_cpu'):g} vCPU a model / {NODE_CPU}, or 2",
            lambda n: HOURS * (nodes(sheet, n) * p("node_hour") + p("cluster_hour")),
        ),
        ("Registry", "Premium", lambda n: p("registry_month")),
        (
            "Private network",
            f"{s('endpoints'):g} endpoints x {HOURS} h, {s('zones'):g} zones",
            lambda n: s("endpoints") * HOURS * p("endpoint_hour") + s("zones") * p("zone_month"),
        ),
        (
            "Images and files",
            f"{s('releases'):g} x {s('image_gb'):g} GB a model; a year's when nothing is deleted",
            lambda n: 12 * n * s("releases") * s("image_gb") * p("storage_gb"),
        ),
        (
            "Prediction logs",
            f"{s('replicas'):g} replicas x {s('log_appends'):,.0f} appends, and {w['reads']} reads"
            " a look",
            lambda n: (
                n * s("replicas") * s("log_appends") * p("blob_10k") / 1e4
                + sheet.looks(n) * w["reads"] * p("blob_read_10k") / 1e4
            ),
        ),
        (
            "Logs of timers, comparing and watching",
            f"their executions x {s('log_kb'):g} KB",
            lambda n: (
                (timers + sheet.comparisons(n) + sheet.looks(n) * w["executions"])
                * s("log_kb")
                / 1e6
                * p("log_gb")
            ),
        ),
        (
            "Logs of trainings and releases",
            f"{runs:g} x {s('log_mb'):g} MB a model",
            lambda n: n * runs * s("log_mb") / 1e3 * p("log_gb"),
        ),
        (
            "Events",
            f"{3 * runs:g} events a model",
            lambda n: n * 3 * runs * p("event_million") / 1e6,
        ),
    ]


def nodes(sheet: Sheet, models: int) -> int:
    """Return how many cluster nodes the replicas of so many models need."""
    cpu = models * sheet.given("replicas") * sheet.given("replica_cpu")
    return max(2, math.ceil(cpu / NODE_CPU))


def units(sheet: Sheet, models: int) -> int:
    """Return how many capacity units of the scheduler a rush of so many models needs."""
    return max(1, math.ceil(rush(sheet, models) / sheet.given("unit_actions")))


def rush(sheet: Sheet, models: int) -> float:
    """Return the executions a second in the busiest quarter of an hour."""
    trainings = models * sheet.given("trainings") / DAYS * sheet.given("rush")
    steps = sheet.steps("training", "activities") + sheet.steps("training", "turns")
    return trainings * steps / 900


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


def write_page(sheet: Sheet) -> str:
    """Return docs/cost.md."""
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
    template = (ROOT / "infra" / "cost.template.md").read_text("utf-8")
    return template.format(
        prices="\n".join(prices),
        given="\n".join(given),
        counted="\n".join(counted),
        cells="\n".join(cells),
        totals=" | ".join(f"**{total:,.0f}**" for total in totals),
        scale="\n".join(scale),
        timers=sum(sheet.timers.values()),
        groups=sheet.given("ready_groups"),
        ready=next(cost(1) for name, _, cost in bill if "keeps ready" in name),
    )


def main(arguments: list[str]) -> int:
    """Write or print the page."""
    page = write_page(read_sheet())
    if arguments == ["--write-docs"]:
        (ROOT / "docs" / "cost.md").write_text(page, encoding="utf-8")
    else:
        print(page)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
