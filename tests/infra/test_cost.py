import json
import re
from typing import Any

from function_app import composition
from infra.cost.bill import lines, smallest
from infra.cost.page import write_page
from infra.cost.scale import nodes, rush
from infra.cost.sheet import read_sheet
from tests.infra.conftest import ROOT
from tests.infra.snapshot import configuration

TASK_SCHEDULED, ORCHESTRATOR_STARTED = 4, 12


def test_the_page_of_costs_is_current() -> None:
    page = (ROOT / "docs" / "explanation" / "cost.md").read_text()

    assert page == write_page(read_sheet()), "run: python -m infra.cost --write-docs"


def test_the_page_for_azure_says_what_the_size_dev_costs() -> None:
    page = (ROOT / "docs" / "how-to" / "azure.md").read_text()

    assert f"some {smallest(read_sheet()):,.0f} USD a month" in page


def test_the_counted_steps_are_about_those_of_the_recorded_stories() -> None:
    for entry in read_sheet().counted.values():
        path = ROOT / "tests" / "replay" / "histories" / f"{entry['history']}.json"
        kinds = [event["EventType"] for event in json.loads(path.read_text())["history"]]
        for part, kind in (("activities", TASK_SCHEDULED), ("turns", ORCHESTRATOR_STARTED)):
            recorded = kinds.count(kind)
            assert recorded / 1.5 <= int(entry[part]) <= recorded * 1.5, (path.name, part, recorded)


def test_the_timers_of_the_sheet_are_those_of_the_app() -> None:
    timers = {name for name, _, _ in composition.TIMERS}

    assert {*read_sheet().timers, "start_reconciliation"} == timers, (
        "correct infra/cost/sheet.json and its page"
    )


def test_the_sheet_counts_what_the_templates_make_for_prod() -> None:
    sheet, made = read_sheet(), _bodies("prod")
    sizes = json.loads((ROOT / "infra" / "sizes.json").read_text())["prod"]

    assert sheet.given("endpoints") == len(made["Microsoft.Network/privateEndpoints"])
    assert sheet.given("zones") == len(made["Microsoft.Network/privateDnsZones"])
    [scheduler] = made["Microsoft.DurableTask/schedulers"]
    assert scheduler["properties"]["sku"]["name"] == "Dedicated"
    assert sizes["zoneRedundant"]
    assert sizes["registrySku"] == "Premium"
    assert sizes["instanceMemory"] == sheet.given("memory_gb") * 1024


def test_the_sheet_counts_what_the_templates_make_for_dev() -> None:
    sizes = json.loads((ROOT / "infra" / "sizes.json").read_text())["dev"]

    assert sizes["clusterMinNodes"] == 1
    assert sizes["clusterTier"] == "Free"
    assert sizes["registrySku"] == "Basic"
    assert sizes["schedulerSku"] == "Consumption"
    assert not sizes["zoneRedundant"]
    assert sizes["alwaysReadyDurable"] == 0


def test_each_timer_and_the_event_grid_function_are_scaling_groups_of_their_own() -> None:
    shared, alone = ("http", "durable"), ("on_event",)

    groups = len(shared) + len(alone) + len(composition.TIMERS)

    assert read_sheet().given("ready_groups") == groups


def test_every_price_and_assumption_counts_somewhere() -> None:
    sheet = read_sheet()
    source = "".join(path.read_text() for path in (ROOT / "infra" / "cost").glob("*.py"))

    for name in (*sheet.prices, *sheet.assumptions):
        assert re.search(rf"""["']{name}["']""", source), name


def _bodies(parameters: str) -> dict[str, list[Any]]:
    made: dict[str, list[Any]] = {}
    for resource in configuration(parameters).resources:
        made.setdefault(resource.type, []).append(resource.raw)
    return made


def test_ten_thousand_models_cost_less_each_than_one_does() -> None:
    sheet = read_sheet()

    def each(models: int) -> float:
        return sum(cost(models) for _, _, cost in lines(sheet)) / models

    assert each(1) > each(100) > each(10_000)


def test_a_rush_of_a_hundred_models_fits_the_instances_of_dev() -> None:
    sheet = read_sheet()
    sizes = json.loads((ROOT / "infra" / "sizes.json").read_text())

    assert rush(sheet, 100) / sheet.given("at_once") < sizes["dev"]["maximumInstances"]
    assert nodes(sheet, 1) == 3
