import json

from function_app import composition
from infra.cost import ROOT, lines, nodes, read_sheet, rush, write_page

TASK_SCHEDULED, ORCHESTRATOR_STARTED = 4, 12


def test_the_page_of_costs_is_current() -> None:
    page = (ROOT / "docs" / "cost.md").read_text()

    assert page == write_page(read_sheet()), "run: python -m infra.cost --write-docs"


def test_the_counted_steps_are_about_those_of_the_recorded_stories() -> None:
    for entry in read_sheet().counted.values():
        path = ROOT / "tests" / "replay" / "histories" / f"{entry['history']}.json"
        kinds = [event["EventType"] for event in json.loads(path.read_text())["history"]]
        for part, kind in (("activities", TASK_SCHEDULED), ("turns", ORCHESTRATOR_STARTED)):
            recorded = kinds.count(kind)
            assert recorded / 1.5 <= int(entry[part]) <= recorded * 1.5, (path.name, part, recorded)


def test_the_timers_of_the_sheet_are_those_of_the_app() -> None:
    rounds = {name for name, _, _ in composition.ROUNDS}

    assert {*read_sheet().timers, "start_reconciliation"} == rounds, (
        "correct infra/cost.json and its page"
    )


def test_ten_thousand_models_cost_less_each_than_one_does() -> None:
    sheet = read_sheet()

    def each(models: int) -> float:
        return sum(cost(models) for _, _, cost in lines(sheet)) / models

    assert each(1) > each(100) > each(10_000)


def test_a_rush_of_a_hundred_models_fits_the_instances_of_dev() -> None:
    sheet = read_sheet()
    sizes = json.loads((ROOT / "infra" / "sizes.json").read_text())

    assert rush(sheet, 100) / sheet.given("at_once") < sizes["dev"]["maximumInstances"]
    assert nodes(sheet, 1) == 2
