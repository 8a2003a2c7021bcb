"""Checks of new code on Azure ML: their compute, identity, files and reports."""

from typing import Any

import pytest

from function_app.adapters.archives import pack
from function_app.adapters.azure.jobs.run_outputs import REPORT_LIMIT
from function_app.domain.change.change import CheckPlan, CodeVersion
from function_app.errors import ContractError, NotFoundError, PlatformError
from tests.adapters.azure.job_samples import IDENTITIES, RUN, dataset
from tests.azure_servers.azure import CHECKS, CHECKS_INPUTS, VERSIONS, Azure, sdk_warnings

pytestmark = sdk_warnings


PLAN = CheckPlan(
    lint=("ruff", "check", "."),
    tests=("pytest",),
    training="training",
    dry_run=True,
    timeout_seconds=60,
)


def submit_checks(azure: Azure) -> dict[str, Any]:
    """Submit checks of some code; return the job that Azure ML was given."""
    bundle = azure.bundles().store_own("training")
    azure.with_root("checks").jobs().submit_checks("checks-a", "diabetes", bundle, PLAN, {})
    job: dict[str, Any] = azure.arm.asked("PUT", "/jobs/checks-a")[0].json["properties"]
    return job


def test_checks_and_trainings_have_each_a_compute_and_an_identity(azure: Azure) -> None:
    apart = azure.with_settings(
        compute_identity=f"{IDENTITIES}/training", checks_identity=f"{IDENTITIES}/checks"
    )

    apart.jobs().submit(RUN, dataset(apart), "prepare-a", None, {})
    check = submit_checks(apart)

    training = azure.arm.asked("PUT", f"/jobs/{RUN}")[0].json["properties"]
    assert training["computeId"].endswith("/computes/training")
    assert training["identity"]["resourceId"] == f"{IDENTITIES}/training"
    assert check["computeId"].endswith("/computes/checks")
    assert check["identity"]["resourceId"] == f"{IDENTITIES}/checks"


def test_checks_without_an_identity_of_their_own_have_that_of_trainings(azure: Azure) -> None:
    check = submit_checks(azure.with_settings(compute_identity=f"{IDENTITIES}/training"))

    assert check["identity"]["resourceId"] == f"{IDENTITIES}/training"


def test_checks_take_no_compute_when_theirs_is_serverless(azure: Azure) -> None:
    assert not submit_checks(azure.with_settings(checks_compute="serverless")).get("computeId")


def test_a_check_reads_its_own_copies_and_writes_its_own_report_and_nothing_else(
    azure: Azure,
) -> None:
    job = submit_checks(azure)

    read = {name: given["uri"] for name, given in job["inputs"].items() if "uri" in given}
    folder = "azureml://datastores/mlops_checks_inputs/paths/runs/checks-a"
    assert read == {
        "code": f"{folder}/code.tar",
        "tools": f"{folder}/tools.tar",
        "plan": f"{folder}/plan.json",
    }
    assert [given["uri"] for given in job["outputs"].values()] == [
        "azureml://datastores/mlops_checks/paths/runs/checks-a/report/",
        "azureml://datastores/mlops_checks/paths/runs/checks-a/log/",
    ]
    assert azure.jobs().get("checks-a").output_uri == job["outputs"]["report"]["uri"]


def test_the_copy_of_the_code_that_is_checked_is_the_code_that_would_be_published(
    azure: Azure,
) -> None:
    digest = submit_checks(azure)["inputs"]["digest"]["value"]

    kept = azure.blobs.containers[VERSIONS][f"bundles/{digest}.tar"]
    assert azure.blobs.containers[CHECKS_INPUTS]["runs/checks-a/code.tar"] == kept


def test_code_that_was_changed_where_it_is_kept_is_not_checked(azure: Azure) -> None:
    bundle = azure.bundles().store_own("training")
    azure.wrote(f"bundles/{bundle.digest}.tar", b"other code")

    with pytest.raises(PlatformError, match="was changed"):
        azure.with_root("checks").jobs().submit_checks("checks-a", "diabetes", bundle, PLAN, {})


def test_trainings_write_where_versions_are_and_not_where_checks_do(azure: Azure) -> None:
    azure.jobs().submit(RUN, dataset(azure), "prepare-a", None, {})

    job = azure.arm.asked("PUT", f"/jobs/{RUN}")[0].json["properties"]
    assert (
        job["outputs"]["model"]["uri"] == f"azureml://datastores/mlops_runs/paths/runs/{RUN}/model/"
    )
    assert azure.blobs.containers[CHECKS] == azure.blobs.containers[CHECKS_INPUTS] == {}


def test_checks_get_code_plan_and_tools_and_no_setting_of_this_app(azure: Azure) -> None:
    job = submit_checks(azure)

    assert set(job["inputs"]) == {"code", "digest", "plan", "tools"}
    assert "python -m checks --code ../code" in job["command"]
    assert job["environmentVariables"] == {}
    assert job["limits"]["timeout"] == "PT11M"
    conda = azure.arm.asked("PUT", "/environments/")[0].json["properties"]["condaFile"]
    assert "ruff==" in conda


def test_code_without_its_training_folder_is_run_and_fails_where_people_look(
    azure: Azure,
) -> None:
    bundle = azure.bundles().store(
        pack({"README.md": b"moved"}), "c0ffee0000000000000000000000000000000000"
    )
    code = CodeVersion(
        model="diabetes",
        version=bundle.digest,
        uri=bundle.uri,
        commit="c0ffee0000000000000000000000000000000000",
    )

    azure.jobs().submit(RUN, dataset(azure), "prepare-a", code, {})

    job = azure.arm.asked("PUT", "/jobs/")[0].json["properties"]
    assert job["inputs"]["digest"]["value"] == bundle.digest
    assert job["properties"] == {
        "mlflow.source.git.commit": "c0ffee0000000000000000000000000000000000"
    }


def test_reports_of_checks_are_read_and_no_other_name_is_looked_for(azure: Azure) -> None:
    found = b'{"results": [{"name": "lint", "passed": true, "detail": "ok"}], "isolation": "none"}'
    azure.wrote("runs/checks-a/report/checks.json", found, CHECKS)
    azure.wrote("runs/checks-a/report/secret", b"x", CHECKS)

    assert azure.jobs().checks("checks-a").passed
    assert azure.jobs().report("checks-a", "checks.json") == found
    with pytest.raises(NotFoundError):
        azure.jobs().report("checks-a", "secret")
    with pytest.raises(NotFoundError):
        azure.jobs().report("checks-a", "../../models/diabetes/versions/1.json")


def test_a_report_in_the_container_of_versions_is_none_of_a_check(azure: Azure) -> None:
    azure.wrote("runs/checks-a/report/checks.json", b"{}", VERSIONS)

    with pytest.raises(NotFoundError):
        azure.jobs().report("checks-a", "checks.json")


def test_a_report_that_would_fill_the_memory_of_this_app_is_not_read(azure: Azure) -> None:
    azure.wrote("runs/checks-a/report/junit.xml", b"x" * (REPORT_LIMIT.most + 1), CHECKS)

    with pytest.raises(ContractError, match="bytes"):
        azure.jobs().report("checks-a", "junit.xml")
