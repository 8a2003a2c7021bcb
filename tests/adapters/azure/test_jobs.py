"""Runs on Azure ML when Azure fails, is slow, or says no."""

import hashlib
import io
import tarfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from function_app.adapters.archives import pack
from function_app.adapters.azure.run_outputs import MOST_OF_REPORT
from function_app.adapters.azure.run_specs import week_tag, week_tags
from function_app.adapters.azure.run_views import read_status
from function_app.domain.change import CheckPlan, CodeVersion
from function_app.domain.training import Dataset, Judged, RunStatus, folder_digest
from function_app.errors import ContractError, NotFoundError, PlatformError
from tests.azure_servers.arm import BROKEN, DENIED, THROTTLED
from tests.azure_servers.azure import CHECKS, CHECKS_INPUTS, VERSIONS, Azure, sdk_warnings

pytestmark = sdk_warnings
RUN = "train-diabetes-a"
NOW = datetime.now(UTC)
PLAN = CheckPlan(
    lint=("ruff", "check", "."),
    tests=("pytest",),
    training="training",
    dry_run=True,
    timeout_seconds=60,
)
IDENTITIES = (
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities"
)


def dataset(azure: Azure) -> Dataset:
    uri = f"{azure.blobs.url}/versions/datasets/rows.csv"
    return Dataset(model="diabetes", version="d" * 64, uri=uri)


def test_a_run_whose_answer_was_lost_is_found_and_not_submitted_again(azure: Azure) -> None:
    azure.arm.lose_answer("PUT", "/jobs/")

    with pytest.raises(PlatformError):
        azure.jobs().submit(RUN, dataset(azure), "prepare-a", None, {})
    run = azure.jobs().submit(RUN, dataset(azure), "prepare-a", None, {})

    assert run.status is RunStatus.RUNNING
    assert len(azure.arm.asked("PUT", "/jobs/")) == 1


def test_a_throttled_request_is_repeated_and_a_broken_one_too(azure: Azure) -> None:
    azure.arm.fail("GET", "/jobs/", BROKEN)
    azure.arm.fail("PUT", "/jobs/", THROTTLED)

    assert (
        azure.jobs().submit(RUN, dataset(azure), "prepare-a", None, {}).status is RunStatus.RUNNING
    )


def test_who_may_not_submit_is_told_so_and_which_role_helps(azure: Azure) -> None:
    azure.arm.fail("PUT", "/jobs/", DENIED, times=9)

    with pytest.raises(PlatformError, match=r"submit a run.*AuthorizationFailed.*403.*role"):
        azure.jobs().submit(RUN, dataset(azure), "prepare-a", None, {})


def test_who_may_not_read_runs_does_not_take_one_for_absent(azure: Azure) -> None:
    azure.arm.fail("GET", "/jobs/", DENIED, times=9)

    with pytest.raises(PlatformError, match="AuthorizationFailed"):
        azure.jobs().get(RUN)


def test_a_run_without_a_workspace_is_not_taken_for_one_that_nobody_submitted(
    azure: Azure,
) -> None:
    azure.ml.standing = False

    with pytest.raises(PlatformError, match="workspace"):
        azure.jobs().get(RUN)


def test_one_environment_serves_all_runs_of_the_same_packages(azure: Azure) -> None:
    azure.jobs().submit(RUN, dataset(azure), "prepare-a", None, {})
    azure.jobs().submit("train-diabetes-b", dataset(azure), "prepare-a", None, {})

    assert len(azure.arm.asked("PUT", "/environments/")) == 1


def test_the_archive_of_the_apps_own_code_is_the_same_in_every_process(azure: Azure) -> None:
    azure.jobs().submit(RUN, dataset(azure), "prepare-a", None, {})
    azure.jobs().submit("train-diabetes-b", dataset(azure), "prepare-a", None, {})

    bundles = [name for name in azure.blobs.containers["versions"] if name.startswith("bundles/")]
    assert len(bundles) == 1


def test_a_run_reads_this_apps_files_through_the_datastore_and_others_where_they_are(
    azure: Azure,
) -> None:
    elsewhere = Dataset(
        model="diabetes", version="d" * 64, uri="https://elsewhere.example/rows.csv"
    )
    azure.jobs().submit_preparation("prepare-a", dataset(azure), "Y", {})
    azure.jobs().submit_preparation("prepare-b", elsewhere, "Y", {})

    inputs = [r.json["properties"]["inputs"]["rows"] for r in azure.arm.asked("PUT", "/jobs/")]

    assert [given["uri"] for given in inputs] == [
        "azureml://datastores/mlops/paths/datasets/rows.csv",
        "https://elsewhere.example/rows.csv",
    ]


def test_runs_take_the_compute_of_the_settings_or_none_when_it_is_serverless(
    azure: Azure,
) -> None:
    azure.jobs().submit(RUN, dataset(azure), "prepare-a", None, {})
    azure.with_settings(compute="serverless").jobs().submit(
        "train-diabetes-b", dataset(azure), "prepare-a", None, {}
    )

    first, second = (r.json["properties"] for r in azure.arm.asked("PUT", "/jobs/"))
    assert first["computeId"].endswith("/computes/training")
    assert not second.get("computeId")


def test_a_run_has_the_identity_of_the_settings(azure: Azure) -> None:
    identity = f"{IDENTITIES}/u"
    azure.with_settings(compute_identity=identity).jobs().submit(
        RUN, dataset(azure), "prepare-a", None, {}
    )

    given = azure.arm.asked("PUT", "/jobs/")[0].json["properties"]["identity"]
    assert given["identityType"] == "Managed"
    assert given["resourceId"] == identity


def test_a_module_of_one_file_is_packed(azure: Azure, tmp_path: Path) -> None:
    root = tmp_path / "app"
    (root / "pkg").mkdir(parents=True)
    for name in ("solo.py", "pkg/train.py", "pkg/data.py", "other.py"):
        (root / name).write_text("")
    bundles = replace(azure, root=root).bundles()

    with tarfile.open(fileobj=io.BytesIO(bundles.pack_own("solo"))) as archive:
        assert archive.getnames() == ["solo.py"]
    with tarfile.open(fileobj=io.BytesIO(bundles.pack_own("pkg/train"))) as archive:
        assert archive.getnames() == ["pkg/data.py", "pkg/train.py"]


def submit_checks(azure: Azure) -> dict[str, Any]:
    """Submit checks of some code; return the job that Azure ML was given."""
    bundle = azure.bundles().keep_own("training")
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
    bundle = azure.bundles().keep_own("training")
    azure.wrote(f"bundles/{bundle.digest}.tar", b"other code")

    with pytest.raises(PlatformError, match="was changed"):
        azure.with_root("checks").jobs().submit_checks("checks-a", "diabetes", bundle, PLAN, {})


def test_trainings_write_where_versions_are_and_not_where_checks_do(azure: Azure) -> None:
    azure.jobs().submit(RUN, dataset(azure), "prepare-a", None, {})

    job = azure.arm.asked("PUT", f"/jobs/{RUN}")[0].json["properties"]
    assert job["outputs"]["model"]["uri"] == f"azureml://datastores/mlops/paths/runs/{RUN}/model/"
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
    bundle = azure.bundles().keep(
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
    azure.wrote("runs/checks-a/report/checks.json", b"{}")

    with pytest.raises(NotFoundError):
        azure.jobs().report("checks-a", "checks.json")


def test_a_report_that_would_fill_the_memory_of_this_app_is_not_read(azure: Azure) -> None:
    azure.wrote("runs/checks-a/report/junit.xml", b"x" * (MOST_OF_REPORT + 1), CHECKS)

    with pytest.raises(ContractError, match="bytes"):
        azure.jobs().report("checks-a", "junit.xml")


def test_a_run_that_a_person_cancelled_is_failed_and_names_the_studio(azure: Azure) -> None:
    azure.jobs().submit(RUN, dataset(azure), "prepare-a", None, {})
    azure.ml.move(RUN, "Canceled")

    run = azure.jobs().get(RUN)

    assert run.status is RunStatus.FAILED
    assert "Somebody cancelled it" in run.detail
    assert "https://ml.azure.com/runs/" in run.detail


def test_a_run_whose_node_is_gone_is_submitted_again_under_its_id(azure: Azure) -> None:
    azure.jobs().submit(RUN, dataset(azure), "prepare-a", None, {"instance_id": "i"})
    azure.ml.move(RUN, "NotResponding")
    interrupted = azure.jobs().get(RUN)

    again = azure.jobs().submit(RUN, dataset(azure), "prepare-a", None, {"instance_id": "i"})
    azure.jobs().submit(RUN, dataset(azure), "prepare-a", None, {"instance_id": "i"})

    assert interrupted.status is RunStatus.INTERRUPTED
    assert (again.run_id, again.status) == (RUN, RunStatus.RUNNING)
    # Azure ML takes a name only once; the first job is cancelled, so that it cannot come back.
    assert len(azure.arm.asked("PUT", "/jobs/")) == 2
    assert azure.ml.resources[f"/jobs/{RUN}"]["properties"]["status"] == "CancelRequested"
    assert azure.jobs().get(RUN) == again
    assert azure.jobs().list_runs(NOW - timedelta(days=1)) == (again,)


def test_a_later_attempt_writes_the_outputs_of_its_run_and_is_registered(azure: Azure) -> None:
    azure.jobs().submit(RUN, dataset(azure), "prepare-a", None, {})
    azure.ml.move(RUN, "NotResponding")
    azure.jobs().submit(RUN, dataset(azure), "prepare-a", None, {})
    azure.ml.move(f"{RUN}-attempt-2", "Completed")
    azure.wrote(f"runs/{RUN}/model/metrics.json", b'{"mse": 1.5}')
    azure.wrote(f"runs/{RUN}/model/model.skops", b"model")

    run = azure.jobs().get(RUN)
    digest = folder_digest(
        {
            "metrics.json": hashlib.sha256(b'{"mse": 1.5}').hexdigest(),
            "model.skops": hashlib.sha256(b"model").hexdigest(),
        }
    )
    judged = Judged(evaluation_id=f"{RUN}-vs-nothing", digest=digest, metrics={})
    version = azure.registry().register(run, judged)

    assert (run.run_id, run.status, run.metrics) == (RUN, RunStatus.COMPLETED, {"mse": 1.5})
    assert version.run_id == RUN
    model = azure.ml.resources[f"/models/diabetes/versions/{version.version}"]["properties"]
    assert f"/jobs/{RUN}-attempt-2/outputs/model" in model["modelUri"]


def test_an_attempt_whose_answer_was_lost_is_found_and_not_submitted_again(azure: Azure) -> None:
    azure.jobs().submit(RUN, dataset(azure), "prepare-a", None, {})
    azure.ml.move(RUN, "NotResponding")
    azure.arm.lose_answer("PUT", "/jobs/")

    with pytest.raises(PlatformError):
        azure.jobs().submit(RUN, dataset(azure), "prepare-a", None, {})
    run = azure.jobs().submit(RUN, dataset(azure), "prepare-a", None, {})

    assert run.status is RunStatus.RUNNING
    assert len(azure.arm.asked("PUT", "/jobs/")) == 2


def test_this_app_cancels_the_attempt_that_runs(azure: Azure) -> None:
    azure.jobs().submit(RUN, dataset(azure), "prepare-a", None, {})
    azure.ml.move(RUN, "NotResponding")
    azure.jobs().submit(RUN, dataset(azure), "prepare-a", None, {})

    azure.jobs().cancel(RUN)

    assert azure.jobs().get(RUN).status is RunStatus.TIMED_OUT
    job = azure.ml.resources[f"/jobs/{RUN}-attempt-2"]["properties"]
    assert job["status"] == "CancelRequested"
    assert (
        azure.jobs().submit(RUN, dataset(azure), "prepare-a", None, {}).status
        is RunStatus.TIMED_OUT
    )


def test_a_run_that_ended_before_it_was_cancelled_keeps_its_end(azure: Azure) -> None:
    azure.jobs().submit(RUN, dataset(azure), "prepare-a", None, {})
    azure.ml.move(RUN, "Completed")

    azure.jobs().cancel(RUN)

    assert azure.jobs().get(RUN).status is RunStatus.COMPLETED
    assert azure.arm.asked("POST", "/cancel") == []


def test_all_pages_of_runs_are_read_and_older_ones_are_left_out(azure: Azure) -> None:
    for number in range(5):
        azure.jobs().submit(f"train-diabetes-{number}", dataset(azure), "prepare-a", None, {})
    before, after = NOW - timedelta(days=1), NOW + timedelta(days=1)

    assert len(azure.jobs().list_runs(before)) == 5
    assert azure.jobs().list_runs(after) == ()


def test_runs_are_asked_for_by_the_weeks_that_matter(azure: Azure) -> None:
    """A workspace keeps every run that there ever was: none but the recent ones is paged through."""
    azure.jobs().submit(RUN, dataset(azure), "prepare-a", None, {})
    azure.arm.requests.clear()

    found = azure.jobs().list_runs(NOW - timedelta(days=7))

    assert [run.run_id for run in found] == [RUN]
    weeks = {request.query["tag"] for request in azure.arm.asked("GET", "/jobs")}
    assert weeks == {*week_tags(NOW - timedelta(days=7, hours=1), NOW + timedelta(hours=1))}
    assert len(weeks) in (2, 3)


def test_every_day_of_a_time_is_in_one_of_its_weeks() -> None:
    begin = datetime(2026, 12, 24, 23, tzinfo=UTC)

    assert week_tags(begin, begin) == ["mlops-2026-w52"]
    assert week_tags(begin, datetime(2027, 1, 4, 1, tzinfo=UTC)) == [
        "mlops-2026-w52",
        "mlops-2026-w53",
        "mlops-2027-w01",
    ]
    for hours in range(24 * 30):
        moment = begin + timedelta(hours=hours)
        assert week_tag(moment) in week_tags(begin, begin + timedelta(days=30))
        assert week_tag(moment) in week_tags(moment, moment + timedelta(minutes=1))


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("NotStarted", RunStatus.RUNNING),
        ("Queued", RunStatus.RUNNING),
        ("Preparing", RunStatus.RUNNING),
        ("Provisioning", RunStatus.RUNNING),
        ("Starting", RunStatus.RUNNING),
        ("Running", RunStatus.RUNNING),
        ("Finalizing", RunStatus.RUNNING),
        ("CancelRequested", RunStatus.RUNNING),
        ("Paused", RunStatus.RUNNING),
        ("Unheard", RunStatus.RUNNING),
        (None, RunStatus.RUNNING),
        ("Completed", RunStatus.COMPLETED),
        ("completed", RunStatus.COMPLETED),
        ("Failed", RunStatus.FAILED),
        ("NotResponding", RunStatus.INTERRUPTED),
        ("Canceled", RunStatus.FAILED),
    ],
)
def test_each_status_of_azure_ml_means_one_of_ours(word: str | None, status: RunStatus) -> None:
    assert read_status(word, stopped=False)[0] is status


@pytest.mark.parametrize("word", ["Running", "CancelRequested", "Canceled", "NotResponding"])
def test_a_run_that_this_app_stops_is_timed_out_at_once(word: str) -> None:
    assert read_status(word, stopped=True)[0] is RunStatus.TIMED_OUT


@pytest.mark.parametrize("word", ["Completed", "Failed"])
def test_a_run_that_ends_of_itself_in_spite_of_the_stop_keeps_its_end(word: str) -> None:
    assert read_status(word, stopped=True)[0] is not RunStatus.TIMED_OUT
