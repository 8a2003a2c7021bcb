"""Attempts of a run on Azure ML: cancelled, lost with their node, submitted again."""

import hashlib
from datetime import timedelta

import pytest

from function_app.domain.training import Judged, RunStatus, folder_digest
from function_app.errors import PlatformError
from tests.adapters.azure.job_samples import NOW, RUN, dataset
from tests.azure_servers.azure import Azure, sdk_warnings

pytestmark = sdk_warnings


def test_a_run_that_a_person_cancelled_is_failed_and_names_the_studio(azure: Azure) -> None:
    azure.jobs().submit(RUN, dataset(azure), "prepare-a", None, {})
    azure.ml.move(RUN, "Canceled")

    run = azure.jobs().get(RUN)

    assert run.status is RunStatus.FAILED
    assert "A person cancelled it" in run.detail
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


@pytest.mark.parametrize("version", ["RC1", "1.2.0"])
def test_a_run_keeps_its_id_where_the_service_allows_no_such_name(
    azure: Azure, version: str
) -> None:
    run_id = f"{RUN}-vs-{version}"

    azure.jobs().submit(run_id, dataset(azure), "prepare-a", None, {})
    azure.jobs().submit(run_id, dataset(azure), "prepare-a", None, {})

    assert len(azure.arm.asked("PUT", "/jobs/")) == 1
    run = azure.jobs().get(run_id)
    assert (run.run_id, run.status) == (run_id, RunStatus.RUNNING)
    assert azure.jobs().list_runs(NOW - timedelta(days=1)) == (run,)
    (job,) = (name for name in azure.ml.resources if name.startswith("/jobs/"))
    assert run.tags["job"] == job.removeprefix("/jobs/") != run_id
    azure.jobs().cancel(run_id, "out of time")
    assert azure.ml.resources[job]["properties"]["status"] == "CancelRequested"
