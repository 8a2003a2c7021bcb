"""The steps around a deployment, with an `az` that writes down how it was called."""

import base64
import json
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]

from function_app import names
from function_app.adapters.azure.replicas import ACCOUNT
from infra import hooks
from infra.check.evaluate import Resource, instantiate
from infra.check.program import load
from infra.stage_app import PARTS, merge, model_folders, stage_app
from tests.infra.conftest import ROOT

AZ = """#!/bin/sh
for word in "$@"; do printf '%s\\n' "$word"; done >> "$AZ_CALLS"
echo "--" >> "$AZ_CALLS"
answer=$(head -n 1 "$AZ_ANSWERS")
sed -i 1d "$AZ_ANSWERS"
if [ "$answer" = refused ]; then echo "ResourceNotFound" >&2; exit 1; fi
echo "$answer"
"""
OUTPUTS = {
    "azurE_RESOURCE_GROUP": {"type": "String", "value": "rg-mlops-dev"},
    "mlopS_CLUSTER": {"type": "String", "value": "aks-x"},
    "mlopS_CLUSTER_NAMESPACE": {"type": "String", "value": "models"},
    "mlopS_APP_NAME": {"type": "String", "value": "func-x"},
    "mlopS_DATA_TOPIC": {"type": "String", "value": "evgs-data-x"},
    "mlopS_WORKSPACE_TOPIC": {"type": "String", "value": "evgs-ml-x"},
    "mlopS_REGISTRY_TOPIC": {"type": "String", "value": "evgs-images-x"},
    "mlopS_OWN_TOPIC": {"type": "String", "value": "evgt-mlops-x"},
    "mlopS_DATA_STORAGE": {"type": "String", "value": "stdatax"},
}


@pytest.fixture
def az(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put an `az` and an `azd` on the path; return the file of their calls; answers: `answers`."""
    (tmp_path / "bin").mkdir()
    for name in ("az", "azd"):
        command = tmp_path / "bin" / name
        command.write_text(AZ)
        command.chmod(command.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setenv("AZ_CALLS", str(tmp_path / "calls"))
    monkeypatch.setenv("AZ_ANSWERS", str(tmp_path / "answers"))
    (tmp_path / "answers").write_text("")
    (tmp_path / "outputs.json").write_text(json.dumps(OUTPUTS))
    return tmp_path / "calls"


def calls(az: Path) -> list[list[str]]:
    return [call.split("\n")[:-1] for call in az.read_text().split("--\n") if call]


def test_outputs_are_read_whatever_azure_did_to_their_case(az: Path) -> None:
    outputs = hooks.read_outputs(az.parent / "outputs.json")

    assert outputs["AZURE_RESOURCE_GROUP"] == "rg-mlops-dev"
    assert outputs["MLOPS_APP_NAME"] == "func-x"


def test_every_event_parameter_without_a_default_is_given_by_the_hook(az: Path) -> None:
    assert hooks.main(["events", "--outputs", str(az.parent / "outputs.json")], {}) == 0

    [call] = calls(az)
    assert call[:3] == ["deployment", "group", "create"]
    given = {word.split("=")[0] for word in call[call.index("--parameters") + 1 :]}
    template = (ROOT / "infra" / "events.bicep").read_text()
    assert given == set(re.findall(r"^param (\w+) string$", template, re.MULTILINE))
    assert "appName=func-x" in call


def test_the_namespace_is_tried_until_the_role_counts(az: Path) -> None:
    (az.parent / "answers").write_text("1\n1\n0\n")
    environ = {"MLOPS_HOOK_PAUSE": "0"}

    hooks.main(["namespace", "--outputs", str(az.parent / "outputs.json")], environ)

    assert len(calls(az)) == 3
    assert "kubectl create namespace models" in " ".join(calls(az)[0])


def test_a_namespace_that_cannot_be_made_stops_the_deployment(az: Path) -> None:
    (az.parent / "answers").write_text("1\n1\n")
    environ = {"MLOPS_HOOK_PAUSE": "0", "MLOPS_HOOK_ATTEMPTS": "2"}

    with pytest.raises(SystemExit, match="RBAC Cluster"):
        hooks.main(["namespace", "--outputs", str(az.parent / "outputs.json")], environ)


def test_the_subscriptions_are_tried_until_azure_lists_the_function(az: Path) -> None:
    (az.parent / "answers").write_text("refused\nrefused\n\n")
    environ = {"MLOPS_HOOK_PAUSE": "0"}

    hooks.main(["events", "--outputs", str(az.parent / "outputs.json")], environ)

    assert len(calls(az)) == 3
    assert calls(az)[0] == calls(az)[2]


def test_subscriptions_that_cannot_be_made_stop_the_deployment_with_azures_words(az: Path) -> None:
    (az.parent / "answers").write_text("refused\nrefused\n")
    environ = {"MLOPS_HOOK_PAUSE": "0", "MLOPS_HOOK_ATTEMPTS": "2"}

    with pytest.raises(SystemExit, match="ResourceNotFound"):
        hooks.main(["events", "--outputs", str(az.parent / "outputs.json")], environ)


def test_the_budgets_first_month_is_kept_once(az: Path) -> None:
    hooks.main(["budget"], {"AZURE_ENV_NAME": "mlops-dev"})

    [call] = calls(az)
    assert call[:3] == ["env", "set", "MLOPS_BUDGET_START"]
    assert re.fullmatch(r"20\d\d-(0[1-9]|1[0-2])-01", call[3])
    assert call[4:] == ["--environment", "mlops-dev"]
    hooks.main(["budget"], {"AZURE_ENV_NAME": "mlops-dev", "MLOPS_BUDGET_START": call[3]})
    assert len(calls(az)) == 1


def test_who_deploys_is_read_from_the_token(az: Path, capsys: pytest.CaptureFixture[str]) -> None:
    claims = base64.urlsafe_b64encode(b'{"oid": "1234-5678", "appid": "not this"}').decode()
    (az.parent / "answers").write_text(f"head.{claims.rstrip('=')}.signature\n")

    hooks.main(["principal"], {})

    assert capsys.readouterr().out == "1234-5678\n"


def test_without_a_sign_in_there_is_nobody_who_deploys(az: Path) -> None:
    (az.parent / "answers").write_text("refused\n")

    with pytest.raises(SystemExit, match="az login"):
        hooks.main(["principal"], {})


def test_without_a_cluster_nothing_is_asked_of_azure(az: Path) -> None:
    hooks.main(["namespace"], {})

    assert not az.exists()


def test_a_value_that_is_missing_is_named(az: Path) -> None:
    with pytest.raises(SystemExit, match="AZURE_RESOURCE_GROUP is not set"):
        hooks.main(["events"], {})


@pytest.mark.parametrize("backend", ["scheduler", "storage"])
def test_the_deployed_folder_holds_the_app_and_the_backend(tmp_path: Path, backend: str) -> None:
    target = stage_app(ROOT, tmp_path / "app", backend)

    there = {path.name for path in target.iterdir()}
    assert there == {"host.json", *PARTS, *model_folders(ROOT)}
    host = json.loads((target / "host.json").read_text())
    kinds = {"scheduler": "azureManaged", "storage": "AzureStorage"}
    assert host["extensions"]["durableTask"]["storageProvider"]["type"] == kinds[backend]
    shared = json.loads((ROOT / "host.json").read_text())
    assert host["extensionBundle"] == shared["extensionBundle"]
    assert not list(target.rglob("__pycache__"))
    code = "import function_app; print(len(function_app.app.get_functions()))"
    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=target, capture_output=True, text=True, check=True
    )
    assert int(answer.stdout) > len(names.__dict__) / 2


def test_an_unknown_backend_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="'netherite' is none of"):
        stage_app(ROOT, tmp_path / "app", "netherite")


def test_overlays_merge_objects_and_replace_the_rest() -> None:
    below = {"a": {"b": 1, "c": [1]}, "d": 1}

    assert merge(below, {"a": {"c": [2]}, "e": 3}) == {"a": {"b": 1, "c": [2]}, "d": 1, "e": 3}


def _workflow() -> dict[str, object]:
    text = (ROOT / ".github" / "workflows" / "deploy.yml").read_text()
    # A bare `on` is true in YAML 1.1.
    return dict(yaml.safe_load(text.replace("\non:\n", '\n"on":\n')))


def test_github_deploys_by_federation_and_stores_no_secret() -> None:
    text = (ROOT / ".github" / "workflows" / "deploy.yml").read_text()
    workflow = _workflow()

    assert workflow["permissions"] == {"contents": "read", "id-token": "write"}
    assert "secrets." not in text
    jobs = workflow["jobs"]
    assert isinstance(jobs, dict)
    steps = jobs["deploy"]["steps"]
    login = next(step for step in steps if str(step.get("uses", "")).startswith("azure/login@"))
    assert set(login["with"]) == {"client-id", "tenant-id", "subscription-id"}
    assert jobs["deploy"]["environment"] == "${{ inputs.environment }}"


def test_azure_devops_deploys_through_a_service_connection_and_stores_no_secret() -> None:
    text = (ROOT / "infra" / "azure-pipelines.yml").read_text()
    pipeline = yaml.safe_load(text)

    [stage] = pipeline["stages"]
    [job] = stage["jobs"]
    steps = job["strategy"]["runOnce"]["deploy"]["steps"]
    tasks = [step for step in steps if step.get("task") == "AzureCLI@2"]
    assert len(tasks) == 3
    assert {task["inputs"]["azureSubscription"] for task in tasks} == {"$(serviceConnection)"}
    assert "addSpnToEnvironment" not in text


@pytest.mark.parametrize("path", [".github/workflows/deploy.yml", "infra/azure-pipelines.yml"])
def test_both_build_systems_do_the_same_steps_in_the_same_order(path: str) -> None:
    text = (ROOT / path).read_text()
    order = [
        "make infra-check",
        "az bicep build",
        "az deployment sub what-if",
        "az deployment sub create",
        "python -m infra.hooks namespace",
        "python -m infra.hooks stage",
        "az functionapp deployment source config-zip",
        "python -m infra.hooks events",
    ]

    places = [text.index(step) for step in order]

    assert places == sorted(places)
    assert all((ROOT / "infra" / f"{name}.bicepparam").is_file() for name in ("dev", "prod"))


def _read(parameters: str) -> dict[str, str]:
    """Return the variables that a parameter file reads, with their defaults."""
    text = (ROOT / "infra" / f"{parameters}.bicepparam").read_text()
    return dict(re.findall(r"readEnvironmentVariable\('(\w+)', '([^']*)'\)", text))


def test_github_passes_every_variable_that_its_parameter_files_read() -> None:
    jobs = _workflow()["jobs"]
    assert isinstance(jobs, dict)
    given = jobs["deploy"]["env"]
    from_the_token = {"AZURE_PRINCIPAL_ID"}

    for parameters in ("dev", "prod"):
        read = _read(parameters)
        assert set(read) - from_the_token <= set(given)
        for name, default in read.items():
            # A variable that is not set comes as an empty text: no JSON, so json() would fail.
            json_like = default in ("[]", "{}")
            assert not json_like or given[name].endswith(f"|| '{default}' }}}}"), name


def test_azure_devops_passes_the_variables_of_the_group_of_the_environment() -> None:
    text = (ROOT / "infra" / "azure-pipelines.yml").read_text()
    variables = yaml.safe_load(text)["variables"]

    assert {"group": "mlops-${{ parameters.environment }}"} in variables
    assert {"AZURE_ENV_NAME", "AZURE_LOCATION"} <= {v.get("name") for v in variables}


@pytest.mark.parametrize("path", [".github/workflows/deploy.yml", "infra/azure-pipelines.yml"])
def test_a_build_system_that_cannot_tell_who_deploys_stops(path: str) -> None:
    text = (ROOT / path).read_text()

    # `export X=$(…)` would hide that it failed.
    assert text.count("$(python -m infra.hooks principal)") in (1, 2)
    assert not re.search(r"(export|echo) \S*\$\(python -m infra.hooks principal", text)


def test_azd_reads_the_same_variables_as_the_build_systems() -> None:
    assert set(_read("dev")) == set(_read("prod")) <= set(_read("main"))


def test_the_settings_of_a_person_reach_the_app_as_references_and_a_role() -> None:
    environ = {
        "MLOPS_CHANNELS": '["teams-url"]',
        "MLOPS_MAIL_SERVICE": "mail",
        "MLOPS_MAIL_GROUP": "rg-of-mail",
        "MLOPS_MAIL_FROM": "mlops@example.org",
        "MLOPS_MAIL_TO": '["a@example.org","b@example.org"]',
    }

    made = _resources("prod.bicepparam", environ)

    [settings] = [r.body["properties"] for r in made if r.name == "appsettings"]
    assert settings["MLOPS_NOTIFY_TEAMS_URL"].endswith(";SecretName=notify-teams-url)")
    assert settings["MLOPS_NOTIFY_AZURE_MAIL_TO"] == "a@example.org,b@example.org"
    [role] = [r for r in made if r.path == "modules/mail-roles.bicep"]
    assert role.body["properties"]["roleDefinitionId"].endswith("39d1a415f350")


def test_azd_runs_steps_that_exist_on_every_system() -> None:
    project = yaml.safe_load((ROOT / "azure.yaml").read_text())

    assert (ROOT / project["infra"]["path"] / f"{project['infra']['module']}.bicep").is_file()
    for hook in project["hooks"].values():
        for system in ("posix", "windows"):
            command = hook[system]["run"].split()
            assert command[1:3] == ["-m", "infra.hooks"]
            assert command[3] in hooks.STEPS
    tag = (ROOT / "infra" / "modules" / "app.bicep").read_text()
    assert [f"'azd-service-name': '{name}'" in tag for name in project["services"]] == [True]


def test_queries_ask_for_functions_that_the_app_has() -> None:
    registered = {value for key, value in vars(names).items() if key.isupper()}
    known_states = {"Completed", "Failed", "Terminated", "Started", "Orchestrator", "Activity"}
    for path in sorted((ROOT / "infra" / "queries").glob("*.kql")):
        text = path.read_text()
        compared = re.findall(r"(?:name|activity) (?:== |in \()([^)\n]+)", text)
        quoted = {word for part in compared for word in re.findall(r'"([a-z_]+)"', part)}
        functions = {word for word in quoted if not word.startswith("mlops_")}
        assert functions <= registered | known_states, path


def test_queries_ask_for_figures_that_the_app_tells() -> None:
    page = (ROOT / "docs" / "observability.md").read_text()
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

    [settings] = [r for r in _resources("dev.bicepparam", {}) if r.name == "appsettings"]

    threads = int(settings.body["properties"]["PYTHON_THREADPOOL_THREAD_COUNT"])
    running = ("maxConcurrentActivityFunctions", "maxConcurrentOrchestratorFunctions")
    assert threads == sum(durable[name] for name in running)


# What the service takes as a window: its own words in an answer to another one (azure-rest-api-specs
# issue 21258), in minutes.
WINDOWS = {5, 10, 15, 30, 45, 60, 120, 180, 240, 300, 360, 1440, 2880}


def _minutes(duration: str) -> int:
    number, unit = int(duration.strip("PTDHM")), duration[-1]
    return number * {"M": 1, "H": 60, "D": 1440}[unit]


def test_no_alert_is_closed_by_time_alone() -> None:
    made = _resources("prod.bicepparam", {})
    rules = {
        r.name: r.body["properties"]
        for r in made
        if r.type.startswith("Microsoft.Insights/scheduledQueryRules@")
    }

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
    page = (ROOT / "docs" / "azure.md").read_text()
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
    page = (ROOT / "docs" / "azure.md").read_text()
    table = page[page.index("| choice |") :].split("\n\n")[0]
    choices = re.findall(r"`(MLOPS_[A-Z_]+) [^`]+`( \*)?", table)

    everybody = {name for name, star in choices if not star}
    assert everybody == {name for name in _read("dev") if name.startswith("MLOPS_")}
    only_azd = {name for name, star in choices if star}
    # Who deploys is a person with azd, and the tier is in the page's first commands.
    assert only_azd == set(_read("main")) - set(_read("dev")) - {
        "MLOPS_TIER",
        "MLOPS_DEPLOYER_TYPE",
    }


def test_entra_trusts_the_account_that_replicas_run_under() -> None:
    template = (ROOT / "infra" / "main.bicep").read_text()

    assert f"accountName: '{ACCOUNT}'" in template


def _resources(parameters: str, environ: dict[str, str]) -> list[Resource]:
    program, problems = load(ROOT / "infra")
    assert problems == []
    return list(instantiate(program, program.files[parameters], environ).resources())


FILES = ("main.bicepparam", "dev.bicepparam", "prod.bicepparam")


@pytest.mark.parametrize("parameters", FILES)
def test_the_budget_covers_every_group_and_begins_when_the_environment_says(
    parameters: str,
) -> None:
    environ = {"AZURE_ENV_NAME": "x", "MLOPS_BUDGET_START": "2026-01-01"}
    made = _resources(parameters, environ)

    [budget] = [r for r in made if r.type.startswith("Microsoft.Consumption/budgets@")]
    assert budget.body["properties"]["timePeriod"] == {"startDate": "2026-01-01"}
    groups = {r.name for r in made if r.type.startswith("Microsoft.Resources/resourceGroups@")}
    [cluster] = [r for r in made if r.type.startswith("Microsoft.ContainerService/")]
    covered = budget.body["properties"]["filter"]["dimensions"]
    assert covered["name"] == "ResourceGroupName"
    assert set(covered["values"]) == groups | {cluster.body["properties"]["nodeResourceGroup"]}
    template = (ROOT / "infra" / "modules" / "budget.bicep").read_text()
    assert "targetScope = 'subscription'" in template


@pytest.mark.parametrize("parameters", FILES)
def test_a_first_deployment_makes_no_budget_and_names_no_secret(parameters: str) -> None:
    made = _resources(parameters, {})

    assert not [r for r in made if r.type.startswith("Microsoft.Consumption/")]
    [settings] = [r for r in made if r.name == "appsettings"]
    texts = map(str, settings.body["properties"].values())
    assert not [text for text in texts if text.startswith("@Microsoft.KeyVault(")]


def test_no_template_depends_on_the_day_of_the_deployment() -> None:
    for path in (ROOT / "infra").rglob("*.bicep*"):
        assert "utcNow(" not in path.read_text(), path
