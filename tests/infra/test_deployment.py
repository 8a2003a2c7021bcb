"""The content of a deployment; each way to deploy leads to the same content."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from function_app import names
from infra import hooks
from infra.stage_app import PARTS, merge, model_folders, stage_app
from tests.infra.conftest import ROOT, read_variables
from tests.infra.snapshot import configuration


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


def test_a_module_of_one_file_and_nested_folders_are_deployed(tmp_path: Path) -> None:
    model = '[models.{0}]\ntraining = "{1}"\nscoring = "{2}"\n'
    models = (
        ("a", "solo", "services/a"),
        ("b", "pkg.train", "v1.0"),
        ("c", "elsewhere", "nowhere"),
    )
    (tmp_path / "mlops.toml").write_text("".join(model.format(*entry) for entry in models))
    for folder in ("services/a", "pkg", "v1.0"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "solo.py").touch()

    # The third model's code is in a repository of its own.
    named = ("pkg", "scoring", "services", "solo.py", "training", "v1.0")
    assert model_folders(tmp_path) == named


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
        "az bicep install",
        "make infra-check",
        "az deployment sub what-if",
        "az deployment sub create",
        "python -m infra.hooks base",
        "python -m infra.hooks stage",
        "az functionapp deployment source config-zip",
        "python -m infra.hooks events",
    ]

    places = [text.index(step) for step in order]

    assert places == sorted(places)
    assert all((ROOT / "infra" / f"{name}.bicepparam").is_file() for name in ("dev", "prod"))


def test_github_passes_every_variable_that_its_parameter_files_read() -> None:
    jobs = _workflow()["jobs"]
    assert isinstance(jobs, dict)
    given = jobs["deploy"]["env"]
    from_the_token = {"AZURE_PRINCIPAL_ID"}

    for parameters in ("dev", "prod"):
        read = read_variables(parameters)
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
    assert set(read_variables("dev")) == set(read_variables("prod")) <= set(read_variables("main"))


def test_the_settings_of_a_person_reach_the_app_as_references_and_a_role() -> None:
    made = configuration("all")

    settings = made.settings()
    assert settings["MLOPS_NOTIFY_TEAMS_URL"].endswith(";SecretName=notify-teams-url)")
    assert settings["MLOPS_NOTIFY_AZURE_MAIL_TO"] == "someone@example.org,another@example.org"
    [role] = [a for a in made.assignments() if a.scope == "rg-mail/mail"]
    assert role.role.endswith("39d1a415f350")


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
