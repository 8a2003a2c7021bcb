"""The templates, the queries and the page for Azure agree with the app."""

import json
import re

import pytest

from function_app import names
from function_app.adapters.azure.production.replicas import ACCOUNT
from function_app.steps import STEPS
from tests.infra.conftest import ROOT, read_variables
from tests.infra.snapshot import configuration


def test_queries_ask_for_functions_that_the_app_has() -> None:
    registered = {value for key, value in vars(names).items() if key.isupper()}
    registered |= {step.name for step in STEPS}
    known_states = {"Completed", "Failed", "Terminated", "Started", "Orchestrator", "Activity"}
    for path in sorted((ROOT / "infra" / "queries").glob("*.kql")):
        text = path.read_text()
        compared = re.findall(r"(?:name|activity) (?:== |in \()([^)\n]+)", text)
        quoted = {word for part in compared for word in re.findall(r'"([a-z_]+)"', part)}
        functions = {word for word in quoted if not word.startswith("mlops_")}
        assert functions <= registered | known_states, path


def test_queries_ask_for_figures_that_the_app_tells() -> None:
    page = (ROOT / "docs" / "how-to" / "observability.md").read_text()
    for path in sorted((ROOT / "infra" / "queries").glob("*.kql")):
        for name in re.findall(r"\bmlops_[a-z_]+[a-z]\b", path.read_text()):
            assert f"`{name}`" in page, (path, name)


def test_every_query_is_shown_or_alerted_on() -> None:
    modules = "".join(path.read_text() for path in (ROOT / "infra" / "modules").glob("*.bicep"))

    for path in (ROOT / "infra" / "queries").glob("*.kql"):
        assert f"queries/{path.name}" in modules


def test_the_worker_has_a_thread_for_all_that_host_json_lets_run() -> None:
    host = json.loads((ROOT / "infra" / "host" / "azure.json").read_text())
    durable = host["extensions"]["durableTask"]

    threads = int(configuration("dev").settings()["PYTHON_THREADPOOL_THREAD_COUNT"])
    running = ("maxConcurrentActivityFunctions", "maxConcurrentOrchestratorFunctions")
    assert threads == sum(durable[name] for name in running)


# The windows that the service accepts, in minutes, from its error for another window
# (azure-rest-api-specs issue 21258).
WINDOWS = {5, 10, 15, 30, 45, 60, 120, 180, 240, 300, 360, 1440, 2880}


def _minutes(duration: str) -> int:
    number, unit = int(duration.strip("PTDHM")), duration[-1]
    return number * {"M": 1, "H": 60, "D": 1440}[unit]


def test_no_alert_is_closed_by_time_alone() -> None:
    made = configuration("prod").of("Microsoft.Insights/scheduledQueryRules")
    rules = {r.label: r.raw["properties"] for r in made}

    lasting = {name for name, rule in rules.items() if not rule["autoMitigate"]}
    assert lasting == {"alert-dead-letters", "alert-old-container-groups"}
    for name, rule in rules.items():
        assert _minutes(rule["windowSize"]) in WINDOWS, name
        assert _minutes(rule["evaluationFrequency"]) <= _minutes(rule["windowSize"]), name
        assert (rule["muteActionsDuration"] is not None) == (name in lasting), name
        [condition] = rule["criteria"]["allOf"]
        looks_back = [int(n) for n in re.findall(r"timestamp > ago\((\d+)m\)", condition["query"])]
        assert all(n <= _minutes(rule["windowSize"]) for n in looks_back), name
    [waiting] = rules["alert-waiting-approvals"]["criteria"]["allOf"]
    assert "mlops_approval_age_seconds" in waiting["query"]


def test_the_page_for_azure_names_only_values_that_the_templates_read_or_give() -> None:
    page = (ROOT / "docs" / "how-to" / "azure.md").read_text()
    parameters = (ROOT / "infra" / "main.bicepparam").read_text()
    template = (ROOT / "infra" / "main.bicep").read_text()
    set_names = set(re.findall(r"azd env set ([A-Z_]+)", page))
    set_names |= set(re.findall(r"\| `(MLOPS_[A-Z_]+) ", page))

    assert len(set_names) >= 8
    assert set_names <= set(re.findall(r"'([A-Z_]+)'", parameters))
    got = set(re.findall(r"azd env get-value ([A-Z_]+)", page))
    assert got <= set(re.findall(r"^output ([A-Z_]+) ", template, re.MULTILINE))
    for path in re.findall(r"`((?:infra|docs|\.github)/[\w./-]+)`", page):
        assert (ROOT / path).exists(), path


def test_the_page_for_azure_has_each_choice_and_says_which_only_azd_reads() -> None:
    page = (ROOT / "docs" / "how-to" / "azure.md").read_text()
    table = page[page.index("| choice |") :].split("\n\n")[0]
    choices = re.findall(r"`(MLOPS_[A-Z_]+) [^`]+`( \*)?", table)

    everybody = {name for name, star in choices if not star}
    assert everybody == {name for name in read_variables("dev") if name.startswith("MLOPS_")}
    only_azd = {name for name, star in choices if star}
    # The deployer is a person with azd, and the tier is in the page's first commands.
    assert only_azd == set(read_variables("main")) - set(read_variables("dev")) - {
        "MLOPS_TIER",
        "MLOPS_DEPLOYER_TYPE",
    }


def test_entra_trusts_the_account_that_replicas_run_under() -> None:
    template = (ROOT / "infra" / "main.bicep").read_text()

    assert f"accountName: '{ACCOUNT}'" in template


def test_the_budget_covers_every_group_and_begins_when_the_environment_says() -> None:
    made = configuration("all")

    [budget] = made.of("Microsoft.Consumption/budgets")
    assert budget.raw["properties"]["timePeriod"] == {"startDate": "2026-01-01"}
    groups = {r.raw["name"] for r in made.of("Microsoft.Resources/resourceGroups")}
    [cluster] = made.of("Microsoft.ContainerService/managedClusters")
    covered = budget.raw["properties"]["filter"]["dimensions"]
    assert covered["name"] == "ResourceGroupName"
    assert set(covered["values"]) == groups | {cluster.raw["properties"]["nodeResourceGroup"]}
    template = (ROOT / "infra" / "modules" / "budget.bicep").read_text()
    assert "targetScope = 'subscription'" in template


@pytest.mark.parametrize("name", ["main", "dev", "prod"])
def test_a_first_deployment_makes_no_budget_and_names_no_secret(name: str) -> None:
    made = configuration(name)

    assert not made.of("Microsoft.Consumption/budgets")
    texts = made.settings().values()
    assert not [text for text in texts if text.startswith("@Microsoft.KeyVault(")]


def test_every_output_of_a_module_is_read_and_every_default_is_replaced_somewhere() -> None:
    main = (ROOT / "infra" / "main.bicep").read_text()
    calls = re.findall(r"^module (\w+) 'modules/([\w-]+)\.bicep'", main, re.MULTILINE)
    for path in (ROOT / "infra" / "modules").glob("*.bicep"):
        text, names = path.read_text(), [name for name, file in calls if file == path.stem]
        for output in re.findall(r"^output (\w+)", text, re.MULTILINE):
            read = [n for n in names if re.search(rf"\b{n}!?\.outputs\.{output}\b", main)]
            assert read, f"{path.name}: nothing reads the output {output}"
        for parameter in re.findall(r"^param (\w+) \w+ = ", text, re.MULTILINE):
            assert f" {parameter}: " in main, f"{path.name}: nothing passes {parameter}"


def test_no_template_depends_on_the_day_of_the_deployment() -> None:
    for path in (ROOT / "infra").rglob("*.bicep*"):
        assert "utcNow(" not in path.read_text(), path
