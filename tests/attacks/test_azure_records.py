"""Attacks of judged code on the records of Azure ML about its own run and about versions."""

import tracemalloc
from copy import deepcopy

import pytest

from function_app.domain.change.change import CodeVersion
from function_app.domain.training import Dataset, ModelVersion, Run, is_own
from function_app.errors import ConflictError, PlatformError
from tests.adapters.azure.test_registry import judged, trained
from tests.attacks.attack import ONLY, attack
from tests.azure_servers.azure import Azure, azure, sdk_warnings

__all__ = ["azure"]
pytestmark = sdk_warnings
RUN = "train-diabetes-a"
HONEST = CodeVersion(
    model="diabetes", version="a" * 64, uri="https://b/a.tar", commit="c0ffee" + "0" * 34
)
FORGED = {
    "mlops": "evaluation",
    "model": "other",
    "dataset": "f" * 64,
    "code": "e" * 64,
    "commit": "bad" + "0" * 37,
    "instance_id": "somebody-else",
}


HUGE = 700_000_000  # bytes


def submit(azure: Azure, run_id: str = RUN) -> Run:
    uri = f"{azure.blobs.url}/versions/datasets/rows.csv"
    dataset = Dataset(model="diabetes", version="d" * 64, uri=uri)
    return azure.jobs().submit(run_id, dataset, "prepare-a", HONEST, {"instance_id": "story"})


@attack(
    point=5,
    does="lets a training in Azure write another commit, model and story into its run's tags",
    answer="the run keeps the code, the model, the data and the story of the app's submission",
    log="none: the tags of a run that the app submitted are not read",
    before="succeeded",
    azure=ONLY,
    by="trial",
)
def test_the_tags_of_a_run_in_azure_count_for_nothing(azure: Azure) -> None:
    run = submit(azure)
    azure.ml.resources[f"/jobs/{RUN}"]["properties"]["tags"] = FORGED

    assert azure.jobs().get(RUN) == run
    assert run.code == HONEST
    assert (run.model, run.dataset_version, run.tags["instance_id"]) == (
        "diabetes",
        "d" * 64,
        "story",
    )


@attack(
    point=5,
    does="lets a training in Azure delete the tag by which its run is listed",
    answer="the list of runs has it from the app's own record, so that its story can cancel it",
    log="none: the run is listed",
    before="succeeded",
    azure=ONLY,
    by="trial",
)
def test_a_run_without_its_tags_is_listed_in_azure(azure: Azure) -> None:
    run = submit(azure)
    azure.ml.resources[f"/jobs/{RUN}"]["properties"]["tags"] = dict(FORGED)
    now = azure.jobs()._now()

    assert azure.jobs().list_runs(now) == (run,)


@attack(
    point=5,
    does="submits a job in Azure under the name that the next training will have",
    answer="409 FOREIGN_RUN; the app uses no job that it did not submit, also when asked again",
    log="the reason of the failed training names the job",
    before="succeeded",
    azure=ONLY,
    by="trial",
)
def test_a_job_of_somebody_else_is_not_taken_for_a_training(azure: Azure) -> None:
    submit(azure, "train-diabetes-b")
    forged = deepcopy(azure.ml.resources["/jobs/train-diabetes-b"]["properties"])
    azure.ml.add(f"/jobs/{RUN}", {**forged, "command": "true", "status": "Completed"})

    for _ in range(2):
        with pytest.raises(ConflictError, match=RUN):
            submit(azure)
    # No story is woken, and no run is cancelled, for a tag that the app did not write.
    assert "instance_id" not in azure.jobs().get(RUN).tags


@attack(
    point=5,
    does="registers a version from inside a job in Azure, with a digest and authors of its own",
    answer="without a record of the app it is foreign: FOREIGN_VERSION; nothing is released",
    log="inbox: FOREIGN_VERSION; finding: model registered out of band",
    before="succeeded",
    azure=ONLY,
    by="trial",
)
def test_a_version_that_a_job_registered_is_not_the_app_s(azure: Azure) -> None:
    azure.registry().register(trained(azure, "a"), judged(trained(azure, "a")))
    forged = deepcopy(azure.ml.resources["/models/diabetes/versions/1"]["properties"])
    azure.ml.add("/models/diabetes/versions/2", forged)

    assert is_own(azure.registry().get("diabetes", "1"))
    assert not is_own(azure.registry().get("diabetes", "2"))
    assert azure.registry().get("diabetes", "2").authors == ()


@attack(
    point=5,
    does="changes the tags of a registered version in Azure: its code, figures and evaluation",
    answer="the version keeps the content of the app's registration",
    log="none: the tags of a version that the app registered are not read",
    before="succeeded",
    azure=ONLY,
    by="trial",
)
def test_the_tags_of_a_version_in_azure_count_for_nothing(azure: Azure) -> None:
    run = trained(azure, "a", code=HONEST)
    version: ModelVersion = azure.registry().register(run, judged(run))
    tags = azure.ml.resources["/models/diabetes/versions/1"]["properties"]["tags"]
    tags |= {**FORGED, "metric.mse": "0", "evaluation": "other", "run_id": "other"}

    assert azure.registry().get("diabetes", "1") == version
    assert [each.version for each in azure.registry().list_versions("diabetes")] == ["1"]


@attack(
    point=10,
    does="leaves a file of 700 MB, of nested JSON or of no JSON where the app looks for the figures "
    "of a training in Azure",
    answer="the run has no figures; the app reads no file that is larger than a record",
    log="none: the figures of a training's author decide nothing",
    before="succeeded",
    azure=ONLY,
    by="trial",
)
@pytest.mark.parametrize(
    "content", [bytes(HUGE), b"[" * 50_000, b"[1]", b"\xff"], ids=["huge", "deep", "list", "bytes"]
)
def test_figures_of_a_training_in_azure_are_read_within_limits(
    azure: Azure, content: bytes
) -> None:
    submit(azure)
    azure.ml.move(RUN, "Completed")
    azure.wrote(f"runs/{RUN}/model/metrics.json", content)

    tracemalloc.start()
    try:
        run = azure.jobs().get(RUN)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert run.metrics == {}
    assert peak < 16 << 20


@attack(
    point=5,
    does="goes on after its run has ended, from another node or with the token of its job, and "
    "changes the model that was judged",
    answer="the version is not registered: the model has changed since it was judged",
    log="the reason of the failed training",
    before="refused",
    azure=ONLY,
    by="trial",
)
def test_a_model_that_changes_after_it_was_judged_is_not_registered(azure: Azure) -> None:
    run = trained(azure, "a")
    verdict = judged(run)
    azure.wrote(f"runs/{run.run_id}/model/model.skops", b"another model")

    with pytest.raises(PlatformError, match="has changed since it was judged"):
        azure.registry().register(run, verdict)

    assert tuple(azure.registry().list_versions("diabetes")) == ()
