"""Runs on Azure ML when Azure fails, is slow, or says no."""

import io
import tarfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from function_app.adapters.azure.jobs.run_specs import week_tag, week_tags
from function_app.adapters.azure.jobs.run_views import read_status
from function_app.domain.training import Dataset, RunStatus
from function_app.errors import PlatformError
from tests.adapters.azure.job_samples import IDENTITIES, NOW, RUN, dataset
from tests.azure_servers.arm import BROKEN, DENIED, THROTTLED
from tests.azure_servers.azure import Azure, sdk_warnings

pytestmark = sdk_warnings
TIMED_OUT = (RunStatus.TIMED_OUT, "Its time was over.")


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


def test_missing_rights_to_submit_name_the_needed_role(azure: Azure) -> None:
    azure.arm.fail("PUT", "/jobs/", DENIED, times=9)

    with pytest.raises(PlatformError, match=r"submit a run.*AuthorizationFailed.*403.*role"):
        azure.jobs().submit(RUN, dataset(azure), "prepare-a", None, {})


def test_a_refused_read_is_not_taken_for_an_absent_run(azure: Azure) -> None:
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
    # The code that trains, and the package with the recorder of its environment.
    assert len(bundles) == 2


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
    assert read_status(word, stop=None)[0] is status


@pytest.mark.parametrize("word", ["Running", "CancelRequested", "Canceled", "NotResponding"])
def test_a_run_that_this_app_stops_is_timed_out_at_once(word: str) -> None:
    assert read_status(word, stop=TIMED_OUT)[0] is RunStatus.TIMED_OUT


def test_a_run_that_a_person_cancelled_here_has_the_person_s_reason() -> None:
    stop = (RunStatus.CANCELLED, "ada cancelled it.")

    assert read_status("Canceled", stop=stop) == stop


@pytest.mark.parametrize("word", ["Completed", "Failed"])
def test_a_run_that_ends_of_itself_in_spite_of_the_stop_keeps_its_end(word: str) -> None:
    assert read_status(word, stop=TIMED_OUT)[0] is not RunStatus.TIMED_OUT
